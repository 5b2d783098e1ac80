import { type Failure, failed, type Result } from '../../base/result.ts';
import type { Cell } from '../csv-text.ts';
import type { NamedTrial } from './distribution.ts';
import type { Drawing } from './drawing.ts';

/** A picture of a study, computed: only its width is left open. */
export interface Picture {
  /** What it shows of this study, in a sentence for those who do not see it; empty where there is nothing to tell. */
  readonly finding: string;
  /** What is drawn, as its CSV: the columns' names, then the rows. */
  readonly rows: readonly (readonly Cell[])[];
  /** What to know about this picture of this study, beside how it is read: what is left out, for example. */
  readonly notes: readonly string[];
  readonly draw: (width: number) => Drawing;
}

/** The work of making a picture, in small steps between which the page answers. */
export type Making = Generator<void, Result<Picture>, void>;

/** Why there is no picture. */
export function noPicture(message: string, hint: string): Result<never> {
  const failure: Failure = { code: 'nothing-to-draw', message, hint };
  return failed(failure);
}

/** Said where no trial has what the picture shows. */
export function nothingTimed(): Result<never> {
  return noPicture('Nothing has been timed yet.', 'Measure strategies, or open a study.json.');
}

/** Which strategies a picture leaves out, in words; nothing if it has all. */
export function leftOutNotes(missing: readonly NamedTrial[], what: string): readonly string[] {
  if (missing.length === 0) return [];
  const names = missing.map(({ name }) => name);
  const some = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return [`Left out, because ${what}: ${some}${more}.`];
}
