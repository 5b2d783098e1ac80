import { readFileSync } from 'node:fs';
import type { DescMessage, Message } from '@bufbuild/protobuf';
import { create, createFileRegistry, fromBinary, toBinary } from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import type { ByteRange } from '../../../src/onnx/byte-source.ts';
import type {
  Attribute,
  Graph,
  Model,
  Node,
  Tensor,
  TensorData,
  ValueInfo,
  ValueType,
} from '../../../src/onnx/model.ts';

/**
 * Models read and written by the official schema through an independent library, and our own model in the same
 * terms: the oracle of these tests.
 */

const schemaPath = new URL('../../fixtures/onnx-schema/onnx-ml-1.12.0.bin', import.meta.url);
const registry = createFileRegistry(
  fromBinary(FileDescriptorProtoSchema, new Uint8Array(readFileSync(schemaPath))),
  () => undefined,
);

function schema(name: string): DescMessage {
  const message = registry.getMessage(`onnx.${name}`);
  if (message === undefined) throw new Error(`onnx.${name} is not in the schema`);
  return message;
}

/** The official bytes of a message given as plain fields in camel case. */
export function officialBytes(name: string, fields: Record<string, unknown>): Uint8Array {
  return toBinary(schema(name), create(schema(name), fields as never));
}

/** A model as the official schema reads it: only fields that differ from their defaults, as plain values. */
export function officialReading(bytes: Uint8Array): unknown {
  return withoutDefaults(fromBinary(schema('ModelProto'), bytes) satisfies Message);
}

/** Our model in the official schema's terms, comparable with `officialReading`. */
export function inOfficialTerms(model: Model): unknown {
  return withoutDefaults({
    irVersion: BigInt(model.irVersion),
    producerName: model.producerName,
    producerVersion: model.producerVersion,
    domain: model.domain,
    modelVersion: model.modelVersion,
    docString: model.docString,
    graph: graphTerms(model.graph),
    opsetImport: model.opsetImports.map(({ domain, version }) => ({ domain, version: BigInt(version) })),
    metadataProps: model.metadata,
  });
}

function graphTerms(graph: Graph): object {
  return {
    name: graph.name,
    node: graph.nodes.map(nodeTerms),
    initializer: graph.initializers.map(tensorTerms),
    input: graph.inputs.map(valueTerms),
    output: graph.outputs.map(valueTerms),
    valueInfo: graph.valueInfos.map(valueTerms),
    docString: graph.docString,
  };
}

function nodeTerms(node: Node): object {
  return {
    input: node.inputs,
    output: node.outputs,
    name: node.name,
    opType: node.opType,
    domain: node.domain,
    docString: node.docString,
    attribute: node.attributes.map(attributeTerms),
  };
}

const ATTRIBUTE_TYPES = [
  'undefined',
  'float',
  'int',
  'string',
  'tensor',
  'graph',
  'floats',
  'ints',
  'strings',
  'tensors',
  'graphs',
];

function attributeTerms({ name, value }: Attribute): object {
  const type = value.kind === 'opaque' ? value.type : ATTRIBUTE_TYPES.indexOf(value.kind);
  switch (value.kind) {
    case 'float':
      return { name, type, f: value.value };
    case 'int':
      return { name, type, i: value.value };
    case 'string':
      return { name, type, s: value.value };
    case 'tensor':
      return { name, type, t: tensorTerms(value.value) };
    case 'graph':
      return { name, type, g: graphTerms(value.value) };
    case 'tensors':
      return { name, type, tensors: value.value.map(tensorTerms) };
    case 'graphs':
      return { name, type, graphs: value.value.map(graphTerms) };
    case 'opaque':
      return { name, type };
    default:
      return { name, type, [value.kind]: value.value };
  }
}

function tensorTerms(tensor: Tensor): object {
  return {
    name: tensor.name,
    dims: tensor.dims.map(BigInt),
    dataType: tensor.dataType,
    docString: tensor.docString,
    ...dataTerms(tensor.data),
  };
}

function dataTerms(data: TensorData): object {
  switch (data.kind) {
    case 'raw':
      return { rawData: bytesOf(data.range) };
    case 'bytes':
      return { rawData: data.bytes };
    case 'external': {
      const entries = [
        { key: 'location', value: data.location },
        { key: 'offset', value: String(data.offset) },
      ];
      if (data.length !== null) entries.push({ key: 'length', value: String(data.length) });
      return { dataLocation: 1, externalData: entries };
    }
    case 'typed':
    case 'hollow':
    case 'empty':
      return {};
  }
}

export function bytesOf(range: ByteRange): Uint8Array {
  return range.source.read(range.offset, range.length);
}

function valueTerms(value: ValueInfo): object {
  return { name: value.name, docString: value.docString, type: typeTerms(value.type) };
}

function typeTerms(type: ValueType): object | undefined {
  if (type.kind === 'unknown') return undefined;
  if (type.kind === 'other') return { value: { case: `${type.description}Type` } };
  const dims = type.shape?.map((dim) =>
    dim === null
      ? { value: { case: undefined } }
      : typeof dim === 'number'
        ? { value: { case: 'dimValue', value: BigInt(dim) } }
        : { value: { case: 'dimParam', value: dim } },
  );
  const shape = dims === undefined ? undefined : { dim: dims };
  return { value: { case: 'tensorType', value: { elemType: type.dataType, shape } } };
}

/** Typed data is compared by value in its own tests; denotations and a sequence's inner type we do not read. */
const NOT_COMPARED = new Set([
  'floatData',
  'int32Data',
  'int64Data',
  'doubleData',
  'uint64Data',
  'stringData',
  'denotation',
  'elemType',
]);

function withoutDefaults(value: unknown, insideSequence = false): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => withoutDefaults(item));
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (typeof value !== 'object' || value === null) return value;
  const kept: [string, unknown][] = [];
  const sequence = insideSequence || ('case' in value && value.case === 'sequenceType');
  for (const [key, part] of Object.entries(value)) {
    if (key.startsWith('$') || (NOT_COMPARED.has(key) && (key !== 'elemType' || sequence))) continue;
    if (part === undefined || part === '' || part === 0 || part === 0n) continue;
    if ((Array.isArray(part) || part instanceof Uint8Array) && part.length === 0) continue;
    const plain = withoutDefaults(part, sequence);
    if (sequence && typeof plain === 'object' && plain !== null && Object.keys(plain).length === 0) continue;
    kept.push([key, plain]);
  }
  return Object.fromEntries(kept);
}

/** The same model as fresh objects that remember nothing of a file, so that writing encodes everything anew. */
export function withoutOrigins<T>(value: T): T {
  if (value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item: unknown) => withoutOrigins(item)) as T;
  if ('source' in value && 'offset' in value) return { ...value };
  // Types other than tensors exist only as they were read.
  if ('kind' in value && value.kind === 'other') return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, withoutOrigins(part)])) as T;
}
