import { InputError } from '../../base/result.ts';
import type { Shape } from '../../onnx/model.ts';

/**
 * How a value becomes one row of features.
 * `grid`: means over rows × columns equal parts of an image-like value [N, C, H, W]; 1 × 1 is the global mean.
 * `tokens`: the mean over the tokens of a sequence [N, T, D]. `vector`: [N, D] as it is.
 */
export type Pooling =
  | {
      readonly kind: 'grid';
      readonly rows: number;
      readonly columns: number;
      /** Pixels of one part; null where the whole is one part, whatever its size. */
      readonly kernel: readonly [number, number] | null;
    }
  | { readonly kind: 'tokens' }
  | { readonly kind: 'vector' };

/** So many features train in seconds and add little to the model. */
const MAX_GRID_FEATURES = 1024;
/** Finer first: early in a network where something is matters as much as what it is. */
const GRIDS = [4, 2] as const;

/**
 * The pooling of a value of this shape, and how many features it gives.
 * @returns null if such a value cannot feed an exit
 */
export function poolingOf(shape: Shape): { readonly pooling: Pooling; readonly width: number } | null {
  const [, second, ...rest] = shape ?? [];
  if (shape === null || shape.length < 2 || shape.length > 4) return null;
  if (shape.length === 2) return isSize(second) ? { pooling: { kind: 'vector' }, width: second } : null;
  if (shape.length === 3) {
    const [features] = rest;
    return isSize(features) ? { pooling: { kind: 'tokens' }, width: features } : null;
  }
  if (!isSize(second)) return null;
  const [height, width] = rest;
  if (isSize(height) && isSize(width)) {
    const grid = GRIDS.find(
      (parts) =>
        height % parts === 0 &&
        width % parts === 0 &&
        // Parts of one pixel are no pooling.
        Math.min(height, width) >= 2 * parts &&
        second * parts * parts <= MAX_GRID_FEATURES,
    );
    if (grid !== undefined) {
      const kernel = [height / grid, width / grid] as const;
      return { pooling: { kind: 'grid', rows: grid, columns: grid, kernel }, width: second * grid * grid };
    }
  }
  return { pooling: { kind: 'grid', rows: 1, columns: 1, kernel: null }, width: second };
}

/** As `poolingOf`. @throws InputError `exit-not-poolable` where there is none */
export function requirePooling(value: string, shape: Shape): NonNullable<ReturnType<typeof poolingOf>> {
  const found = poolingOf(shape);
  if (found !== null) return found;
  const text = shape === null ? 'an unknown shape' : `shape [${shape.map((dim) => dim ?? '?').join(', ')}]`;
  throw new InputError({
    code: 'exit-not-poolable',
    message: `early-exit: found ${text} at "${value}", wanted [N, C, H, W], [N, tokens, features] or [N, features] with known channels`,
    where: value,
    hint: 'Put the exit at the output of a convolution, an activation, an addition or a block.',
  });
}

function isSize(dim: number | string | null | undefined): dim is number {
  return typeof dim === 'number' && dim > 0;
}
