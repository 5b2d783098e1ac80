import { InputError } from '../base/result.ts';

/** Pixels row-major with interleaved channels, 8 bits each. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly data: Uint8Array | Uint8ClampedArray;
}

/** A part of the resized image; may reach beyond it, where it is 0 (as torchvision's `CenterCrop` pads). */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Fixed-point digits of Pillow's coefficients: 32 bits less 8 of the pixel less 2 of head room. */
const PRECISION_BITS = 22;
const HALF = 1 << (PRECISION_BITS - 1);

/** No image, resized or not, may have more pixels than this. */
export const MAX_PIXELS = 100e6;

/**
 * Pillow's antialiased bilinear resize, equal to it in every byte: a triangle filter as wide as the
 * reduction, horizontally into 8 bits, then vertically.
 * @param region of the resized image that is wanted, all of it when left out; nothing else is computed
 * @source Pillow 9.4, libImaging/Resample.c, `Image.resize(size, BILINEAR)`
 */
export function resizeBilinear(source: Pixels, width: number, height: number, region?: Region): Pixels {
  const want = region ?? { left: 0, top: 0, width, height };
  checkPixels(width, height);
  checkPixels(want.width, want.height);
  const columns = coefficients(source.width, width, want.left, want.width);
  const rows = coefficients(source.height, height, want.top, want.height);
  const narrowed =
    width === source.width && isWhole(want.left, want.width, width)
      ? source
      : resampleColumns(source, columns, rows);
  const done =
    height === source.height && isWhole(want.top, want.height, height)
      ? narrowed
      : resampleRows(narrowed, rows);
  return done;
}

function isWhole(start: number, length: number, size: number): boolean {
  return start === 0 && length === size;
}

/** For each wanted output position: where its inputs start, how many there are, and their weights (`stride` apart). */
interface Coefficients {
  readonly starts: Int32Array;
  readonly counts: Int32Array;
  readonly weights: Int32Array;
  readonly stride: number;
}

function coefficients(inputSize: number, outputSize: number, first: number, count: number): Coefficients {
  const scale = inputSize / outputSize;
  const filterScale = Math.max(scale, 1);
  // The triangle filter's support is 1 input pixel, or one output pixel when reducing.
  const support = filterScale;
  const stride = Math.ceil(support) * 2 + 1;
  const starts = new Int32Array(count);
  const counts = new Int32Array(count);
  const weights = new Int32Array(count * stride);
  const real = new Float64Array(stride);
  for (let i = 0; i < count; i++) {
    const position = first + i;
    // Outside the resized image: no inputs, so the sum is 0.
    if (position < 0 || position >= outputSize) continue;
    const centre = (position + 0.5) * scale;
    const start = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), inputSize);
    let sum = 0;
    for (let k = 0; k < end - start; k++) {
      const distance = Math.abs((k + start - centre + 0.5) * (1 / filterScale));
      const weight = distance < 1 ? 1 - distance : 0;
      real[k] = weight;
      sum += weight;
    }
    starts[i] = start;
    counts[i] = end - start;
    for (let k = 0; k < end - start; k++) {
      // Rounded half up; the weights are never negative.
      weights[i * stride + k] = Math.trunc(0.5 + ((real[k] as number) / sum) * (1 << PRECISION_BITS));
    }
  }
  return { starts, counts, weights, stride };
}

/** Horizontal pass over the input rows that the vertical pass will read; the others stay 0. */
function resampleColumns(source: Pixels, columns: Coefficients, rows: Coefficients): Pixels {
  const { channels, data, height } = source;
  const { starts, counts, weights, stride } = columns;
  const width = starts.length;
  const out = new Uint8Array(width * height * channels);
  const { firstRow, lastRow } = rowSpan(rows);
  for (let y = firstRow; y < lastRow; y++) {
    const rowStart = y * source.width * channels;
    let at = y * width * channels;
    for (let x = 0; x < width; x++) {
      const count = counts[x] as number;
      if (count === 0) {
        at += channels;
        continue;
      }
      const inputStart = rowStart + (starts[x] as number) * channels;
      const weightStart = x * stride;
      for (let c = 0; c < channels; c++) {
        let sum = HALF;
        for (let k = 0, from = inputStart + c; k < count; k++, from += channels) {
          sum += (data[from] as number) * (weights[weightStart + k] as number);
        }
        out[at++] = clip8(sum);
      }
    }
  }
  return { width, height, channels, data: out };
}

function resampleRows(source: Pixels, rows: Coefficients): Pixels {
  const { channels, data, width } = source;
  const { starts, counts, weights, stride } = rows;
  const height = starts.length;
  const rowLength = width * channels;
  const out = new Uint8Array(rowLength * height);
  // Row by row, so that memory is read in order.
  const sums = new Int32Array(rowLength);
  for (let y = 0; y < height; y++) {
    const count = counts[y] as number;
    if (count === 0) continue;
    sums.fill(HALF);
    for (let k = 0; k < count; k++) {
      const weight = weights[y * stride + k] as number;
      const from = ((starts[y] as number) + k) * rowLength;
      for (let x = 0; x < rowLength; x++) {
        sums[x] = (sums[x] as number) + (data[from + x] as number) * weight;
      }
    }
    const to = y * rowLength;
    for (let x = 0; x < rowLength; x++) out[to + x] = clip8(sums[x] as number);
  }
  return { width, height, channels, data: out };
}

function rowSpan(rows: Coefficients): { firstRow: number; lastRow: number } {
  let firstRow = Number.POSITIVE_INFINITY;
  let lastRow = 0;
  for (let i = 0; i < rows.starts.length; i++) {
    const count = rows.counts[i] as number;
    if (count === 0) continue;
    firstRow = Math.min(firstRow, rows.starts[i] as number);
    lastRow = Math.max(lastRow, (rows.starts[i] as number) + count);
  }
  return { firstRow: Math.min(firstRow, lastRow), lastRow };
}

function clip8(sum: number): number {
  const value = sum >> PRECISION_BITS;
  return value < 0 ? 0 : value > 255 ? 255 : value;
}

function checkPixels(width: number, height: number): void {
  if (width >= 1 && height >= 1 && width * height <= MAX_PIXELS) return;
  throw new InputError({
    code: 'image-size',
    message: `cannot resize to ${width} x ${height} pixels`,
    hint: `Choose a width and height of at least 1 and at most ${MAX_PIXELS / 1e6} million pixels together.`,
  });
}
