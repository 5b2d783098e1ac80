import { InputError } from '../base/result.ts';
import { type CsvRow, parseCsv } from './csv.ts';
import { compareNaturally } from './natural-order.ts';

/** A label for each image path, in the order of the paths. */
export interface Labels {
  readonly labels: readonly (number | null)[];
  /** Names by label; empty if there are none. */
  readonly classNames: readonly string[];
  readonly warnings: readonly string[];
}

const FILE_COLUMNS = [
  'filename',
  'file',
  'image',
  'path',
  'file_name',
  'image_path',
  'img',
  'image_id',
  'id',
];
const LABEL_COLUMNS = ['label', 'class', 'target', 'class_id', 'label_id', 'category', 'y'];
const NAME_COLUMNS = ['name', 'class_name', 'label_name', 'classname'];

/** No model here has more classes; a larger number is an identifier or a mistake. */
const MAX_LABEL = 99_999;

/**
 * Labels from a table of file and label, with or without a header. Numeric labels are class indices, text
 * labels are numbered in natural order; a name column gives the classes their names.
 * @param paths of all images
 * @param csvName for messages
 * @throws InputError `labels-no-columns`, `labels-bad-value`, `labels-no-match`
 */
export function labelsFromCsv(text: string, csvName: string, paths: readonly string[]): Labels {
  const rows = parseCsv(text);
  const find = pathFinder(paths);
  const columns = findColumns(rows, csvName, find);
  const body = columns.hasHeader ? rows.slice(1) : rows;
  const numeric = body.every((row) => isWhole(row.cells[columns.label]));
  const textClasses = numeric ? [] : sortedDistinct(body.map((row) => cellOf(row, columns.label)));
  const indexOfClass = new Map(textClasses.map((name, i) => [name, i]));

  const labels: (number | null)[] = paths.map(() => null);
  const names = new Map<number, string>();
  const missing: string[] = [];
  for (const row of body) {
    const cell = cellOf(row, columns.label);
    const label = numeric ? Number(cell) : (indexOfClass.get(cell) as number);
    if (cell === '' || label > MAX_LABEL) {
      throw new InputError({
        code: 'labels-bad-value',
        message: `${csvName}, line ${row.line}: label ${cell === '' ? 'is empty' : `${cell} is not a class index below ${MAX_LABEL + 1}`}`,
        where: `${csvName}:${row.line}`,
        hint: 'Give each row a class index (0, 1, 2 …) or a class name.',
      });
    }
    const file = cellOf(row, columns.file);
    const index = find(file);
    if (index === null) missing.push(file);
    else labels[index] = label;
    if (columns.name !== null) names.set(label, cellOf(row, columns.name));
  }
  if (missing.length === body.length) {
    throw new InputError({
      code: 'labels-no-match',
      message: `${csvName}: none of its ${body.length} files is among the ${paths.length} images (it names ${missing[0] ?? 'none'}, an image is ${paths[0]})`,
      where: csvName,
      hint: 'The file column must hold the images’ file names, with or without their folder.',
    });
  }
  const warnings = [
    ...countWarning(missing, `${csvName}: rows without an image`),
    ...countWarning(
      paths.filter((_, i) => labels[i] === null),
      `${csvName}: images without a row`,
    ),
  ];
  return { labels, classNames: numeric ? namesByLabel(names) : textClasses, warnings };
}

/**
 * Labels from folders, one for each class; folders that all images share are ignored. Whole-number folder
 * names are the labels themselves, others are numbered in natural order.
 * @returns null if the images do not lie in at least two class folders
 */
export function labelsFromFolders(paths: readonly string[]): Labels | null {
  const prefix = sharedFolders(paths);
  const classes = paths.map((path) => {
    const parts = path.split('/').slice(prefix);
    return parts.length > 1 ? (parts[0] as string) : null;
  });
  const folders = sortedDistinct(classes.filter((name) => name !== null));
  if (folders.length < 2) return null;
  const numbers = folders.map((name) => (isWhole(name) ? Number(name) : Number.NaN));
  const numeric = numbers.every((number) => number <= MAX_LABEL) && new Set(numbers).size === numbers.length;
  const labelOf = new Map(folders.map((name, i) => [name, numeric ? (numbers[i] as number) : i]));
  const loose = paths.filter((_, i) => classes[i] === null);
  const warnings = [...countWarning(loose, 'images outside the class folders, taken as unlabelled')];
  if (numeric && Math.min(...numbers) === 1 && Math.max(...numbers) === folders.length) {
    warnings.push(
      'class folders count from 1, model classes from 0: set the class offset to -1 if they are the same',
    );
  }
  if (!numeric && folders.every((name) => /^n\d{8}$/.test(name)) && folders.length < 1000) {
    warnings.push(
      `only ${folders.length} of the 1000 ImageNet folders: they are numbered 0 to ${folders.length - 1}, which is not their place in a 1000-class model; give a CSV of file and label instead`,
    );
  }
  return {
    labels: classes.map((name) => (name === null ? null : (labelOf.get(name) as number))),
    classNames: numeric
      ? namesByLabel(new Map(folders.map((name, i) => [numbers[i] as number, name])))
      : folders,
    warnings,
  };
}

/** How many leading folders all paths have in common. */
export function sharedFolders(paths: readonly string[]): number {
  let shared: readonly string[] | null = null;
  for (const path of paths) {
    const folders = path.split('/').slice(0, -1);
    if (shared === null) shared = folders;
    let same = 0;
    while (same < shared.length && shared[same] === folders[same]) same++;
    shared = shared.slice(0, same);
  }
  return shared?.length ?? 0;
}

interface Columns {
  readonly file: number;
  readonly label: number;
  readonly name: number | null;
  readonly hasHeader: boolean;
}

function findColumns(
  rows: readonly CsvRow[],
  csvName: string,
  find: (path: string) => number | null,
): Columns {
  const header = (rows[0]?.cells ?? []).map((cell) => cell.trim().toLowerCase());
  const columnOf = (known: readonly string[]) =>
    known.map((name) => header.indexOf(name)).find((i) => i >= 0) ?? null;
  const file = columnOf(FILE_COLUMNS);
  const name = columnOf(NAME_COLUMNS);
  // A name alone will do as the label.
  const label = columnOf(LABEL_COLUMNS) ?? name;
  if (file !== null && label !== null)
    return { file, label, name: name === label ? null : name, hasHeader: true };

  // No header, or one with unknown names: the column that names images is the file column, its neighbour the label.
  const hasHeader = rows.length > 1 && !rows[0]?.cells.some((cell) => find(cell) !== null);
  const sample = rows[hasHeader ? 1 : 0]?.cells ?? [];
  const fileColumn = sample.findIndex((cell) => find(cell) !== null);
  if (fileColumn >= 0 && sample.length > 1) {
    return { file: fileColumn, label: label ?? (fileColumn === 0 ? 1 : 0), name: null, hasHeader };
  }
  throw new InputError({
    code: 'labels-no-columns',
    message: `${csvName}: no column of image files and labels found (its first line is ${JSON.stringify((rows[0]?.cells ?? []).slice(0, 4).join(', ').slice(0, 120))})`,
    where: csvName,
    hint: 'Use two columns with the header "filename,label".',
  });
}

/** Finds an image by its path, the end of its path, or its name with or without extension where that is unique. */
function pathFinder(paths: readonly string[]): (name: string) => number | null {
  const byTail = new Map<string, number | null>();
  const add = (key: string, index: number) => byTail.set(key, byTail.has(key) ? null : index);
  paths.forEach((path, index) => {
    const parts = path.split('/');
    // Tails of a hostile path of thousands of folders would take quadratic memory.
    for (let i = Math.max(0, parts.length - 8); i < parts.length; i++) {
      const tail = parts.slice(i).join('/');
      add(tail, index);
      const bare = tail.replace(/\.[^./]+$/, '');
      if (bare !== tail) add(bare, index);
    }
  });
  const exact = new Map(paths.map((path, index) => [path, index]));
  return (name) => {
    const key = name
      .trim()
      .replaceAll('\\', '/')
      .replace(/^\.?\//, '');
    return exact.get(key) ?? byTail.get(key) ?? null;
  };
}

function namesByLabel(names: ReadonlyMap<number, string>): readonly string[] {
  if (names.size === 0) return [];
  const last = Math.max(...names.keys());
  return Array.from({ length: last + 1 }, (_, label) => names.get(label) ?? String(label));
}

function sortedDistinct(names: readonly string[]): string[] {
  return [...new Set(names)].sort(compareNaturally);
}

function cellOf(row: CsvRow, column: number): string {
  return (row.cells[column] ?? '').trim();
}

function isWhole(text: string | undefined): boolean {
  return text !== undefined && /^\s*\d{1,9}\s*$/.test(text);
}

/** At most one warning: how many, and the first three. */
function countWarning(found: readonly string[], what: string): readonly string[] {
  if (found.length === 0) return [];
  const named = found.slice(0, 3).join(', ');
  return [`${what}: ${found.length} (${named}${found.length > 3 ? ', …' : ''})`];
}
