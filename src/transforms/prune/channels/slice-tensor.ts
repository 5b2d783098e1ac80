import { tensorMadeWhenRead } from '../../../onnx/made-when-read.ts';
import type { Tensor } from '../../../onnx/model.ts';
import { bitsPerElement, elementCount, tensorBytes } from '../../../onnx/tensor.ts';
import { dimsLeft, type KeptAxis } from './kept-axes.ts';

/** Runs of words shorter than this are copied one by one: a view for each would cost more. */
const SHORT_RUN = 32;

/**
 * A tensor without some indices of its axes, under the same name. It is made when it is read and let go afterwards,
 * so memory is that of the largest tensor.
 * @param axes at least one
 */
export function sliceTensor(tensor: Tensor, axes: readonly KeptAxis[]): Tensor {
  const left = { ...tensor, dims: dimsLeft(tensor.dims, axes) };
  return tensorMadeWhenRead(left, () => slicedBytes(tensor, axes));
}

function slicedBytes(tensor: Tensor, axes: readonly KeptAxis[]): Uint8Array {
  const { dims, dataType } = tensor;
  const elementBytes = bitsPerElement(dataType) / 8;
  const wordBytes = elementBytes % 4 === 0 ? 4 : elementBytes;
  const source = wordsOf(tensorBytes(tensor), wordBytes);
  const stays = new Map(axes.map((axis) => [axis.axis, axis.stays]));
  const last = Math.max(...stays.keys());
  const strides = dims.map((_, axis) => (elementCount(dims.slice(axis + 1)) * elementBytes) / wordBytes);
  // Where the rows begin that stay along all axes before the last one that loses something.
  let starts: number[] = [0];
  for (let axis = 0; axis < last; axis++) {
    const kept = keptIndices(stays.get(axis), dims[axis] as number);
    const stride = strides[axis] as number;
    const next: number[] = [];
    for (const start of starts) for (const index of kept) next.push(start + index * stride);
    starts = next;
  }
  const runs = runsOf(stays.get(last) as Uint8Array, strides[last] as number);
  const rowWords = runs.reduce((sum, { length }) => sum + length, 0);
  const result = wordsOf(new Uint8Array(starts.length * rowWords * wordBytes), wordBytes);
  let to = 0;
  for (const start of starts) {
    for (const { offset, length } of runs) {
      const from = start + offset;
      if (length >= SHORT_RUN) result.set(source.subarray(from, from + length), to);
      else for (let word = 0; word < length; word++) result[to + word] = source[from + word] as number;
      to += length;
    }
  }
  return new Uint8Array(result.buffer);
}

function keptIndices(stays: Uint8Array | undefined, length: number): number[] {
  const kept: number[] = [];
  for (let index = 0; index < length; index++)
    if (stays === undefined || stays[index] === 1) kept.push(index);
  return kept;
}

/** Neighbours that stay are moved together. */
function runsOf(stays: Uint8Array, stride: number): { readonly offset: number; readonly length: number }[] {
  const runs: { offset: number; length: number }[] = [];
  for (let index = 0; index < stays.length; index++) {
    if (stays[index] === 0) continue;
    const previous = runs.at(-1);
    if (previous !== undefined && stays[index - 1] === 1) previous.length += stride;
    else runs.push({ offset: index * stride, length: stride });
  }
  return runs;
}

type Words = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer>;

function wordsOf(bytes: Uint8Array, wordBytes: number): Words {
  // Views of wider words need an aligned start; ranges of a file rarely have one.
  const { buffer, byteOffset, byteLength } = byteOffsetFits(bytes, wordBytes) ? bytes : new Uint8Array(bytes);
  const memory = buffer as ArrayBuffer;
  if (wordBytes === 4) return new Uint32Array(memory, byteOffset, byteLength / 4);
  if (wordBytes === 2) return new Uint16Array(memory, byteOffset, byteLength / 2);
  return new Uint8Array(memory, byteOffset, byteLength);
}

function byteOffsetFits({ byteOffset }: Uint8Array, wordBytes: number): boolean {
  return byteOffset % wordBytes === 0;
}
