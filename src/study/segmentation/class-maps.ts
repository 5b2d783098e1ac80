import { type ClassMask, NO_ANSWER } from './packed-mask.ts';

/** How an output holds the classes of an image's pixels. */
export type ClassMaps =
  /** A score for each class and pixel. */
  | {
      readonly kind: 'scores';
      readonly layout: 'NCHW' | 'NHWC';
      readonly classes: number;
      readonly height: number;
      readonly width: number;
    }
  /** The number of the class of each pixel. */
  | { readonly kind: 'numbers'; readonly height: number; readonly width: number }
  /** One score for each pixel: class 1 where it is high, else 0. */
  | { readonly kind: 'one-score'; readonly height: number; readonly width: number };

interface Size {
  readonly height: number;
  readonly width: number;
}

/** Maps are at most so many times smaller than the image; what is smaller still (grids of detectors) is no mask. */
const LEAST_SHARE = 1 / 16;
/** More channels are features. */
const MOST_CLASSES = 1024;

/**
 * What an output of these dimensions may mean.
 * @param dims [1, K, h, w], [1, h, w, K], [1, h, w] or [h, w]
 * @param values told numbers of classes from scores by
 * @param input the size of the image that the model saw
 * @param known whether the images have masks: without, pictures as answers (three channels as large as the image) and
 *   single channels (depth) are not taken for classes
 * @returns null if it names no classes of pixels
 */
export function classMapsOf(
  dims: readonly number[],
  values: ArrayLike<number>,
  input: Size,
  known: boolean,
): ClassMaps | null {
  const inner = dims.length > 2 && dims[0] === 1 ? dims.slice(1) : dims;
  if (inner.length === 2 || (inner.length === 3 && inner.includes(1))) {
    const [height, width] = inner.length === 2 ? inner : inner.filter((_, at) => at !== inner.indexOf(1));
    const size = { height: height ?? 0, width: width ?? 0 };
    if (!fits(size, input)) return null;
    if (areClassNumbers(values)) return { kind: 'numbers', ...size };
    return known ? { kind: 'one-score', ...size } : null;
  }
  if (inner.length !== 3) return null;
  const [first, second, third] = inner as [number, number, number];
  const options = [
    { kind: 'scores', layout: 'NCHW', classes: first, height: second, width: third },
    { kind: 'scores', layout: 'NHWC', classes: third, height: first, width: second },
  ] as const;
  const fitting = options.filter((each) => each.classes <= MOST_CLASSES && fits(each, input));
  const best = fitting.toSorted((a, b) => misfit(a, input) - misfit(b, input))[0];
  if (best === undefined) return null;
  const isPicture = best.classes === 3 && best.height >= input.height && best.width >= input.width;
  return isPicture && !known ? null : best;
}

function fits(size: Size, input: Size): boolean {
  const least = Math.min(size.height / input.height, size.width / input.width);
  return least >= LEAST_SHARE && misfit(size, input) < 0.25;
}

/** How far the proportions are from the image's; sizes are rounded by strides. */
function misfit({ height, width }: Size, input: Size): number {
  return Math.abs(Math.log((height * input.width) / (width * input.height)));
}

function areClassNumbers(values: ArrayLike<number>): boolean {
  let largest = 0;
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (!Number.isInteger(value) || value < 0 || value >= NO_ANSWER) return false;
    if (value > largest) largest = value;
  }
  return largest < MOST_CLASSES;
}

/** The part of a mask that the model saw, in pixels of the mask; may reach beyond it. */
export interface SeenPart {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * The class of each pixel of a mask of this size, the model's own numbers: the best of the scores, which are interpolated
 * linearly between the centres of the output's pixels where it has another size; numbers of classes are taken from the
 * nearest pixel.
 * @param part of the mask that the output covers
 * @param never a class that is no answer; null: none
 * @returns `NO_ANSWER` where scores are not numbers, and outside the part
 * @source torch.nn.functional.interpolate, mode bilinear, align_corners False
 */
export function answerMask(
  maps: ClassMaps,
  values: ArrayLike<number>,
  size: Size,
  part: SeenPart,
  never: number | null,
): ClassMask {
  const { height, width } = size;
  const rows = axisOf(height, part.top, part.height, maps.height);
  const columns = axisOf(width, part.left, part.width, maps.width);
  const classes = new Uint16Array(height * width).fill(NO_ANSWER);
  switch (maps.kind) {
    case 'numbers':
      forEachSeen(rows, columns, (row, column, at) => {
        classes[at] = values[rows.nearest(row) * maps.width + columns.nearest(column)] as number;
      });
      break;
    case 'one-score': {
      const limit = areShares(values) ? 0.5 : 0;
      const scores = new Float64Array(classes.length);
      interpolate(values, rows, columns, { from: 0, step: 1, width: maps.width }, scores);
      forEachSeen(rows, columns, (_row, _column, at) => {
        const score = scores[at] as number;
        if (!Number.isNaN(score)) classes[at] = score > limit ? 1 : 0;
      });
      break;
    }
    case 'scores':
      bestScores(maps, values, rows, columns, never, classes);
      break;
  }
  return { width, height, classes };
}

function bestScores(
  maps: Extract<ClassMaps, { kind: 'scores' }>,
  values: ArrayLike<number>,
  rows: Axis,
  columns: Axis,
  never: number | null,
  classes: Uint16Array,
): void {
  const best = new Float64Array(classes.length).fill(-Infinity);
  const scores = new Float64Array(classes.length).fill(-Infinity);
  const isLost = new Uint8Array(classes.length);
  const isFirst = maps.layout === 'NCHW';
  const step = isFirst ? 1 : maps.classes;
  for (let each = 0; each < maps.classes; each++) {
    const from = isFirst ? each * maps.height * maps.width : each;
    interpolate(values, rows, columns, { from, step, width: maps.width }, scores);
    for (let at = 0; at < scores.length; at++) {
      const score = scores[at] as number;
      if (score > (best[at] as number)) {
        if (each === never) continue;
        best[at] = score;
        classes[at] = each;
      } else if (Number.isNaN(score)) isLost[at] = 1;
    }
  }
  for (let at = 0; at < classes.length; at++) if (isLost[at] === 1) classes[at] = NO_ANSWER;
}

/** Where the pixels of a mask lie among those of an output, along one side. */
interface Axis {
  readonly length: number;
  /** Positions of the pixels before and after each, and how near the second one is; -1: not seen. */
  readonly before: Int32Array;
  readonly after: Int32Array;
  readonly share: Float64Array;
  readonly isExact: boolean;
  readonly nearest: (position: number) => number;
}

function axisOf(length: number, from: number, seen: number, cells: number): Axis {
  const before = new Int32Array(length).fill(-1);
  const after = new Int32Array(length);
  const share = new Float64Array(length);
  const near = new Int32Array(length);
  for (let at = 0; at < length; at++) {
    const within = (at + 0.5 - from) / seen;
    if (within < 0 || within >= 1) continue;
    const centre = Math.max(0, within * cells - 0.5);
    before[at] = Math.min(cells - 1, Math.floor(centre));
    after[at] = Math.min(cells - 1, (before[at] as number) + 1);
    share[at] = Math.min(1, centre - (before[at] as number));
    near[at] = Math.min(cells - 1, Math.floor(within * cells));
  }
  const isExact = share.every((each) => each < 1e-9);
  return { length, before, after, share, isExact, nearest: (at) => near[at] as number };
}

function forEachSeen(
  rows: Axis,
  columns: Axis,
  use: (row: number, column: number, at: number) => void,
): void {
  for (let row = 0, at = 0; row < rows.length; row++) {
    for (let column = 0; column < columns.length; column++, at++) {
      if (rows.before[row] !== -1 && columns.before[column] !== -1) use(row, column, at);
    }
  }
}

/**
 * The scores of one class, between the centres of the output's pixels, for every pixel that is seen; others stay. The
 * inner loops are plain: they run for every class of every pixel.
 * @param plane where the class lies in the output
 */
function interpolate(
  values: ArrayLike<number>,
  rows: Axis,
  columns: Axis,
  { from, step, width }: { readonly from: number; readonly step: number; readonly width: number },
  into: Float64Array,
): void {
  // Of the same size nothing lies between, and an infinite neighbour does not matter.
  const isExact = rows.isExact && columns.isExact;
  for (let row = 0; row < rows.length; row++) {
    const top = rows.before[row] as number;
    if (top === -1) continue;
    const upper = from + step * top * width;
    const lower = from + step * (rows.after[row] as number) * width;
    const down = rows.share[row] as number;
    const at = row * columns.length;
    for (let column = 0; column < columns.length; column++) {
      const left = columns.before[column] as number;
      if (left === -1) continue;
      if (isExact) {
        into[at + column] = values[upper + step * left] as number;
        continue;
      }
      const right = columns.after[column] as number;
      const across = columns.share[column] as number;
      const above =
        (values[upper + step * left] as number) * (1 - across) +
        (values[upper + step * right] as number) * across;
      const below =
        (values[lower + step * left] as number) * (1 - across) +
        (values[lower + step * right] as number) * across;
      into[at + column] = above * (1 - down) + below * down;
    }
  }
}

function areShares(values: ArrayLike<number>): boolean {
  for (let at = 0; at < values.length; at++) {
    const value = values[at] as number;
    if (value < 0 || value > 1) return false;
  }
  return true;
}
