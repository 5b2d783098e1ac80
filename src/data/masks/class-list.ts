import { parseCsv } from '../csv.ts';
import type { NamedFile } from './pair-masks.ts';

/** What a file says about classes, by label. */
export interface ClassList {
  /** Empty where a class has none. */
  readonly names: readonly string[];
  /** As `red << 16 | green << 8 | blue`; null: the file gives no colours. */
  readonly colours: readonly number[] | null;
}

/** No data set names more. */
const MOST_CLASSES = 1024;

/** Text files that lists of classes come as. */
const LIST_NAME =
  /(^|\/)(class(es|_?names?|_?list|_?dict|_?labels?)|labels?|label_?(names|colou?rs|map)|codes|names|palette)\.txt$/i;

/** Whether a text file may list classes: other text files beside images are read-mes. */
export function isClassListName(path: string): boolean {
  return LIST_NAME.test(path);
}

/**
 * Names and colours of classes: a table with the columns name, r, g and b (`class_dict.csv`), where an `id` column may
 * number the classes; lines of red, green, blue and name (CamVid's `label_colors.txt`) or of `name:r,g,b` (PASCAL VOC's
 * `labelmap.txt`); or one name a line.
 * @returns null if the text is none of these
 */
export function parseClassList({ path, bytes }: NamedFile): ClassList | null {
  const text = new TextDecoder().decode(bytes);
  const listed = /\.(csv|tsv)$/i.test(path) ? fromTable(text) : fromLines(text);
  if (listed.length === 0 || listed.length > MOST_CLASSES) return null;
  const names: string[] = [];
  const colours: number[] = [];
  for (const [at, { id, name, colour }] of listed.entries()) {
    const label = id ?? at;
    if (label >= MOST_CLASSES || names[label] !== undefined) return null;
    names[label] = name;
    if (colour !== null) colours[label] = colour;
  }
  const isColoured = Object.keys(colours).length === listed.length && colours.length === listed.length;
  // Two classes of one colour cannot be told apart.
  const isDistinct = new Set(colours).size === colours.length;
  return {
    names: Array.from(names, (name) => name ?? ''),
    colours: isColoured && isDistinct ? colours : null,
  };
}

interface Listed {
  readonly id: number | null;
  readonly name: string;
  readonly colour: number | null;
}

const NAME_COLUMNS = ['name', 'class', 'class_name', 'classname', 'label', 'label_name', 'category'];
const ID_COLUMNS = ['id', 'index', 'class_id', 'label_id', 'value', 'train_id'];

function fromTable(text: string): readonly Listed[] {
  const [head, ...rows] = parseCsv(text);
  const columns = head?.cells.map((cell) => cell.trim().toLowerCase()) ?? [];
  const place = (...wanted: readonly string[]) => columns.findIndex((each) => wanted.includes(each));
  const name = place(...NAME_COLUMNS);
  const id = place(...ID_COLUMNS);
  const rgb = [place('r', 'red'), place('g', 'green'), place('b', 'blue')];
  const hasColours = rgb.every((at) => at !== -1);
  // A table of files and labels has a name, too.
  if (name === -1 || (!hasColours && (id === -1 || columns.length > 2))) return [];
  const listed = rows.map(({ cells }): Listed | null => {
    const number = id === -1 ? null : wholeOf(cells[id], MOST_CLASSES);
    const colour = hasColours ? colourOf(rgb.map((at) => cells[at])) : null;
    if ((id !== -1 && number === null) || (hasColours && colour === null)) return null;
    return { id: number, name: cells[name]?.trim() ?? '', colour };
  });
  return listed.every((each) => each !== null) ? listed : [];
}

function fromLines(text: string): readonly Listed[] {
  const lines = text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  return lines.map((line): Listed => {
    const colourFirst = /^(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*)$/.exec(line);
    if (colourFirst)
      return { id: null, name: colourFirst[4] ?? '', colour: colourOf(colourFirst.slice(1, 4)) };
    const nameFirst = /^([^:]+):\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)\s*(:.*)?$/.exec(line);
    if (nameFirst)
      return { id: null, name: nameFirst[1]?.trim() ?? '', colour: colourOf(nameFirst.slice(2, 5)) };
    const numbered = /^(\d+)\s*[:,\t]\s*(\S.*)$/.exec(line);
    if (numbered) return { id: wholeOf(numbered[1], MOST_CLASSES), name: numbered[2] ?? '', colour: null };
    return { id: null, name: line, colour: null };
  });
}

function colourOf(channels: readonly (string | undefined)[]): number | null {
  const [red, green, blue] = channels.map((text) => wholeOf(text, 256));
  return red == null || green == null || blue == null ? null : (red << 16) | (green << 8) | blue;
}

function wholeOf(text: string | undefined, end: number): number | null {
  const number = /^\s*\d{1,6}\s*$/.test(text ?? '') ? Number(text) : null;
  return number !== null && number < end ? number : null;
}
