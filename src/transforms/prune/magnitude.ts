import type { Tensor } from '../../onnx/model.ts';
import { elementCount, tensorFloats } from '../../onnx/tensor.ts';
import { roundHalfEven } from '../quantize/affine.ts';
import { smallestMagnitudes } from './smallest-magnitudes.ts';

/** Which values of one tensor become zero; see `MagnitudeCutoff`. */
export interface TensorCutoff {
  readonly bits: number;
  readonly tiesToZero: number;
  readonly nonZeroAfter: number;
}

/**
 * The smallest weights of a tensor: round(ratio * n), rounding half to even as torch.nn.utils.prune does. Among equal
 * magnitudes the earlier ones go first, so the result is the same everywhere.
 */
export function layerCutoff(tensor: Tensor, ratio: number): TensorCutoff {
  const values = tensorFloats(tensor);
  const count = roundHalfEven(ratio * values.length);
  const { bits, tiesToZero, zerosBefore } = smallestMagnitudes((visit) => visit(values), count);
  return { bits, tiesToZero, nonZeroAfter: values.length - Math.max(count, zerosBefore) };
}

/** The smallest weights of several tensors taken together, as `layerCutoff` has them of one. */
export function globalCutoffs(tensors: readonly Tensor[], ratio: number): Map<Tensor, TensorCutoff> {
  const total = tensors.reduce((sum, { dims }) => sum + elementCount(dims), 0);
  const { bits, tiesToZero } = smallestMagnitudes(
    (visit) => {
      for (const tensor of tensors) visit(tensorFloats(tensor));
    },
    roundHalfEven(ratio * total),
  );
  const cutoffs = new Map<Tensor, TensorCutoff>();
  let tiesLeft = tiesToZero;
  for (const tensor of tensors) {
    const { below, equal, zeros, values } = magnitudesAround(tensorFloats(tensor), bits);
    const ties = Math.min(tiesLeft, equal);
    tiesLeft -= ties;
    const zeroed = bits === 0 ? zeros : below + ties;
    cutoffs.set(tensor, { bits, tiesToZero: ties, nonZeroAfter: values - zeroed });
  }
  return cutoffs;
}

function magnitudesAround(
  floats: Float32Array,
  cutoffBits: number,
): { below: number; equal: number; zeros: number; values: number } {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  let below = 0;
  let equal = 0;
  let zeros = 0;
  for (let i = 0; i < words.length; i++) {
    const magnitude = (words[i] as number) & 0x7fffffff;
    if (magnitude < cutoffBits) below++;
    else if (magnitude === cutoffBits) equal++;
    if (magnitude === 0) zeros++;
  }
  return { below, equal, zeros, values: words.length };
}
