import { mapModelTensors } from '../onnx/map-tensors.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { bitsPerElement, elementCount, tensorByteLength, tensorBytes } from '../onnx/tensor.ts';
import { nonZeroCount } from './count-non-zero.ts';

/** Numbers that share a count, so that a place among them takes 16 bits. */
const STRETCH = 1 << 16;
const COUNT_BYTES = 4;
const PLACE_BYTES = 2;

/** A tensor's numbers, and how many differ from the one that is left out. */
export interface Sparseness {
  readonly count: number;
  readonly others: number;
  readonly bits: number;
}

/**
 * Bytes of a tensor in the smallest of three simple encodings: all numbers as they are; a bitmap that tells which
 * differ from the one left out, and these; or, for each stretch of 65,536, their count in 4 bytes, and of each its place
 * in 2 bytes and itself (compressed sparse rows with stretches for rows). The one left out is 0; in integers of up to 8
 * bits the commonest, as quantized weights have zeros at their zero point.
 */
export function sparseByteLength({ count, others, bits }: Sparseness): number {
  const values = (many: number): number => Math.ceil((many * bits) / 8);
  return Math.min(
    values(count),
    Math.ceil(count / 8) + values(others),
    COUNT_BYTES * Math.ceil(count / STRETCH) + PLACE_BYTES * others + values(others),
  );
}

/**
 * What each tensor of a model would take less if it were stored so, in bytes: with all of it the rest is what the file
 * would have. Reads every weight, a tensor at a time.
 */
export function* sparseSavings(model: Model): Generator<number> {
  const tensors: Tensor[] = [];
  mapModelTensors(model, (tensor) => {
    tensors.push(tensor);
    return tensor;
  });
  for (const tensor of tensors) {
    const bytes = tensorByteLength(tensor);
    if (bytes >= SMALLEST_BYTES) yield bytes - sparseByteLength(sparsenessOf(tensor));
  }
}

/** Shapes and scales are not worth a look. */
const SMALLEST_BYTES = 64;

function sparsenessOf(tensor: Tensor): Sparseness {
  const count = elementCount(tensor.dims);
  const bits = bitsPerElement(tensor.dataType);
  const others = bits === 8 || bits === 4 ? count - commonest(tensor, bits) : nonZeroCount(tensor);
  return { count, others, bits };
}

/** How often the commonest number occurs. */
function commonest(tensor: Tensor, bits: 8 | 4): number {
  const occurrences = new Uint32Array(1 << bits);
  const bytes = tensorBytes(tensor);
  const add = (value: number): void => {
    occurrences[value] = (occurrences[value] ?? 0) + 1;
  };
  if (bits === 8) for (const byte of bytes) add(byte);
  else {
    const count = elementCount(tensor.dims);
    for (let i = 0; i < count; i++) add(((bytes[i >> 1] ?? 0) >>> (4 * (i & 1))) & 15);
  }
  return occurrences.reduce((most, each) => Math.max(most, each), 0);
}
