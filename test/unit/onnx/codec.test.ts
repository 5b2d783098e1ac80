import { readdirSync, readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { makeGraph, makeInt, makeNode, makeTensor } from '../../../src/onnx/attributes.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import type { Graph, Model, Node, Tensor } from '../../../src/onnx/model.ts';
import { valueName } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes, serializeModel } from '../../../src/onnx/serialize.ts';
import { floatTensor, tensorBytes } from '../../../src/onnx/tensor.ts';
import { anyModel } from './arbitrary-model.ts';
import { inOfficialTerms, officialBytes, officialReading, withoutOrigins } from './official-onnx.ts';
import { scrambled } from './scramble.ts';

const ZOO = new URL('../../../public/samples/zoo/', import.meta.url);
const zooFiles = readdirSync(ZOO).filter((name) => name.endsWith('.onnx'));

const parse = (bytes: Uint8Array): Model => parseModel(memorySource(bytes));

/** New objects everywhere, but with the memory of where they came from. */
function touched(graph: Graph): Graph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => ({
      ...node,
      attributes: node.attributes.map((attribute) => ({ ...attribute })),
    })),
    initializers: graph.initializers.map((tensor) => ({ ...tensor })),
    inputs: graph.inputs.map((value) => ({ ...value })),
    outputs: graph.outputs.map((value) => ({ ...value })),
    valueInfos: graph.valueInfos.map((value) => ({ ...value })),
  };
}

describe('reading and writing models', () => {
  it.each(zooFiles)('reads every field of %s as the official schema does', (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(name, ZOO)));
    expect(inOfficialTerms(parse(bytes))).toEqual(officialReading(bytes));
  });

  it.each(zooFiles)('writes %s byte for byte, even if every object was copied', (name) => {
    const bytes = new Uint8Array(readFileSync(new URL(name, ZOO)));
    const model = parse(bytes);
    expect(Buffer.compare(modelToBytes(model), bytes)).toBe(0);
    expect(Buffer.compare(modelToBytes({ ...model, graph: touched(model.graph) }), bytes)).toBe(0);
  });

  it('reads any model as the official schema does', () => {
    fc.assert(
      fc.property(anyModel, (fields) => {
        const bytes = officialBytes('ModelProto', fields);
        expect(inOfficialTerms(parse(bytes))).toEqual(officialReading(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it('writes any model so that the official schema reads the same', () => {
    fc.assert(
      fc.property(anyModel, (fields) => {
        const bytes = officialBytes('ModelProto', fields);
        const written = modelToBytes(withoutOrigins(parse(bytes)));
        expect(officialReading(written)).toEqual(officialReading(bytes));
        expect(inOfficialTerms(parse(written))).toEqual(inOfficialTerms(parse(bytes)));
      }),
      { numRuns: 300 },
    );
  });

  it('keeps any order of fields and any unknown field, whether or not objects were copied', () => {
    fc.assert(
      fc.property(anyModel, fc.integer(), (fields, seed) => {
        const plain = officialBytes('ModelProto', fields);
        const bytes = scrambled(plain, seededRandom(seed), { longVarints: false });
        const model = parse(bytes);
        expect(inOfficialTerms(model)).toEqual(officialReading(plain));
        expect(Buffer.compare(modelToBytes(model), bytes)).toBe(0);
        expect(Buffer.compare(modelToBytes({ ...model, graph: touched(model.graph) }), bytes)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('keeps numbers that are written longer than needed', () => {
    fc.assert(
      fc.property(anyModel, fc.integer(), (fields, seed) => {
        const plain = officialBytes('ModelProto', fields);
        const bytes = scrambled(plain, seededRandom(seed), { longVarints: true });
        const model = parse(bytes);
        expect(inOfficialTerms(model)).toEqual(officialReading(plain));
        expect(Buffer.compare(modelToBytes(model), bytes)).toBe(0);
        const renamed = { ...model, producerName: 'someone else' };
        expect(inOfficialTerms(parse(modelToBytes(renamed)))).toEqual(inOfficialTerms(renamed));
      }),
      { numRuns: 100 },
    );
  });

  it('changes only the bytes of the node that was edited', () => {
    const bytes = new Uint8Array(readFileSync(new URL('resnet152.onnx', ZOO)));
    const model = parse(bytes);
    const edited = 100;
    const nodes = model.graph.nodes.map(
      (node, i): Node =>
        i === edited ? { ...node, outputs: node.outputs.map((name) => valueName(`${name}!`)) } : node,
    );
    const written = modelToBytes({ ...model, graph: { ...model.graph, nodes } });

    expect(written.length).toBe(bytes.length + 1);
    // Apart from the graph's length in front, the files agree up to the edit and from it on.
    const start = commonPrefix(bytes.subarray(40), written.subarray(40)) + 40;
    const end = commonPrefix(bytes.toReversed(), written.toReversed());
    expect(bytes.length - start - end).toBeLessThan(200);
    expect(parse(written).graph.nodes[edited]?.outputs[0]).toMatch(/!$/);
  });

  it('writes nodes and weights that were removed, repeated, reordered and added', () => {
    const model = parse(new Uint8Array(readFileSync(new URL('mobilenet_v3_small.onnx', ZOO))));
    const { nodes, initializers } = model.graph;
    const picks = fc.array(fc.nat({ max: nodes.length + 3 }), { maxLength: 12 });
    fc.assert(
      fc.property(picks, picks, fc.boolean(), (nodePicks, weightPicks, keepAll) => {
        const pickedNodes = nodePicks.map(
          (i) => nodes[i] ?? makeNode('Relu', ['x'], [`y${i}`], [makeInt('a', i)]),
        );
        const pickedWeights = weightPicks.map(
          (i) => initializers[i] ?? floatTensor(`w${i}`, [2], Float32Array.of(i, 1)),
        );
        const graph = {
          ...model.graph,
          nodes: keepAll ? [...nodes, ...pickedNodes] : pickedNodes,
          initializers: keepAll ? [...initializers, ...pickedWeights] : pickedWeights,
        };
        const edited = { ...model, graph };
        expect(officialReading(modelToBytes(edited))).toEqual(inOfficialTerms(edited));
      }),
      { numRuns: 50 },
    );
  });

  it('writes weights, attributes and graphs that took other places', () => {
    const model = parse(new Uint8Array(readFileSync(new URL('mobilenet_v2.onnx', ZOO))));
    const weight = model.graph.initializers.find((tensor) => tensor.data.kind === 'raw') as Tensor;
    const constant = model.graph.nodes
      .flatMap((node) => node.attributes)
      .find(({ value }) => value.kind === 'tensor')?.value as { readonly value: Tensor };
    const graph = {
      ...model.graph,
      nodes: [
        makeNode('Constant', [], ['c'], [makeTensor('value', weight)]),
        makeNode('If', ['c'], ['d'], [makeGraph('then_branch', model.graph)]),
      ],
      initializers: [{ ...constant.value, name: 'named' }, constant.value],
    };
    const edited = { ...model, graph };
    expect(officialReading(modelToBytes(edited))).toEqual(inOfficialTerms(edited));
  });

  it('reads a dimension of -1 as unknown', () => {
    const type = {
      value: {
        case: 'tensorType',
        value: { elemType: 1, shape: { dim: [{ value: { case: 'dimValue', value: -1n } }] } },
      },
    };
    const bytes = officialBytes('ModelProto', {
      irVersion: 8n,
      opsetImport: [{ version: 13n }],
      graph: { input: [{ name: 'x', type }] },
    });
    expect(parse(bytes).graph.inputs[0]?.type).toMatchObject({ shape: [null] });
  });

  it('keeps unknown fields of an object whose known ones change', () => {
    const unknown = [0xf2, 0x7f, 3, 1, 2, 3];
    const node = new Uint8Array([...officialBytes('NodeProto', { opType: 'Relu' }), ...unknown]);
    const graph = new Uint8Array([0x0a, node.length, ...node]);
    const bytes = new Uint8Array([0x08, 7, 0x42, 2, 0x10, 13, 0x3a, graph.length, ...graph]);
    const model = parse(bytes);
    const [relu] = model.graph.nodes;
    const changed = { ...(relu as Node), opType: 'Sigmoid', attributes: [makeInt('axis', -1)] };
    const written = modelToBytes({ ...model, graph: { ...model.graph, nodes: [changed] } });
    expect(Buffer.from(written).includes(Buffer.from(unknown))).toBe(true);
    expect(parse(written).graph.nodes[0]).toMatchObject({
      opType: 'Sigmoid',
      attributes: [{ value: { kind: 'int', value: -1n } }],
    });
  });

  it('hands out chunks of at most 4 MiB that add up to the announced size', () => {
    const weights = new Uint8Array(9_000_001).fill(7);
    const bytes = officialBytes('ModelProto', {
      irVersion: 8n,
      opsetImport: [{ version: 13n }],
      graph: { initializer: [{ name: 'w', dims: [9_000_001n], dataType: 2, rawData: weights }] },
    });
    const model = { ...parse(bytes), producerName: 'x' };
    const file = serializeModel(model);
    const chunks: Uint8Array[] = [];
    file.write((chunk) => chunks.push(chunk));
    expect(Math.max(...chunks.map((chunk) => chunk.length))).toBeLessThanOrEqual(4 * 1024 * 1024);
    expect(chunks.reduce((sum, chunk) => sum + chunk.length, 0)).toBe(file.bytes);
    const written = parse(Buffer.concat(chunks));
    expect(written.producerName).toBe('x');
    expect(Buffer.compare(tensorBytes(written.graph.initializers[0] as Tensor), weights)).toBe(0);
  });

  it('opens a large model without reading its weights', () => {
    const wide = new Uint8Array(3_000_000);
    const bytes = officialBytes('ModelProto', {
      irVersion: 8n,
      opsetImport: [{ version: 13n }],
      graph: {
        initializer: Array.from({ length: 20 }, (_, i) => ({
          name: `w${i}`,
          dims: [3_000_000n],
          dataType: 2,
          rawData: wide,
        })),
      },
    });
    let readBytes = 0;
    const model = parseModel({
      size: bytes.length,
      read: (offset, length) => {
        readBytes += length;
        return bytes.slice(offset, offset + length);
      },
    });
    expect(model.graph.initializers).toHaveLength(20);
    expect(readBytes).toBeLessThan(20 * 2048);
  });
});

function commonPrefix(a: Uint8Array, b: Uint8Array): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length++;
  return length;
}
