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
export function unpackMask({ width, height, runs }: PackedMask): ClassMask | null {
  // A size that nothing says anything about would take memory for nothing.
  if (width * height > MOST_PIXELS) return null;
  const classes = new Uint16Array(width * height);
  let filled = 0;
  let value: number | null = null;
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
    if (value === null) value = number;
    else {
      if (value > NO_ANSWER || number > classes.length - filled) return null;
      classes.fill(value, filled, filled + number);
      filled += number;
      value = null;
    }
    number = 0;
    shift = 1;
  }
  return filled === classes.length && value === null && shift === 1 ? { width, height, classes } : null;
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
