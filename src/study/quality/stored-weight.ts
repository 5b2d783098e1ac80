import { DataType, type Tensor } from '../../onnx/model.ts';
import { elementCount, tensorBytes, tensorIntegers } from '../../onnx/tensor.ts';
import { floatsToRead } from '../../transforms/quantize/quantize-weights.ts';

/** A weight in integers, as a node reads it. */
export type StoredWeight = AffineWeight | PackedWeight;

/** real = scale * (integer - zero point), as DequantizeLinear has it. */
interface AffineWeight {
  readonly kind: 'affine';
  readonly integers: Tensor;
  readonly scale: Tensor;
  /** null: 0 */
  readonly zeroPoint: Tensor | null;
  /** Of the scales, if there are several; counted from the end if negative. */
  readonly axis: number;
  /** Numbers along the axis that share a scale; 0: each has its own. */
  readonly block: number;
}

/** The second factor of a MatMulNBits: [rows, columns], stored column by column. */
interface PackedWeight {
  readonly kind: 'bits';
  readonly integers: Tensor;
  readonly scale: Tensor;
  /** null: the middle of what the bits hold */
  readonly zeroPoint: Tensor | null;
  readonly rows: number;
  readonly columns: number;
  readonly bits: number;
  readonly block: number;
}

/** The numbers that integers stand for, in their order. */
export function dequantized({ integers, scale, zeroPoint, axis, block }: AffineWeight): Float32Array {
  const values = integersToRead(integers);
  const scales = floatsToRead(scale);
  const zeros = zeroPoint === null ? null : integersToRead(zeroPoint);
  const floats = new Float32Array(values.length);
  const { dims } = integers;
  const along = scales.length === 1 ? dims.length : axis < 0 ? axis + dims.length : axis;
  const length = dims[along] ?? 1;
  const inner = elementCount(dims.slice(along + 1));
  const run = block > 0 ? block : 1;
  const groups = Math.ceil(length / run);
  const step = scales.length === 1 ? 0 : 1;
  for (let first = 0, at = 0, outer = 0; first < values.length; first += length * inner, outer++) {
    for (let position = 0; position < length; position++) {
      const group = Math.floor(position / run);
      // In blocks there is a scale for each of the other coordinates, too.
      const base = block > 0 ? (outer * groups + group) * inner : group;
      for (let i = 0; i < inner; i++, at++) {
        const place = step * (block > 0 ? base + i : base);
        const zero = zeros === null ? 0 : (zeros[zeros.length === 1 ? 0 : place] as number);
        floats[at] = (scales[place] as number) * ((values[at] as number) - zero);
      }
    }
  }
  return floats;
}

/** The numbers of a packed matrix, [columns, rows]. */
export function unpacked({
  integers,
  scale,
  zeroPoint,
  rows,
  columns,
  bits,
  block,
}: PackedWeight): Float32Array {
  const bytes = tensorBytes(integers);
  const scales = floatsToRead(scale);
  const zeros = zeroPoint === null ? null : tensorBytes(zeroPoint);
  const perByte = 8 / bits;
  const mask = 2 ** bits - 1;
  const blocks = Math.ceil(rows / block);
  const columnBytes = blocks * (block / perByte);
  const zeroBytes = Math.ceil(blocks / perByte);
  const read = (from: Uint8Array, start: number, at: number): number =>
    ((from[start + Math.floor(at / perByte)] as number) >> (bits * (at % perByte))) & mask;
  const floats = new Float32Array(rows * columns);
  for (let column = 0, at = 0; column < columns; column++) {
    for (let row = 0; row < rows; row++, at++) {
      const group = Math.floor(row / block);
      const zero = zeros === null ? 2 ** (bits - 1) : read(zeros, column * zeroBytes, group);
      floats[at] =
        (scales[column * blocks + group] as number) * (read(bytes, column * columnBytes, row) - zero);
    }
  }
  return floats;
}

/** [rows, columns] to [columns, rows]. */
export function turned(values: Float32Array, rows: number, columns: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0, at = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++, at++) result[column * rows + row] = values[at] as number;
  }
  return result;
}

/** Without a copy where they lie as a typed array wants them. */
function integersToRead(tensor: Tensor): ArrayLike<number> {
  switch (tensor.dataType) {
    case DataType.uint8:
      return tensorBytes(tensor);
    case DataType.int8: {
      const { buffer, byteOffset, byteLength } = tensorBytes(tensor);
      return new Int8Array(buffer, byteOffset, byteLength);
    }
    default:
      return tensorIntegers(tensor);
  }
}
