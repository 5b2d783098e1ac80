/** Text is neutralised against spreadsheets that would execute it; numbers are written as they are. */
export type Cell = string | number | boolean | null;

/** Rows of cells as text: UTF-8, RFC 4180, decimal points. */
export function csvText(rows: readonly (readonly Cell[])[]): string {
  return rows.map((cells) => `${cells.map(csvCell).join(',')}\r\n`).join('');
}

/**
 * One cell. Text that a spreadsheet would take for a formula gets a leading apostrophe.
 * @source RFC 4180; OWASP "CSV Injection"
 */
export function csvCell(cell: Cell): string {
  if (cell === null) return '';
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : '';
  if (typeof cell === 'boolean') return cell ? '1' : '0';
  const safe = /^[\s]*[=+\-@＝＋－＠]|^[\t\r\n]/u.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]|^\s|\s$/u.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
