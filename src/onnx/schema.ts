/**
 * Protobuf keys (field number and wire type) of the ONNX schema, as far as this project reads it.
 * Everything else passes through as unknown fields.
 * @source onnx/onnx-ml.proto
 */
export const Wire = { varint: 0, fixed64: 1, bytes: 2, groupStart: 3, groupEnd: 4, fixed32: 5 } as const;

const varint = (field: number): number => (field << 3) | Wire.varint;
const fixed64 = (field: number): number => (field << 3) | Wire.fixed64;
const bytes = (field: number): number => (field << 3) | Wire.bytes;
const fixed32 = (field: number): number => (field << 3) | Wire.fixed32;

export const ModelKey = {
  irVersion: varint(1),
  producerName: bytes(2),
  producerVersion: bytes(3),
  domain: bytes(4),
  modelVersion: varint(5),
  docString: bytes(6),
  graph: bytes(7),
  opsetImport: bytes(8),
  metadata: bytes(14),
  functions: bytes(25),
};

export const OpsetKey = { domain: bytes(1), version: varint(2) };
export const EntryKey = { key: bytes(1), value: bytes(2) };
export const FunctionKey = { name: bytes(1), domain: bytes(10) };

export const GraphKey = {
  node: bytes(1),
  name: bytes(2),
  initializer: bytes(5),
  docString: bytes(10),
  input: bytes(11),
  output: bytes(12),
  valueInfo: bytes(13),
  sparseInitializer: bytes(15),
};

export const NodeKey = {
  input: bytes(1),
  output: bytes(2),
  name: bytes(3),
  opType: bytes(4),
  attribute: bytes(5),
  docString: bytes(6),
  domain: bytes(7),
};

export const AttributeKey = {
  name: bytes(1),
  float: fixed32(2),
  int: varint(3),
  string: bytes(4),
  tensor: bytes(5),
  graph: bytes(6),
  floats: fixed32(7),
  floatsPacked: bytes(7),
  ints: varint(8),
  intsPacked: bytes(8),
  strings: bytes(9),
  tensors: bytes(10),
  graphs: bytes(11),
  type: varint(20),
};

/** `onnx.AttributeProto.AttributeType`. */
export const AttributeType = {
  undefined: 0,
  float: 1,
  int: 2,
  string: 3,
  tensor: 4,
  graph: 5,
  floats: 6,
  ints: 7,
  strings: 8,
  tensors: 9,
  graphs: 10,
} as const;

export const TensorKey = {
  dims: varint(1),
  dimsPacked: bytes(1),
  dataType: varint(2),
  floatData: fixed32(4),
  floatDataPacked: bytes(4),
  int32Data: varint(5),
  int32DataPacked: bytes(5),
  stringData: bytes(6),
  int64Data: varint(7),
  int64DataPacked: bytes(7),
  name: bytes(8),
  rawData: bytes(9),
  doubleData: fixed64(10),
  doubleDataPacked: bytes(10),
  uint64Data: varint(11),
  uint64DataPacked: bytes(11),
  docString: bytes(12),
  externalData: bytes(13),
  dataLocation: varint(14),
};

/** Field numbers of a tensor's typed data. */
export const TypedField = {
  float: 4,
  int32: 5,
  string: 6,
  int64: 7,
  double: 10,
  uint64: 11,
} as const;

export const SparseTensorKey = { values: bytes(1) };

export const ValueInfoKey = { name: bytes(1), type: bytes(2), docString: bytes(3) };

export const TypeKey = {
  tensor: bytes(1),
  sequence: bytes(4),
  map: bytes(5),
  opaque: bytes(7),
  sparseTensor: bytes(8),
  optional: bytes(9),
};

export const TensorTypeKey = { elementType: varint(1), shape: bytes(2) };
export const ShapeKey = { dim: bytes(1) };
export const DimKey = { value: varint(1), parameter: bytes(2) };
