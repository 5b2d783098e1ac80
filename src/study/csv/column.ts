import { type Cell, csvText } from '../csv-text.ts';

/** One documented column. */
export interface Column<Row> {
  readonly name: string;
  /** For the README. */
  readonly description: string;
  readonly cell: (row: Row) => Cell;
}

/** A table as text: UTF-8, RFC 4180, decimal points, one header line. */
export function tableCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const header = columns.map(({ name }) => name);
  return csvText([header, ...rows.map((row) => columns.map(({ cell }) => cell(row)))]);
}

/** Milliseconds of a cell. The timer resolves 5 µs at best: more digits would be noise. */
export function ms(value: number | null): number | null {
  return rounded(value, 4);
}

/** A number of a cell with this many decimals at most. */
export function rounded(value: number | null, digits: number): number | null {
  return value === null ? null : Number(value.toFixed(digits));
}
