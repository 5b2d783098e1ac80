import { InputError } from '../base/result.ts';
import type { ByteRange } from './byte-source.ts';
import { bfloat16ToNumber, float16ToNumber } from './float16.ts';
import { hollowBytes } from './hollow-noise.ts';
import type { Tensor, TensorData } from './model.ts';
import { DataType } from './model.ts';
import { TypedField } from './schema.ts';

/** What is known of an element type; names as in NumPy and the runtime. */
const TYPES: ReadonlyMap<number, { readonly name: string; readonly bits: number; readonly field: number }> =
  new Map([
    [DataType.float, { name: 'float32', bits: 32, field: TypedField.float }],
    [DataType.uint8, { name: 'uint8', bits: 8, field: TypedField.int32 }],
    [DataType.int8, { name: 'int8', bits: 8, field: TypedField.int32 }],
    [DataType.uint16, { name: 'uint16', bits: 16, field: TypedField.int32 }],
    [DataType.int16, { name: 'int16', bits: 16, field: TypedField.int32 }],
    [DataType.int32, { name: 'int32', bits: 32, field: TypedField.int32 }],
    [DataType.int64, { name: 'int64', bits: 64, field: TypedField.int64 }],
    [DataType.string, { name: 'string', bits: 0, field: TypedField.string }],
    [DataType.bool, { name: 'bool', bits: 8, field: TypedField.int32 }],
    [DataType.float16, { name: 'float16', bits: 16, field: TypedField.int32 }],
    [DataType.double, { name: 'float64', bits: 64, field: TypedField.double }],
    [DataType.uint32, { name: 'uint32', bits: 32, field: TypedField.uint64 }],
    [DataType.uint64, { name: 'uint64', bits: 64, field: TypedField.uint64 }],
    [DataType.complex64, { name: 'complex64', bits: 64, field: TypedField.float }],
    [DataType.complex128, { name: 'complex128', bits: 128, field: TypedField.double }],
    [DataType.bfloat16, { name: 'bfloat16', bits: 16, field: TypedField.int32 }],
    [DataType.float8e4m3fn, { name: 'float8e4m3fn', bits: 8, field: TypedField.int32 }],
    [DataType.float8e4m3fnuz, { name: 'float8e4m3fnuz', bits: 8, field: TypedField.int32 }],
    [DataType.float8e5m2, { name: 'float8e5m2', bits: 8, field: TypedField.int32 }],
    [DataType.float8e5m2fnuz, { name: 'float8e5m2fnuz', bits: 8, field: TypedField.int32 }],
    [DataType.uint4, { name: 'uint4', bits: 4, field: TypedField.int32 }],
    [DataType.int4, { name: 'int4', bits: 4, field: TypedField.int32 }],
    [DataType.float4e2m1, { name: 'float4e2m1', bits: 4, field: TypedField.int32 }],
  ]);

/** Browsers refuse buffers beyond about this size. */
const LARGEST_BUFFER = 2 ** 31 - 1;

/** `float32`, `int64`, ...; `type 99` for codes newer than this reader. */
export function dataTypeName(code: number): string {
  return TYPES.get(code)?.name ?? (code === 0 ? 'undefined' : `type ${code}`);
}

/** Bits of one element; 0 for strings and unknown types, whose size their dims do not tell. */
export function bitsPerElement(dataType: number): number {
  return TYPES.get(dataType)?.bits ?? 0;
}

/** The field of `TensorProto` that holds values of this type when they are not raw. */
export function typedFieldOf(dataType: number): number {
  return TYPES.get(dataType)?.field ?? TypedField.int32;
}

/** Product of the dimensions; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  let count = 1;
  for (const dim of dims) count *= dim;
  return count;
}

/** Bytes of the values in memory, little-endian and packed, whatever their storage; 0 for strings. */
export function tensorByteLength(tensor: Tensor): number {
  return Math.ceil((elementCount(tensor.dims) * bitsPerElement(tensor.dataType)) / 8);
}

/**
 * Checks what can be checked without reading data: dims, and the length of the data against them.
 * @throws InputError `onnx-tensor-dims`, `onnx-tensor-size`
 */
export function checkTensor(tensor: Tensor): void {
  const bad = tensor.dims.find((dim) => dim < 0 || !Number.isSafeInteger(dim));
  if (bad !== undefined || !Number.isSafeInteger(elementCount(tensor.dims))) {
    throw new InputError({
      code: 'onnx-tensor-dims',
      message: `Tensor "${tensor.name}" has the dims [${tensor.dims.join(', ')}], which no tensor can have.`,
      where: tensor.name,
      hint: 'The file is damaged or was made by a faulty exporter: export it again.',
    });
  }
  if (bitsPerElement(tensor.dataType) === 0) return;
  const wanted = tensorByteLength(tensor);
  const { data } = tensor;
  switch (data.kind) {
    case 'raw':
      if (data.range.length !== wanted) throw sizeError(tensor, data.range.length, wanted);
      return;
    case 'bytes':
      if (data.bytes.length !== wanted) throw sizeError(tensor, data.bytes.length, wanted);
      return;
    case 'external':
      if (data.length !== null && data.length !== wanted) throw sizeError(tensor, data.length, wanted);
      return;
    case 'typed': {
      // A varint takes one to ten bytes, so for those fields this only bounds what reading may allocate.
      const stored = data.ranges.reduce((sum, range) => sum + range.length, 0);
      const fixed = data.fieldNumber === TypedField.float || data.fieldNumber === TypedField.double;
      const entries = typedEntryCount(tensor);
      if (data.fieldNumber !== typedFieldOf(tensor.dataType) || (fixed && stored !== wanted)) {
        throw sizeError(tensor, stored, wanted);
      }
      if (!fixed && (entries > stored || stored > 10 * entries)) throw sizeError(tensor, stored, wanted);
      return;
    }
    case 'empty':
    case 'hollow':
      return;
  }
}

/**
 * The values as raw little-endian bytes, whatever their storage; 4-bit types two to a byte, low half first.
 * May be a view of memory others use: do not write to it.
 * @throws InputError `onnx-tensor-size`, `onnx-tensor-no-data`, `onnx-tensor-type` (strings),
 *   `onnx-external-missing`, `onnx-external-short`, `onnx-too-big`
 */
export function tensorBytes(tensor: Tensor): Uint8Array {
  checkTensor(tensor);
  if (bitsPerElement(tensor.dataType) === 0) throw typeError(tensor, 'numbers');
  const { data } = tensor;
  if (data.kind === 'bytes') return data.bytes;
  const range = tensorRange(tensor);
  if (range !== null) {
    refuseHuge(tensor, range.length);
    return range.source.read(range.offset, range.length);
  }
  if (data.kind === 'typed') return typedBytes(tensor, data.fieldNumber, data.ranges);
  if (elementCount(tensor.dims) === 0) return new Uint8Array(0);
  throw new InputError({
    code: 'onnx-tensor-no-data',
    message: `Tensor "${tensor.name}" has ${elementCount(tensor.dims)} elements, but the file holds none of them.`,
    where: tensor.name,
    hint: 'The weights were removed from this file: open the original.',
  });
}

/**
 * Where the raw little-endian bytes are, if they stand somewhere in one piece: raw, external and hollow data.
 * Null for typed, in-memory and missing data.
 * @throws InputError `onnx-external-missing`, `onnx-external-short`
 */
export function tensorRange(tensor: Tensor): ByteRange | null {
  const { data } = tensor;
  switch (data.kind) {
    case 'raw':
      return data.range;
    case 'external': {
      if (data.source === null) {
        throw new InputError({
          code: 'onnx-external-missing',
          message: `The weights of "${tensor.name}" are in another file, "${data.location}", which was not given`,
          where: tensor.name,
          hint: `Open the model together with "${data.location}".`,
        });
      }
      const length = data.length ?? tensorByteLength(tensor);
      if (data.offset + length > data.source.size) {
        throw new InputError({
          code: 'onnx-external-short',
          message: `"${data.location}" has ${data.source.size} bytes; "${tensor.name}" wants the bytes ${data.offset} to ${data.offset + length} of it.`,
          where: tensor.name,
          hint: 'The file is cut off, or belongs to another model.',
        });
      }
      return { source: data.source, offset: data.offset, length };
    }
    case 'hollow':
      return noiseOf(tensor, data);
    case 'bytes':
    case 'typed':
    case 'empty':
      return null;
  }
}

/** One source for each tensor's noise, so that who keeps what was read once knows it again. */
const noises = new WeakMap<TensorData, { readonly name: string; readonly range: ByteRange }>();

function noiseOf({ name, dims }: Tensor, data: Extract<TensorData, { kind: 'hollow' }>): ByteRange {
  const known = noises.get(data);
  if (known?.name === name && known.range.length === 4 * elementCount(dims)) return known.range;
  const range = hollowBytes(name, elementCount(dims), data.mean, data.std);
  noises.set(data, { name, range });
  return range;
}

/**
 * The values of a float32, float16, bfloat16 or float64 tensor, row-major, in a new array that is the caller's
 * own.
 * @throws InputError as `tensorBytes`; `onnx-tensor-type` for other types
 */
export function tensorFloats(tensor: Tensor): Float32Array<ArrayBuffer> {
  const { dataType } = tensor;
  if (
    dataType !== DataType.float &&
    dataType !== DataType.float16 &&
    dataType !== DataType.bfloat16 &&
    dataType !== DataType.double
  ) {
    throw typeError(tensor, 'floating-point numbers');
  }
  const bytes = tensorBytes(tensor);
  const count = elementCount(tensor.dims);
  const floats = new Float32Array(count);
  if (dataType === DataType.float) {
    new Uint8Array(floats.buffer).set(bytes);
    return floats;
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    floats[i] =
      dataType === DataType.double
        ? view.getFloat64(8 * i, true)
        : dataType === DataType.float16
          ? float16ToNumber(view.getUint16(2 * i, true))
          : bfloat16ToNumber(view.getUint16(2 * i, true));
  }
  return floats;
}

/**
 * The values of an integer or boolean tensor, row-major.
 * @throws InputError as `tensorBytes`; `onnx-tensor-type` for other types; `onnx-tensor-range` for integers that a
 *   number cannot hold
 */
export function tensorIntegers(tensor: Tensor): number[] {
  const read = INTEGER_READERS.get(tensor.dataType);
  if (read === undefined) throw typeError(tensor, 'integers');
  const bytes = tensorBytes(tensor);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const integers: number[] = [];
  const count = elementCount(tensor.dims);
  for (let i = 0; i < count; i++) {
    const value = read(view, i);
    if (!Number.isSafeInteger(value)) {
      throw new InputError({
        code: 'onnx-tensor-range',
        message: `Tensor "${tensor.name}" holds ${value} at position ${i}, beyond the 2^53 this lab computes with.`,
        where: tensor.name,
      });
    }
    integers.push(value);
  }
  return integers;
}

const INTEGER_READERS: ReadonlyMap<number, (view: DataView, index: number) => number> = new Map([
  [DataType.uint8, (view: DataView, i: number) => view.getUint8(i)],
  [DataType.int8, (view: DataView, i: number) => view.getInt8(i)],
  [DataType.bool, (view: DataView, i: number) => view.getUint8(i)],
  [DataType.uint16, (view: DataView, i: number) => view.getUint16(2 * i, true)],
  [DataType.int16, (view: DataView, i: number) => view.getInt16(2 * i, true)],
  [DataType.uint32, (view: DataView, i: number) => view.getUint32(4 * i, true)],
  [DataType.int32, (view: DataView, i: number) => view.getInt32(4 * i, true)],
  [DataType.uint64, (view: DataView, i: number) => Number(view.getBigUint64(8 * i, true))],
  [DataType.int64, (view: DataView, i: number) => Number(view.getBigInt64(8 * i, true))],
  [DataType.uint4, (view: DataView, i: number) => nibble(view, i)],
  [DataType.int4, (view: DataView, i: number) => (nibble(view, i) << 28) >> 28],
]);

function nibble(view: DataView, index: number): number {
  const pair = view.getUint8(index >> 1);
  return index & 1 ? pair >>> 4 : pair & 0xf;
}

/** A float32 tensor over `values`, which it keeps: do not change them afterwards. */
export function floatTensor(name: string, dims: readonly number[], values: Float32Array): Tensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return bytesTensor(name, dims, DataType.float, bytes);
}

/** An int64 tensor; the values must be whole numbers. */
export function int64Tensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  const words = BigInt64Array.from(values, (value) => BigInt(value));
  return bytesTensor(name, dims, DataType.int64, new Uint8Array(words.buffer));
}

/**
 * A tensor over raw little-endian bytes, which it keeps: do not change them afterwards.
 * @throws InputError `onnx-tensor-size` if they do not fit the dims
 */
export function bytesTensor(
  name: string,
  dims: readonly number[],
  dataType: number,
  bytes: Uint8Array,
): Tensor {
  const tensor: Tensor = {
    name,
    dims,
    dataType,
    data: { kind: 'bytes', bytes },
    docString: '',
    unknown: [],
  };
  checkTensor(tensor);
  return tensor;
}

/** Entries of a typed field: complex numbers take two, 4-bit ones share one. */
function typedEntryCount(tensor: Tensor): number {
  const count = elementCount(tensor.dims);
  return bitsPerElement(tensor.dataType) === 4 ? Math.ceil(count / 2) : count;
}

function typedBytes(tensor: Tensor, fieldNumber: number, ranges: readonly ByteRange[]): Uint8Array {
  const length = tensorByteLength(tensor);
  refuseHuge(tensor, length);
  const out = new Uint8Array(length);
  if (fieldNumber === TypedField.float || fieldNumber === TypedField.double) {
    let at = 0;
    for (const range of ranges) {
      out.set(range.source.read(range.offset, range.length), at);
      at += range.length;
    }
    return out;
  }
  const entryBytes = Math.max(1, bitsPerElement(tensor.dataType) / 8);
  let entries = 0;
  let at = 0;
  for (const range of ranges) {
    const bytes = range.source.read(range.offset, range.length);
    let position = 0;
    while (position < bytes.length) {
      // Little-endian bytes of the varint's low 64 bits, cut to the type's width.
      let low = 0;
      let high = 0;
      let shift = 0;
      let byte = 0x80;
      while (byte >= 0x80 && position < bytes.length && shift < 70) {
        byte = bytes[position++] as number;
        const bits = byte & 0x7f;
        if (shift < 28) low |= bits << shift;
        else if (shift === 28) {
          low |= bits << 28;
          high = bits >>> 4;
        } else if (shift < 64) high |= bits << (shift - 32);
        shift += 7;
      }
      if (byte >= 0x80 || at >= length) throw sizeError(tensor, entries, typedEntryCount(tensor), 'values');
      entries++;
      for (let i = 0; i < entryBytes; i++) out[at++] = i < 4 ? low >>> (8 * i) : high >>> (8 * (i - 4));
    }
  }
  if (at !== length) throw sizeError(tensor, entries, typedEntryCount(tensor), 'values');
  return out;
}

function refuseHuge(tensor: Tensor, bytes: number): void {
  if (bytes <= LARGEST_BUFFER) return;
  throw new InputError({
    code: 'onnx-too-big',
    message: `Tensor "${tensor.name}" takes ${bytes} bytes; one piece of memory can have ${LARGEST_BUFFER}.`,
    where: tensor.name,
  });
}

function sizeError(tensor: Tensor, found: number, wanted: number, unit = 'bytes'): InputError {
  const type = `${dataTypeName(tensor.dataType)}[${tensor.dims.join(', ')}]`;
  return new InputError({
    code: 'onnx-tensor-size',
    message: `Tensor "${tensor.name}" is ${type}, which takes ${wanted} ${unit}; the file holds ${found}.`,
    where: tensor.name,
    hint: 'The file is damaged: get it again from where it came.',
  });
}

function typeError(tensor: Tensor, wanted: string): InputError {
  return new InputError({
    code: 'onnx-tensor-type',
    message: `Tensor "${tensor.name}" holds ${dataTypeName(tensor.dataType)}, not ${wanted}.`,
    where: tensor.name,
  });
}
