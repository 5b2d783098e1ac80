import type { Brand } from '../base/brand.ts';
import type { ByteRange, ByteSource } from './byte-source.ts';

/**
 * An ONNX model as immutable plain objects over byte ranges of its source.
 *
 * Lossless: an object that came from `parseModel` and was not replaced is written back as its original bytes
 * (the parser remembers the range of each object it made, by identity); a changed object is a new object
 * (`{ ...node, inputs }`), is encoded afresh, and still carries the `unknown` fields of the original.
 * Initializer data is a range in the source until someone asks for its values.
 */

/** The name of a tensor on an edge of the graph (ONNX's "value"). */
export type ValueName = Brand<string, 'ValueName'>;

/** Marks a string that is known to be a value's name. */
export function valueName(name: string): ValueName {
  return name as ValueName;
}

/** `onnx.TensorProto.DataType`. */
export const DataType = {
  undefined: 0,
  float: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  double: 11,
  uint32: 12,
  uint64: 13,
  complex64: 14,
  complex128: 15,
  bfloat16: 16,
  float8e4m3fn: 17,
  float8e4m3fnuz: 18,
  float8e5m2: 19,
  float8e5m2fnuz: 20,
  uint4: 21,
  int4: 22,
  float4e2m1: 23,
} as const;

/** One dimension: a number, a symbol such as `batch`, or unknown (`null`). */
export type Dim = number | string | null;
/** `null`: not even the rank is known. */
export type Shape = readonly Dim[] | null;

/** A protobuf field this project does not interpret, kept byte for byte (tag included). */
export type UnknownField = ByteRange | Uint8Array;

/** Where a tensor's values are. Read them with `tensorBytes` / `tensorValues` of `tensor.ts`. */
export type TensorData =
  /** `raw_data` in the file, little-endian, not read yet. */
  | { readonly kind: 'raw'; readonly range: ByteRange }
  /** A tensor made here: little-endian raw bytes. */
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  /** A typed field (`float_data`, `int32_data`, `int64_data`, `double_data`, `uint64_data`, `string_data`): the payload ranges, packed or one value each. */
  | {
      readonly kind: 'typed';
      readonly fieldNumber: number;
      readonly packed: boolean;
      readonly ranges: readonly ByteRange[];
    }
  /** Data in another file; `source` is null until that file was given. `length` null: to the end of the file. */
  | {
      readonly kind: 'external';
      readonly location: string;
      readonly offset: number;
      readonly length: number | null;
      readonly source: ByteSource | null;
    }
  /** The gallery's emptied tensors: uniform noise of this mean and standard deviation, generated when read, seeded by the tensor's name. */
  | { readonly kind: 'hollow'; readonly mean: number; readonly std: number }
  | { readonly kind: 'empty' };

export interface Tensor {
  readonly name: string;
  readonly dims: readonly number[];
  /** A value of `DataType`; unknown codes are kept as they are. */
  readonly dataType: number;
  readonly data: TensorData;
  readonly docString: string;
  readonly unknown: readonly UnknownField[];
}

/** `onnx.AttributeProto`, decoded by its type. */
export type AttributeValue =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  | { readonly kind: 'graph'; readonly value: Graph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly bigint[] }
  | { readonly kind: 'strings'; readonly value: readonly Uint8Array[] }
  | { readonly kind: 'tensors'; readonly value: readonly Tensor[] }
  | { readonly kind: 'graphs'; readonly value: readonly Graph[] }
  /** Type protos, sparse tensors, references of function bodies, types newer than this reader. */
  | { readonly kind: 'opaque'; readonly type: number };

export interface Attribute {
  readonly name: string;
  readonly value: AttributeValue;
  readonly unknown: readonly UnknownField[];
}

export interface Node {
  /** May be empty or repeated: ONNX does not make it an identity. */
  readonly name: string;
  readonly opType: string;
  /** Empty for the standard operators (`ai.onnx` is read as empty in lookups, but kept as written). */
  readonly domain: string;
  /** Empty string: an optional input left out. */
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  readonly attributes: readonly Attribute[];
  readonly docString: string;
  readonly unknown: readonly UnknownField[];
}

/** The type of a value. */
export type ValueType =
  | { readonly kind: 'tensor'; readonly dataType: number; readonly shape: Shape }
  /** Sequences, maps, optionals, sparse tensors: passed through, not computed with. */
  | { readonly kind: 'other'; readonly description: string }
  | { readonly kind: 'unknown' };

export interface ValueInfo {
  readonly name: ValueName;
  readonly type: ValueType;
  readonly docString: string;
  readonly unknown: readonly UnknownField[];
}

export interface Graph {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
  readonly docString: string;
  readonly unknown: readonly UnknownField[];
}

export interface OpsetImport {
  readonly domain: string;
  readonly version: number;
}

export interface Model {
  readonly irVersion: number;
  readonly opsetImports: readonly OpsetImport[];
  readonly producerName: string;
  readonly producerVersion: string;
  readonly domain: string;
  readonly modelVersion: bigint;
  readonly docString: string;
  readonly graph: Graph;
  readonly metadata: readonly { readonly key: string; readonly value: string }[];
  /** Local functions: name and domain only; their bytes are in `unknown` and written back untouched. */
  readonly functions: readonly { readonly name: string; readonly domain: string }[];
  readonly unknown: readonly UnknownField[];
}
