import { assert, unreachable } from '../base/assert.ts';
import type { ByteRange } from './byte-source.ts';
import type { Attribute, AttributeValue, Graph, Model, Node, Tensor, ValueInfo, ValueType } from './model.ts';
import type { Layout } from './origins.ts';
import { dataFieldsOf, layoutOf, originOf, UNKNOWN } from './origins.ts';
import {
  AttributeKey,
  AttributeType,
  DimKey,
  EntryKey,
  GraphKey,
  ModelKey,
  NodeKey,
  OpsetKey,
  ShapeKey,
  TensorKey,
  TensorTypeKey,
  TypeKey,
  ValueInfoKey,
} from './schema.ts';
import { tensorRange } from './tensor.ts';
import type { Piece, Pieces } from './wire-writer.ts';
import {
  bytesField,
  floatField,
  framed,
  joined,
  packedKey,
  piecesOf,
  textField,
  varintField,
  writePieces,
} from './wire-writer.ts';

/**
 * A model as a file. Objects that came from a file and were not replaced are copied from it byte for byte,
 * whatever their encoding; a changed object keeps the order of its fields and what this project does not know.
 * Nothing is read or encoded as a whole: `write` streams weights from their sources in chunks of at most 4 MiB.
 * Weights of given external files are written into the file; those of missing ones stay references.
 */
export function serializeModel(model: Model): {
  readonly bytes: number;
  /** The same file as its parts: ranges of sources, and what is new in between. */
  readonly pieces: readonly Piece[];
  readonly write: (sink: (chunk: Uint8Array) => void) => void;
} {
  const origin = originOf(model);
  const { pieces, length } = origin === undefined ? encodeModel(model) : piecesOf(origin.payload);
  return { bytes: length, pieces, write: (sink) => writePieces(pieces, sink) };
}

/** The whole file in memory: for small models. */
export function modelToBytes(model: Model): Uint8Array<ArrayBuffer> {
  const file = serializeModel(model);
  const bytes = new Uint8Array(file.bytes);
  let at = 0;
  file.write((chunk) => {
    bytes.set(chunk, at);
    at += chunk.length;
  });
  return bytes;
}

/** Encoded fields under one key, in order. */
type FieldList = readonly [key: number, items: readonly Pieces[]];

/**
 * Puts fields in the order they had in the original: the n-th field of a key goes where the n-th one stood,
 * more of them follow the last one, and keys that are new come last.
 */
function arranged(layout: Layout | undefined, fields: readonly FieldList[]): Pieces {
  if (layout === undefined) return joined(fields.flatMap(([, items]) => items));
  const items = new Map(fields);
  const lastPlace = new Map(layout.map((key, place) => [key, place]));
  const used = new Map<number, number>();
  const parts: Pieces[] = [];
  layout.forEach((key, place) => {
    const list = items.get(key) ?? [];
    const next = used.get(key) ?? 0;
    const end = lastPlace.get(key) === place ? list.length : next + 1;
    for (const item of list.slice(next, end)) parts.push(item);
    used.set(key, end);
  });
  for (const [key, list] of fields) {
    if (!lastPlace.has(key)) for (const item of list) parts.push(item);
  }
  return joined(parts);
}

/** A message that is copied if it has an origin, under another tag if need be. */
function child<T extends object>(key: number, object: T, encode: (object: T) => Pieces): Pieces {
  const origin = originOf(object);
  if (origin === undefined) return framed(key, encode(object));
  return origin.key === key ? piecesOf(origin.field) : framed(key, piecesOf(origin.payload));
}

function children<T extends object>(
  key: number,
  objects: readonly T[],
  encode: (object: T) => Pieces,
): FieldList {
  return [key, objects.map((object) => child(key, object, encode))];
}

/** A text field, left out if empty unless the original had it. */
function text(layout: Layout | undefined, key: number, value: string): FieldList {
  return [key, value !== '' || layout?.includes(key) ? [textField(key, value)] : []];
}

function integer(layout: Layout | undefined, key: number, value: number | bigint): FieldList {
  return [key, BigInt(value) !== 0n || layout?.includes(key) ? [varintField(key, value)] : []];
}

function unknownFields(object: { readonly unknown: readonly (ByteRange | Uint8Array)[] }): FieldList {
  return [UNKNOWN, object.unknown.map((field) => piecesOf(field))];
}

function encodeModel(model: Model): Pieces {
  const layout = layoutOf(model);
  return arranged(layout, [
    integer(layout, ModelKey.irVersion, model.irVersion),
    text(layout, ModelKey.producerName, model.producerName),
    text(layout, ModelKey.producerVersion, model.producerVersion),
    text(layout, ModelKey.domain, model.domain),
    integer(layout, ModelKey.modelVersion, model.modelVersion),
    text(layout, ModelKey.docString, model.docString),
    children(ModelKey.graph, [model.graph], encodeGraph),
    children(ModelKey.opsetImport, model.opsetImports, (opset) =>
      joined([textField(OpsetKey.domain, opset.domain), varintField(OpsetKey.version, opset.version)]),
    ),
    children(ModelKey.metadata, model.metadata, encodeEntry),
    unknownFields(model),
  ]);
}

function encodeEntry(entry: { readonly key: string; readonly value: string }): Pieces {
  return joined([textField(EntryKey.key, entry.key), textField(EntryKey.value, entry.value)]);
}

function encodeGraph(graph: Graph): Pieces {
  const layout = layoutOf(graph);
  return arranged(layout, [
    children(GraphKey.node, graph.nodes, encodeNode),
    text(layout, GraphKey.name, graph.name),
    children(GraphKey.initializer, graph.initializers, encodeTensor),
    text(layout, GraphKey.docString, graph.docString),
    children(GraphKey.input, graph.inputs, encodeValueInfo),
    children(GraphKey.output, graph.outputs, encodeValueInfo),
    children(GraphKey.valueInfo, graph.valueInfos, encodeValueInfo),
    unknownFields(graph),
  ]);
}

function encodeNode(node: Node): Pieces {
  const layout = layoutOf(node);
  return arranged(layout, [
    [NodeKey.input, node.inputs.map((name) => textField(NodeKey.input, name))],
    [NodeKey.output, node.outputs.map((name) => textField(NodeKey.output, name))],
    text(layout, NodeKey.name, node.name),
    text(layout, NodeKey.opType, node.opType),
    children(NodeKey.attribute, node.attributes, encodeAttribute),
    text(layout, NodeKey.docString, node.docString),
    text(layout, NodeKey.domain, node.domain),
    unknownFields(node),
  ]);
}

function encodeAttribute(attribute: Attribute): Pieces {
  const layout = layoutOf(attribute);
  return arranged(layout, [
    text(layout, AttributeKey.name, attribute.name),
    attributeItems(attribute.value),
    integer(layout, AttributeKey.type, attributeType(attribute.value)),
    unknownFields(attribute),
  ]);
}

function attributeItems(value: AttributeValue): FieldList {
  switch (value.kind) {
    case 'float':
      return [AttributeKey.float, [floatField(AttributeKey.float, value.value)]];
    case 'int':
      return [AttributeKey.int, [varintField(AttributeKey.int, value.value)]];
    case 'string':
      return [AttributeKey.string, [bytesField(AttributeKey.string, value.value)]];
    case 'tensor':
      return children(AttributeKey.tensor, [value.value], encodeTensor);
    case 'graph':
      return children(AttributeKey.graph, [value.value], encodeGraph);
    case 'floats':
      return [AttributeKey.floats, value.value.map((number) => floatField(AttributeKey.floats, number))];
    case 'ints':
      return [AttributeKey.ints, value.value.map((number) => varintField(AttributeKey.ints, number))];
    case 'strings':
      return [AttributeKey.strings, value.value.map((bytes) => bytesField(AttributeKey.strings, bytes))];
    case 'tensors':
      return children(AttributeKey.tensors, value.value, encodeTensor);
    case 'graphs':
      return children(AttributeKey.graphs, value.value, encodeGraph);
    case 'opaque':
      return [UNKNOWN, []];
    default:
      return unreachable(value);
  }
}

function attributeType(value: AttributeValue): number {
  return value.kind === 'opaque' ? value.type : AttributeType[value.kind];
}

function encodeTensor(tensor: Tensor): Pieces {
  const layout = layoutOf(tensor)?.map((key) => (DATA_KEYS.has(key) ? TensorKey.rawData : key));
  return arranged(layout, [
    [TensorKey.dims, tensor.dims.map((dim) => varintField(TensorKey.dims, dim))],
    integer(layout, TensorKey.dataType, tensor.dataType),
    text(layout, TensorKey.name, tensor.name),
    [TensorKey.rawData, dataFields(tensor)],
    text(layout, TensorKey.docString, tensor.docString),
    unknownFields(tensor),
  ]);
}

/** Fields that hold data in one of its forms; a changed tensor's data goes where the first of them stood. */
const DATA_KEYS: ReadonlySet<number> = new Set([
  TensorKey.floatData,
  TensorKey.floatDataPacked,
  TensorKey.int32Data,
  TensorKey.int32DataPacked,
  TensorKey.stringData,
  TensorKey.int64Data,
  TensorKey.int64DataPacked,
  TensorKey.doubleData,
  TensorKey.doubleDataPacked,
  TensorKey.uint64Data,
  TensorKey.uint64DataPacked,
  TensorKey.rawData,
  TensorKey.externalData,
  TensorKey.dataLocation,
]);

function dataFields(tensor: Tensor): Pieces[] {
  const { data } = tensor;
  const original = dataFieldsOf(data);
  if (original !== undefined) return original.map((range) => piecesOf(range));
  switch (data.kind) {
    case 'raw':
      return [framed(TensorKey.rawData, piecesOf(data.range))];
    case 'bytes':
      return [bytesField(TensorKey.rawData, data.bytes)];
    case 'typed': {
      // Packed is right for all but strings; readers must take either form.
      const key = packedKey(data.fieldNumber << 3);
      return data.ranges.map((range) => framed(key, piecesOf(range)));
    }
    case 'external':
      if (data.source === null) return externalReference(data);
      return rawField(tensor);
    case 'hollow':
      return rawField(tensor);
    case 'empty':
      return [];
    default:
      return unreachable(data);
  }
}

function rawField(tensor: Tensor): Pieces[] {
  const range = tensorRange(tensor);
  assert(range !== null, `tensor ${tensor.name} has its data in one range`);
  return [framed(TensorKey.rawData, piecesOf(range))];
}

function externalReference(data: Extract<Tensor['data'], { kind: 'external' }>): Pieces[] {
  const entries = [
    { key: 'location', value: data.location },
    { key: 'offset', value: String(data.offset) },
  ];
  if (data.length !== null) entries.push({ key: 'length', value: String(data.length) });
  return [
    ...entries.map((entry) => framed(TensorKey.externalData, encodeEntry(entry))),
    varintField(TensorKey.dataLocation, 1),
  ];
}

function encodeValueInfo(value: ValueInfo): Pieces {
  const layout = layoutOf(value);
  return arranged(layout, [
    text(layout, ValueInfoKey.name, value.name),
    value.type.kind === 'unknown' && originOf(value.type) === undefined
      ? [ValueInfoKey.type, []]
      : children(ValueInfoKey.type, [value.type], encodeType),
    text(layout, ValueInfoKey.docString, value.docString),
    unknownFields(value),
  ]);
}

function encodeType(type: ValueType): Pieces {
  assert(type.kind === 'tensor', `a type made here is a tensor, not ${type.kind}`);
  const parts = [varintField(TensorTypeKey.elementType, type.dataType)];
  if (type.shape !== null) {
    const dims = type.shape.map((dim) =>
      framed(
        ShapeKey.dim,
        dim === null
          ? piecesOf()
          : typeof dim === 'number'
            ? varintField(DimKey.value, dim)
            : textField(DimKey.parameter, dim),
      ),
    );
    parts.push(framed(TensorTypeKey.shape, joined(dims)));
  }
  return framed(TypeKey.tensor, joined(parts));
}
