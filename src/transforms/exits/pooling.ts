import { InputError } from '../../base/result.ts';
import type { Shape } from '../../onnx/model.ts';

/**
 * How a value becomes one row of features.
 * `grid`: means over rows × columns equal parts of an image-like value [N, C, H, W]; 1 × 1 is the global mean.
 * `tokens`: the mean over the tokens of a sequence [N, T, D], with `withFirst` next to the first token, which some
 * models let stand for the whole. `vector`: [N, D] as it is.
 */
export type Pooling =
  | {
      readonly kind: 'grid';
      readonly rows: number;
      readonly columns: number;
      /** Pixels of one part; null where the whole is one part, whatever its size. */
      readonly kernel: readonly [number, number] | null;
      /** [N, H, W, C]. */
      readonly channelsLast: boolean;
    }
  | { readonly kind: 'tokens'; readonly withFirst: boolean }
  /** [N, D, T]. */
  | { readonly kind: 'positions' }
  | { readonly kind: 'vector' };

/** What a value's dimensions mean; see `layoutOf` in `value-layout.ts`. */
export interface ValueLayout {
  /** Whether features are the last dimension: [N, H, W, C] or [N, T, D]. */
  readonly featuresLast: boolean;
  /** Of a sequence: whether the first token stands for the whole. */
  readonly hasClassToken: boolean;
}

/** What nobody knows better about. */
export const DEFAULT_LAYOUT: ValueLayout = { featuresLast: false, hasClassToken: false };

/** So many features train in seconds and add little to the model. */
const MAX_GRID_FEATURES = 1024;
/** Finer first: early in a network where something is matters as much as what it is. */
const GRIDS = [4, 2] as const;

/**
 * The pooling of a value of this shape, and how many features it gives.
 * @returns null if such a value cannot feed an exit
 */
export function poolingOf(
  shape: Shape,
  layout?: ValueLayout,
): { readonly pooling: Pooling; readonly width: number } | null {
  if (shape === null || shape.length < 2 || shape.length > 4) return null;
  const [batch, ...dims] = shape;
  // A row for each image, and there is one.
  if (typeof batch === 'number' && batch !== 1) return null;
  const { featuresLast = dims.length === 2, hasClassToken = false } = layout ?? {};
  const channelsLast = featuresLast && dims.length === 3;
  const [second, third, fourth] = dims;
  if (dims.length === 1) return isSize(second) ? { pooling: { kind: 'vector' }, width: second } : null;
  if (dims.length === 2) {
    const features = featuresLast ? third : second;
    if (!isSize(features)) return null;
    const pooling: Pooling = featuresLast
      ? { kind: 'tokens', withFirst: hasClassToken }
      : { kind: 'positions' };
    return { pooling, width: hasClassToken && featuresLast ? 2 * features : features };
  }
  const [channels, height, width] = channelsLast ? [fourth, second, third] : [second, third, fourth];
  if (!isSize(channels)) return null;
  if (isSize(height) && isSize(width)) {
    const grid = GRIDS.find(
      (parts) =>
        height % parts === 0 &&
        width % parts === 0 &&
        // Parts of one pixel are no pooling.
        Math.min(height, width) >= 2 * parts &&
        channels * parts * parts <= MAX_GRID_FEATURES,
    );
    if (grid !== undefined) {
      const kernel = [height / grid, width / grid] as const;
      return {
        pooling: { kind: 'grid', rows: grid, columns: grid, kernel, channelsLast },
        width: channels * grid * grid,
      };
    }
  }
  return { pooling: { kind: 'grid', rows: 1, columns: 1, kernel: null, channelsLast }, width: channels };
}

/** As `poolingOf`. @throws InputError `exit-not-poolable` where there is none */
export function requirePooling(
  value: string,
  shape: Shape,
  layout?: ValueLayout,
): NonNullable<ReturnType<typeof poolingOf>> {
  const found = poolingOf(shape, layout);
  if (found !== null) return found;
  const text = shape === null ? 'an unknown shape' : `shape [${shape.map((dim) => dim ?? '?').join(', ')}]`;
  throw new InputError({
    code: 'exit-not-poolable',
    message: `early-exit: found ${text} at "${value}", wanted [1, C, H, W], [1, tokens, features] or [1, features] with known channels`,
    where: value,
    hint: 'Put the exit at the output of a convolution, an activation, an addition or a block.',
  });
}

function isSize(dim: number | string | null | undefined): dim is number {
  return typeof dim === 'number' && dim > 0;
}
