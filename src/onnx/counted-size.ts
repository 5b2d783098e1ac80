import type { GraphView } from './graph-view.ts';
import type { Dim, Shape, ValueInfo } from './model.ts';

/**
 * What sizes that a model leaves open are counted as, so that work, bytes and cuts can be told before it runs. The
 * files made of it keep them open.
 */
export interface CountedSize {
  /** Of images. */
  readonly height?: number;
  readonly width?: number;
  /** Of whatever else is open: sequences, token lists, vectors. */
  readonly length?: number;
}

/** Pixels and positions, where neither the user nor the model says anything else. */
export const USUAL_SIDE = 224;
export const USUAL_LENGTH = 128;

/** Where an image input has its channels and sides. */
export interface ImageAxes {
  readonly layout: 'NCHW' | 'NHWC';
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The axes of an input of rank 4, or of rank 3 without a batch; null if no image has this shape. */
export function imageAxes(shape: NonNullable<Shape>): ImageAxes | null {
  const { length: rank } = shape;
  if (rank !== 3 && rank !== 4) return null;
  const first = rank - 3;
  const [channelsFirst, middle, last] = shape.slice(first) as [Dim, Dim, Dim];
  // [1, tokens, 768] and [batch, tokens, 768] are sequences.
  if (rank === 3 && (typeof channelsFirst !== 'number' || (isOpen(middle) && !isOpen(last)))) return null;
  if (!isChannels(channelsFirst) && isChannels(last))
    return { layout: 'NHWC', height: first, width: first + 1, channels: first + 2 };
  if (typeof channelsFirst === 'number' && !isChannels(channelsFirst)) return null;
  return { layout: 'NCHW', channels: first, height: first + 1, width: first + 2 };
}

/** Whether a dimension is the number of channels that images have. */
export function isChannels(dim: Dim | undefined): dim is 1 | 3 {
  return dim === 1 || dim === 3;
}

/** An input's dimensions with the open ones as they are counted, the batch as 1. */
export function countedDims(shape: Shape, size: CountedSize): readonly number[] {
  if (shape === null) return [1, 3, size.height ?? USUAL_SIDE, size.width ?? USUAL_SIDE];
  const axes = imageAxes(shape);
  const length = size.length ?? USUAL_LENGTH;
  if (axes === null)
    return shape.map((dim, axis) => (isOpen(dim) ? (axis === 0 ? 1 : length) : (dim as number)));
  const [height, width] = [shape[axes.height], shape[axes.width]];
  const side = (dim: Dim | undefined, chosen: number | undefined, other: Dim | undefined): number =>
    isOpen(dim) ? (chosen ?? (isOpen(other) ? USUAL_SIDE : (other as number))) : (dim as number);
  return shape.map((dim, axis) => {
    if (axis === axes.height) return side(height, size.height, width);
    if (axis === axes.width) return side(width, size.width, height);
    return isOpen(dim) ? (axis === axes.channels ? 3 : 1) : (dim as number);
  });
}

/** The dimensions that an input is counted with; null: left as it is. */
export type InputDims = (input: ValueInfo) => Shape;

/** All inputs at a size. */
export function dimsAtSize(size: CountedSize): InputDims {
  return ({ type }) => countedDims(type.kind === 'tensor' ? type.shape : null, size);
}

/** Whether a view counts what the model leaves open at this size. */
export function isCountedAt(
  { inputs, values }: Pick<GraphView, 'inputs' | 'values'>,
  size: CountedSize,
): boolean {
  return inputs.every((name) => {
    const { shape = null, counted } = values.get(name) ?? {};
    return counted === undefined || counted?.join() === countedDims(shape, size).join();
  });
}

/** Which sizes can be chosen for a model. */
export function openSizes({
  inputs,
  values,
}: Pick<GraphView, 'inputs' | 'values'>): readonly (keyof CountedSize)[] {
  const tried = { width: 1021, height: 1031, length: 1033 };
  const found = new Set(
    inputs.flatMap((name) => {
      const { shape = null, counted } = values.get(name) ?? {};
      return counted === undefined ? [] : countedDims(shape, tried);
    }),
  );
  return (['width', 'height', 'length'] as const).filter((side) => found.has(tried[side]));
}

/** The sizes that a view counts its open inputs with, to tell times apart by: `1x3x224x224`; empty if none is open. */
export function countedKey({ inputs, values }: Pick<GraphView, 'inputs' | 'values'>): string {
  return inputs.flatMap((name) => values.get(name)?.counted?.join('x') ?? []).join(',');
}

/** Whether a dimension has no number. */
export function isOpen(dim: Dim | undefined): boolean {
  return typeof dim !== 'number';
}
