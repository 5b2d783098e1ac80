import { type Cell, csvCell, csvText } from '../csv-text.ts';

/** One documented column. */
export interface Column<Row> {
  readonly name: string;
  /** For the README. */
  readonly description: string;
  readonly cell: (row: Row) => Cell;
}

/** A table as text: UTF-8, RFC 4180, decimal points, one header line. */
export function tableCsv<Row>(columns: readonly Column<Row>[], rows: Iterable<Row>): string {
  return [...tableCsvInParts(columns, rows, Infinity)].join('');
}

/** The same in parts of so many rows, one after the other the whole text: of many rows it takes long. */
export function* tableCsvInParts<Row>(
  columns: readonly Column<Row>[],
  rows: Iterable<Row>,
  rowsInPart: number,
): Generator<string, void, void> {
  let part = csvText([columns.map(({ name }) => name)]);
  let count = 0;
  // The same few texts are in thousands of rows.
  const texts = new Map<string, string>();
  for (const row of rows) {
    let separator = '';
    for (const { cell } of columns) {
      const value = cell(row);
      let text = typeof value === 'string' ? texts.get(value) : csvCell(value);
      if (text === undefined) {
        text = csvCell(value);
        if (texts.size < MOST_TEXTS) texts.set(value as string, text);
      }
      part += separator + text;
      separator = ',';
    }
    part += '\r\n';
    if (++count % rowsInPart !== 0) continue;
    yield part;
    part = '';
  }
  yield part;
}

const MOST_TEXTS = 1000;

/** Milliseconds of a cell. The timer resolves 5 µs at best: more digits would be noise. */
export function ms(value: number | null): number | null {
  return rounded(value, 4);
}

/** A number of a cell with this many decimals at most. */
export function rounded(value: number | null, digits: number): number | null {
  if (value === null || Number.isInteger(value)) return value;
  const scale = 10 ** digits;
  const scaled = value * scale;
  // Ten times as fast as digits written and read again, and the same wherever the product's own rounding decides nothing.
  const isClear = Math.abs(scaled) < 2 ** 40 && Math.abs(scaled - Math.floor(scaled) - 0.5) > 2 ** -10;
  return isClear ? Math.round(scaled) / scale : Number(value.toFixed(digits));
}
