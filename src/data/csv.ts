/** One record of a CSV file and the line it starts on (from 1). */
export interface CsvRow {
  readonly line: number;
  readonly cells: readonly string[];
}

/**
 * Reads CSV: quoted cells with doubled quotes and line breaks, a byte order mark, any line ending. The
 * delimiter is whichever of comma, semicolon and tab the first line has most of. Blank lines are left out.
 * @source RFC 4180
 */
export function parseCsv(text: string): readonly CsvRow[] {
  const content = text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
  const delimiter = detectDelimiter(content);
  const rows: CsvRow[] = [];
  let cells: string[] = [];
  let cell = '';
  let quoted = false;
  let line = 1;
  let rowLine = 1;
  const endCell = () => {
    cells.push(cell);
    cell = '';
  };
  const endRow = () => {
    endCell();
    if (cells.length > 1 || cells[0]?.trim() !== '') rows.push({ line: rowLine, cells });
    cells = [];
    rowLine = line;
  };
  for (let i = 0; i < content.length; i++) {
    const character = content[i] as string;
    if (character === '\n') line++;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (content[i + 1] === '"') {
        cell += '"';
        i++;
      } else quoted = false;
    } else if (character === '"' && cell === '') quoted = true;
    else if (character === delimiter) endCell();
    else if (character === '\n') endRow();
    else if (character === '\r') {
      // The line feed that follows ends the row; alone (old Macintosh) it does so itself.
      if (content[i + 1] !== '\n') {
        line++;
        endRow();
      }
    } else cell += character;
  }
  if (cell !== '' || cells.length > 0) endRow();
  return rows;
}

function detectDelimiter(content: string): string {
  const firstLine = content.slice(0, 10_000).split(/[\r\n]/, 1)[0] ?? '';
  const count = (delimiter: string) => firstLine.replace(/"[^"]*"/g, '').split(delimiter).length;
  return [',', ';', '\t'].reduce((best, next) => (count(next) > count(best) ? next : best));
}
