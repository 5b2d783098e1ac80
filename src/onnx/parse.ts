import { InputError } from '../base/result.ts';
import type { ByteSource } from './byte-source.ts';
import type {
  Attribute,
  AttributeValue,
  Graph,
  Model,
  Node,
  OpsetImport,
  Tensor,
  UnknownField,
  ValueInfo,
  ValueName,
} from './model.ts';
import { valueName } from './model.ts';
import { explainTruncation, explainWireError, refuseOtherFormats } from './not-a-model.ts';
import { rememberLayout, rememberOrigin, UNKNOWN } from './origins.ts';
import { readEntry, readMessage } from './read-message.ts';
import { readTensor } from './read-tensor.ts';
import { readValueInfo } from './read-value-info.ts';
import { AttributeKey, AttributeType, FunctionKey, GraphKey, ModelKey, NodeKey, OpsetKey } from './schema.ts';
import { readSparseName } from './sparse-initializers.ts';
import { checkTensor } from './tensor.ts';
import { WireError, WireReader } from './wire-reader.ts';

/** IR version 3 (2017-11) made the opset import obligatory. */
const FIRST_IR_WITH_OPSETS = 3;

/**
 * Reads a model's structure: names, shapes, attributes, and where each initializer's data is. The data itself is
 * stepped over, so a file of 500 MB costs a few hundred kilobytes of reads.
 * @param fileName for messages only
 * @throws InputError `onnx-empty`, `onnx-not-a-model`, `onnx-truncated`, `onnx-corrupt`, `onnx-too-big`,
 *   `onnx-no-graph`, `onnx-no-opset`, `onnx-tensor-size`, `onnx-tensor-dims`, `onnx-external-path`
 */
export function parseModel(source: ByteSource, fileName = 'the file'): Model {
  refuseOtherFormats(source, fileName);
  const reader = new WireReader(source);
  try {
    return readModel(reader, fileName);
  } catch (thrown) {
    if (!(thrown instanceof WireError)) throw thrown;
    throw thrown.kind === 'truncated'
      ? explainTruncation(source, thrown, fileName)
      : explainWireError(source, thrown, reader.trail, fileName);
  }
}

function readModel(reader: WireReader, fileName: string): Model {
  const layout: number[] = [];
  const unknown: UnknownField[] = [];
  let irVersion = 0;
  let producerName = '';
  let producerVersion = '';
  let domain = '';
  let modelVersion = 0n;
  let docString = '';
  let graph: Graph | null = null;
  const opsetImports: OpsetImport[] = [];
  const metadata: { key: string; value: string }[] = [];
  const functions: { name: string; domain: string }[] = [];

  reader.seek(0, reader.source.size);
  while (reader.next(reader.source.size)) {
    layout.push(reader.key);
    switch (reader.key) {
      case ModelKey.irVersion:
        irVersion = reader.int64Number();
        break;
      case ModelKey.producerName:
        producerName = reader.text();
        break;
      case ModelKey.producerVersion:
        producerVersion = reader.text();
        break;
      case ModelKey.domain:
        domain = reader.text();
        break;
      case ModelKey.modelVersion:
        modelVersion = reader.int64();
        break;
      case ModelKey.docString:
        docString = reader.text();
        break;
      case ModelKey.graph:
        if (graph !== null) reader.fail('corrupt', 'a second graph');
        graph = readGraph(reader, 'graph');
        break;
      case ModelKey.opsetImport:
        opsetImports.push(readOpsetImport(reader));
        break;
      case ModelKey.metadata:
        metadata.push(readEntry(reader));
        break;
      case ModelKey.functions:
        layout[layout.length - 1] = UNKNOWN;
        unknown.push(reader.fieldRange());
        functions.push(readFunctionName(reader));
        break;
      default:
        layout[layout.length - 1] = UNKNOWN;
        unknown.push(reader.fieldRange());
    }
  }
  if (graph === null) {
    throw new InputError({
      code: 'onnx-no-graph',
      message: `${fileName} holds no graph: it may be another kind of protobuf file, e.g. a tensor or training state.`,
      where: fileName,
      hint: 'Export the model to ONNX and open that file.',
    });
  }
  if (opsetImports.length === 0 && irVersion >= FIRST_IR_WITH_OPSETS) {
    throw new InputError({
      code: 'onnx-no-opset',
      message: `${fileName} does not say which operator set it uses (IR version ${irVersion} must).`,
      where: fileName,
      hint: 'The file may be cut off or edited by hand: export it again.',
    });
  }
  const model: Model = {
    irVersion,
    opsetImports,
    producerName,
    producerVersion,
    domain,
    modelVersion,
    docString,
    graph,
    metadata,
    functions,
    unknown,
  };
  const whole = { source: reader.source, offset: 0, length: reader.source.size };
  rememberOrigin(model, { key: UNKNOWN, field: whole, payload: whole });
  rememberLayout(unknown, layout);
  return model;
}

function readOpsetImport(reader: WireReader): OpsetImport {
  let domain = '';
  let version = 0;
  return readMessage(
    reader,
    'operator set import',
    (key) => {
      if (key === OpsetKey.domain) domain = reader.text();
      else if (key === OpsetKey.version) version = reader.int64Number();
      else return false;
      return true;
    },
    () => ({ domain, version }),
  );
}

function readFunctionName(reader: WireReader): { name: string; domain: string } {
  let name = '';
  let domain = '';
  return readMessage(
    reader,
    'function',
    (key) => {
      if (key === FunctionKey.name) name = reader.text();
      else if (key === FunctionKey.domain) domain = reader.text();
      else return false;
      return true;
    },
    () => ({ name, domain }),
  );
}

function readGraph(reader: WireReader, what: string): Graph {
  let name = '';
  let docString = '';
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const inputs: ValueInfo[] = [];
  const outputs: ValueInfo[] = [];
  const valueInfos: ValueInfo[] = [];
  return readMessage(
    reader,
    what,
    (key) => {
      switch (key) {
        case GraphKey.node:
          nodes.push(readNode(reader));
          return true;
        case GraphKey.name:
          name = reader.text();
          return true;
        case GraphKey.initializer: {
          const tensor = readTensor(reader, 'initializer');
          checkTensor(tensor);
          initializers.push(tensor);
          return true;
        }
        case GraphKey.docString:
          docString = reader.text();
          return true;
        case GraphKey.input:
          inputs.push(readValueInfo(reader, 'input'));
          return true;
        case GraphKey.output:
          outputs.push(readValueInfo(reader, 'output'));
          return true;
        case GraphKey.valueInfo:
          valueInfos.push(readValueInfo(reader, 'value info'));
          return true;
        case GraphKey.sparseInitializer:
          // Stays unknown, but is known to be sound when its name is looked up later.
          readSparseName(reader);
          return false;
        default:
          return false;
      }
    },
    (unknown) => ({ name, nodes, initializers, inputs, outputs, valueInfos, docString, unknown }),
  );
}

function readNode(reader: WireReader): Node {
  let name = '';
  let opType = '';
  let domain = '';
  let docString = '';
  const inputs: ValueName[] = [];
  const outputs: ValueName[] = [];
  const attributes: Attribute[] = [];
  return readMessage(
    reader,
    'node',
    (key) => {
      switch (key) {
        case NodeKey.input:
          inputs.push(valueName(reader.text()));
          return true;
        case NodeKey.output:
          outputs.push(valueName(reader.text()));
          return true;
        case NodeKey.name:
          name = reader.text();
          return true;
        case NodeKey.opType:
          opType = reader.text();
          return true;
        case NodeKey.attribute:
          attributes.push(readAttribute(reader));
          return true;
        case NodeKey.docString:
          docString = reader.text();
          return true;
        case NodeKey.domain:
          domain = reader.text();
          return true;
        default:
          return false;
      }
    },
    (unknown) => ({ name, opType, domain, inputs, outputs, attributes, docString, unknown }),
  );
}

/** An attribute's fields of every type; which of them counts is known only when its type is. */
interface AttributeFields {
  float: number | null;
  int: bigint | null;
  string: Uint8Array | null;
  tensor: Tensor | null;
  graph: Graph | null;
  readonly floats: number[];
  readonly ints: bigint[];
  readonly strings: Uint8Array[];
  readonly tensors: Tensor[];
  readonly graphs: Graph[];
}

function readAttribute(reader: WireReader): Attribute {
  let name = '';
  let type: number | null = null;
  // Presence decides between the types only in files from before the type was written.
  const values: AttributeFields = {
    float: null,
    int: null,
    string: null,
    tensor: null,
    graph: null,
    floats: [],
    ints: [],
    strings: [],
    tensors: [],
    graphs: [],
  };
  return readMessage(
    reader,
    'attribute',
    (key) => {
      if (key === AttributeKey.name) name = reader.text();
      else if (key === AttributeKey.type) type = reader.int32();
      else return readAttributeValue(reader, key, values);
      return true;
    },
    (unknown) => ({ name, value: attributeValue(type ?? guessType(values), values), unknown }),
  );
}

function readAttributeValue(reader: WireReader, key: number, values: AttributeFields): boolean {
  switch (key) {
    case AttributeKey.float:
      values.float = reader.float();
      return true;
    case AttributeKey.int:
      values.int = reader.int64();
      return true;
    case AttributeKey.string:
      values.string = reader.bytes().slice();
      return true;
    case AttributeKey.tensor:
      values.tensor = readTensor(reader, 'tensor');
      return true;
    case AttributeKey.graph:
      values.graph = readGraph(reader, 'subgraph');
      return true;
    case AttributeKey.floats:
      values.floats.push(reader.float());
      return true;
    case AttributeKey.floatsPacked:
      for (const value of reader.packedFloats()) values.floats.push(value);
      return true;
    case AttributeKey.ints:
      values.ints.push(reader.int64());
      return true;
    case AttributeKey.intsPacked:
      reader.packedVarints(() => values.ints.push(reader.int64()));
      return true;
    case AttributeKey.strings:
      values.strings.push(reader.bytes().slice());
      return true;
    case AttributeKey.tensors:
      values.tensors.push(readTensor(reader, 'tensor'));
      return true;
    case AttributeKey.graphs:
      values.graphs.push(readGraph(reader, 'subgraph'));
      return true;
    default:
      return false;
  }
}

function guessType(values: AttributeFields): number {
  if (values.float !== null) return AttributeType.float;
  if (values.int !== null) return AttributeType.int;
  if (values.string !== null) return AttributeType.string;
  if (values.tensor !== null) return AttributeType.tensor;
  if (values.graph !== null) return AttributeType.graph;
  if (values.floats.length > 0) return AttributeType.floats;
  if (values.ints.length > 0) return AttributeType.ints;
  if (values.strings.length > 0) return AttributeType.strings;
  if (values.tensors.length > 0) return AttributeType.tensors;
  if (values.graphs.length > 0) return AttributeType.graphs;
  return AttributeType.undefined;
}

function attributeValue(type: number, values: AttributeFields): AttributeValue {
  switch (type) {
    case AttributeType.float:
      return { kind: 'float', value: values.float ?? 0 };
    case AttributeType.int:
      return { kind: 'int', value: values.int ?? 0n };
    case AttributeType.string:
      return { kind: 'string', value: values.string ?? new Uint8Array(0) };
    case AttributeType.tensor:
      return values.tensor === null ? { kind: 'opaque', type } : { kind: 'tensor', value: values.tensor };
    case AttributeType.graph:
      return values.graph === null ? { kind: 'opaque', type } : { kind: 'graph', value: values.graph };
    case AttributeType.floats:
      return { kind: 'floats', value: values.floats };
    case AttributeType.ints:
      return { kind: 'ints', value: values.ints };
    case AttributeType.strings:
      return { kind: 'strings', value: values.strings };
    case AttributeType.tensors:
      return { kind: 'tensors', value: values.tensors };
    case AttributeType.graphs:
      return { kind: 'graphs', value: values.graphs };
    default:
      return { kind: 'opaque', type };
  }
}
