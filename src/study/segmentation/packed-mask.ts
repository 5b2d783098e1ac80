import type { PackedMask } from '../trial.ts';

/** Classes of pixels, row-major; `NO_ANSWER` where there is none. */
export interface ClassMask {
  readonly width: number;
  readonly height: number;
  readonly classes: Uint16Array;
}

/** Where the scores of a pixel are not numbers. */
export const NO_ANSWER = 0xffff;

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/**
 * A mask as text: class and length of each run along the rows, as base 64 digits of 5 bits, the lowest first, whose sixth
 * bit says that more follow. A street scene of 480 x 360 takes some 9 kB.
 */
export function packMask({ width, height, classes }: ClassMask): PackedMask {
  const parts: string[] = [];
  for (let from = 0; from < classes.length; ) {
    const value = classes[from] as number;
    let to = from + 1;
    while (to < classes.length && classes[to] === value) to++;
    parts.push(digits(value), digits(to - from));
    from = to;
  }
  return { width, height, runs: parts.join('') };
}

/** @returns null if the text is no mask of that size */
export function unpackMask(mask: PackedMask): ClassMask | null {
  const runs = runsOf(mask);
  if (runs === null) return null;
  const { width, height } = mask;
  const classes = new Uint16Array(width * height);
  let filled = 0;
  runs.values.forEach((value, at) => {
    const length = runs.lengths[at] as number;
    classes.fill(value, filled, filled + length);
    filled += length;
  });
  return { width, height, classes };
}

/** Class and length of each run of a mask, in order. */
interface Runs {
  readonly values: readonly number[];
  readonly lengths: readonly number[];
}

/** @returns null if the text is no mask of that size */
function runsOf({ width, height, runs }: PackedMask): Runs | null {
  // A size that nothing says anything about would take memory for nothing.
  if (width * height > MOST_PIXELS) return null;
  const values: number[] = [];
  const lengths: number[] = [];
  let filled = 0;
  let number = 0;
  let shift = 1;
  for (let at = 0; at < runs.length; at++) {
    const digit = valueOf(runs.charCodeAt(at));
    if (digit === null) return null;
    number += (digit & 31) * shift;
    shift *= 32;
    if (digit >= 32) {
      if (shift > 2 ** 40) return null;
      continue;
    }
    if (values.length === lengths.length) {
      if (number > NO_ANSWER) return null;
      values.push(number);
    } else {
      if (number > width * height - filled) return null;
      lengths.push(number);
      filled += number;
    }
    number = 0;
    shift = 1;
  }
  const isWhole = filled === width * height && values.length === lengths.length && shift === 1;
  return isWhole ? { values, lengths } : null;
}

/**
 * Walks through two masks of one size at once, by runs in which neither changes: far fewer than pixels.
 * @returns false if either is no mask, or they have different sizes
 */
export function forEachCommonRun(
  first: PackedMask,
  second: PackedMask,
  use: (first: number, second: number, length: number) => void,
): boolean {
  if (first.width !== second.width || first.height !== second.height) return false;
  const [a, b] = [runsOf(first), runsOf(second)];
  if (a === null || b === null) return false;
  let [atA, atB, leftA, leftB] = [0, 0, a.lengths[0] ?? 0, b.lengths[0] ?? 0];
  while (atA < a.values.length && atB < b.values.length) {
    const length = Math.min(leftA, leftB);
    use(a.values[atA] as number, b.values[atB] as number, length);
    leftA -= length;
    leftB -= length;
    if (leftA === 0) leftA = a.lengths[++atA] ?? 0;
    if (leftB === 0) leftB = b.lengths[++atB] ?? 0;
  }
  return true;
}

/** As large as images may be. */
const MOST_PIXELS = 100_000_000;

function digits(number: number): string {
  let text = '';
  let rest = number;
  while (rest >= 32) {
    text += DIGITS[32 + (rest % 32)] as string;
    rest = Math.floor(rest / 32);
  }
  return text + (DIGITS[rest] as string);
}

const VALUES = new Map(Array.from(DIGITS, (digit, at) => [digit.charCodeAt(0), at]));

function valueOf(charCode: number): number | null {
  return VALUES.get(charCode) ?? null;
}
