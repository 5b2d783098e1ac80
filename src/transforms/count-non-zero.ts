import { noiseCanBeZero } from '../onnx/hollow-noise.ts';
import { DataType, type Tensor, type TensorData } from '../onnx/model.ts';
import { bitsPerElement, elementCount, tensorByteLength, tensorBytes } from '../onnx/tensor.ts';
import type { Parameter } from './variant.ts';

/** Weights are counted once however many variants share them; keyed by their data, which edits of names keep. */
const counted = new WeakMap<TensorData, number>();

/** Large tensors are read in pieces of this size. */
const PIECE_BYTES = 1 << 22;

/**
 * How many elements of a tensor are not zero. Both zeros of a float count as zero. Reads every value the first
 * time; the answer is kept with the tensor's data.
 */
export function nonZeroCount(tensor: Tensor): number {
  const known = counted.get(tensor.data);
  if (known !== undefined) return known;
  const count = countNonZero(tensor);
  counted.set(tensor.data, count);
  return count;
}

/** Parameters that are not zero. */
export function nonZeroParams(parameters: readonly Parameter[]): number {
  return parameters.reduce((sum, { nonZero }) => sum + nonZero(), 0);
}

/** Remembers a count that somebody else has found on the way. */
export function rememberNonZeroCount(tensor: Tensor, count: number): void {
  counted.set(tensor.data, count);
}

function countNonZero(tensor: Tensor): number {
  const { data } = tensor;
  // Noise need not be made to be counted.
  if (data.kind === 'hollow' && !noiseCanBeZero(data.mean, data.std)) return elementCount(tensor.dims);
  const bytesPerElement = bitsPerElement(tensor.dataType) / 8;
  const isFloat = FLOATS.has(tensor.dataType);
  let count = 0;
  for (const piece of piecesOf(tensor)) count += countInPiece(aligned(piece), bytesPerElement, isFloat);
  return count;
}

const FLOATS = new Set<number>([DataType.float, DataType.float16, DataType.bfloat16, DataType.double]);

function* piecesOf(tensor: Tensor): Generator<Uint8Array> {
  const { data } = tensor;
  if (data.kind !== 'raw') {
    yield tensorBytes(tensor);
    return;
  }
  const { source, offset } = data.range;
  const length = tensorByteLength(tensor);
  for (let at = 0; at < length; at += PIECE_BYTES) {
    yield source.read(offset + at, Math.min(PIECE_BYTES, length - at));
  }
}

function countInPiece(bytes: Uint8Array, bytesPerElement: number, isFloat: boolean): number {
  const { buffer, byteOffset, byteLength } = bytes;
  switch (bytesPerElement) {
    case 4:
      return countWords(new Uint32Array(buffer, byteOffset, byteLength / 4), isFloat ? 0x7fffffff : -1);
    case 2:
      return countWords(new Uint16Array(buffer, byteOffset, byteLength / 2), isFloat ? 0x7fff : -1);
    case 1:
      return countWords(bytes, -1);
    case 8:
      return countDoubleWords(new Uint32Array(buffer, byteOffset, byteLength / 4), isFloat ? 0x7fffffff : -1);
    case 0.5:
      return countNibbles(bytes);
    default:
      // Strings and complex numbers are no weights; every element counts.
      return Math.floor(byteLength / bytesPerElement);
  }
}

function countWords(words: Uint8Array | Uint16Array | Uint32Array, mask: number): number {
  let count = 0;
  for (let i = 0; i < words.length; i++) if (((words[i] as number) & mask) !== 0) count++;
  return count;
}

function countDoubleWords(words: Uint32Array, highMask: number): number {
  let count = 0;
  for (let i = 0; i + 1 < words.length; i += 2) {
    if (words[i] !== 0 || ((words[i + 1] as number) & highMask) !== 0) count++;
  }
  return count;
}

/** Two elements in each byte; the padding of an odd count is zero. */
function countNibbles(bytes: Uint8Array): number {
  let count = 0;
  for (const byte of bytes) count += ((byte & 15) === 0 ? 0 : 1) + (byte >>> 4 === 0 ? 0 : 1);
  return count;
}

/** Views of wider elements need an aligned start; ranges of a file rarely have one. */
function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
}
