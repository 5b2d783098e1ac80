import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededRandom, shuffled } from '../../../src/base/random.ts';
import { InputError } from '../../../src/base/result.ts';
import { makeGraph, makeNode } from '../../../src/onnx/attributes.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { capturedValues, indexGraph } from '../../../src/onnx/graph-index.ts';
import type { Graph, Node, ValueInfo } from '../../../src/onnx/model.ts';
import { valueName } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { officialBytes } from './official-onnx.ts';

const value = (name: string): ValueInfo => ({
  name: valueName(name),
  type: { kind: 'unknown' },
  docString: '',
  unknown: [],
});

function graphOf(
  nodes: readonly Node[],
  inputs: readonly string[] = ['x'],
  outputs: readonly string[] = [],
): Graph {
  return {
    name: '',
    nodes,
    initializers: [floatTensor('w', [1], Float32Array.of(1))],
    inputs: inputs.map(value),
    outputs: outputs.map(value),
    valueInfos: [],
    docString: '',
    unknown: [],
  };
}

const failureOf = (graph: Graph) => {
  try {
    indexGraph(graph);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was accepted');
};

/** Nodes v1, v2, ... each of which uses up to three of x, w and the nodes before it. */
const acyclic = fc
  .array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 30 })
  .map((picks) =>
    picks.map((choices, i) => {
      const names = ['x', 'w', ...Array.from({ length: i }, (_, k) => `v${k}`)];
      return makeNode(
        'Sum',
        choices.map((choice) => names[choice % names.length] as string),
        [`v${i}`],
      );
    }),
  );

describe('graph index', () => {
  it('keeps the order of a sorted file', () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        expect(indexGraph(graphOf(nodes)).order).toEqual(nodes.map((_, i) => i));
      }),
    );
  });

  it('finds an order for any shuffled file in which every value exists before it is used', () => {
    fc.assert(
      fc.property(acyclic, fc.integer(), (sorted, seed) => {
        const nodes = shuffled(sorted, seededRandom(seed));
        const { order } = indexGraph(graphOf(nodes));
        expect(order.toSorted((a, b) => a - b)).toEqual(nodes.map((_, i) => i));
        const known = new Set<string>(['x', 'w']);
        for (const i of order) {
          for (const input of (nodes[i] as Node).inputs) expect(known).toContain(input);
          for (const output of (nodes[i] as Node).outputs) known.add(output);
        }
      }),
    );
  });

  it('lists producers and consumers that agree with the nodes', () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const index = indexGraph(graphOf(nodes));
        nodes.forEach((node, i) => {
          for (const output of node.outputs) expect(index.producer.get(output)).toBe(i);
          expect(index.inputsOf(i)).toEqual([...new Set(node.inputs)]);
        });
        for (const [name, users] of index.consumers) {
          expect(users).toEqual(nodes.flatMap((node, i) => (node.inputs.includes(name) ? [i] : [])));
        }
      }),
    );
  });

  it('names the nodes of a circle, and only them', () => {
    const nodes = [
      makeNode('Relu', ['x'], ['a'], [], { name: 'before' }),
      makeNode('Add', ['a', 'd'], ['b'], [], { name: 'first' }),
      makeNode('Relu', ['b'], ['c']),
      makeNode('Relu', ['c'], ['d'], [], { name: 'third' }),
      makeNode('Relu', ['d'], ['e'], [], { name: 'after' }),
    ];
    const { code, message } = failureOf(graphOf(nodes));
    expect(code).toBe('onnx-cycle');
    expect(message).toContain('"first" (Add)');
    expect(message).toContain('node 2 (Relu)');
    expect(message).toContain('"third"');
    expect(message).not.toMatch(/before|after/);
  });

  it('reports values that nothing makes, for nodes and outputs', () => {
    expect(failureOf(graphOf([makeNode('Relu', ['gone'], ['a'], [], { name: 'r' })]))).toMatchObject({
      code: 'onnx-undefined-value',
      where: 'gone',
      message: 'The value "gone" is used by node "r" (Relu), but nothing makes it.',
    });
    expect(failureOf(graphOf([], ['x'], ['nowhere']))).toMatchObject({ code: 'onnx-undefined-value' });
  });

  it.each([
    ['two nodes', graphOf([makeNode('Relu', ['x'], ['a']), makeNode('Abs', ['x'], ['a'])])],
    ['a node and an input', graphOf([makeNode('Relu', ['w'], ['x'])])],
    ['a node and an initializer', graphOf([makeNode('Relu', ['x'], ['w'])])],
    ['two inputs', graphOf([], ['x', 'x'])],
  ])('refuses a value defined by %s', (_name, graph) => {
    expect(failureOf(graph).code).toBe('onnx-duplicate-value');
  });

  it('leaves optional inputs and outputs out', () => {
    const index = indexGraph(graphOf([makeNode('Clip', ['x', '', 'w'], ['y', ''])]));
    expect(index.inputsOf(0)).toEqual(['x', 'w']);
    expect(index.producer.size).toBe(1);
  });

  it('counts what a subgraph captures as used by its node, through every level', () => {
    const inner = graphOf([makeNode('Add', ['local', 'deep'], ['r'])], [], ['r']);
    const branch = graphOf(
      [makeNode('Relu', ['taken'], ['local']), makeNode('If', ['cond'], ['s'], [makeGraph('then', inner)])],
      [],
      ['s'],
    );
    expect(capturedValues(branch)).toEqual(new Set(['taken', 'cond', 'deep']));
    const nodes = [
      makeNode('If', ['flag'], ['out'], [makeGraph('then_branch', branch)]),
      makeNode('Relu', ['x'], ['taken']),
    ];
    const index = indexGraph(graphOf(nodes, ['x', 'flag', 'cond', 'deep'], ['out']));
    expect(index.inputsOf(0)).toEqual(['flag', 'taken', 'cond', 'deep']);
    expect(index.consumers.get(valueName('taken'))).toEqual([0]);
    expect(index.order).toEqual([1, 0]);
  });

  it('knows sparse initializers, which pass through unread', () => {
    const bytes = officialBytes('ModelProto', {
      irVersion: 8n,
      opsetImport: [{ version: 13n }],
      graph: {
        node: [{ opType: 'Relu', input: ['thin'], output: ['y'] }],
        sparseInitializer: [{ values: { name: 'thin', dims: [0n], dataType: 1 }, dims: [4n] }],
      },
    });
    const index = indexGraph(parseModel(memorySource(bytes)).graph);
    expect(index.isConstant('thin')).toBe(true);
    expect(index.isConstant('y')).toBe(false);
  });

  it('orders a chain of 50,000 nodes given backwards', () => {
    const nodes = Array.from({ length: 50_000 }, (_, i) =>
      makeNode('Relu', [i === 49_999 ? 'x' : `v${i + 1}`], [`v${i}`]),
    );
    const { order } = indexGraph(graphOf(nodes));
    expect([order[0], order.at(-1)]).toEqual([49_999, 0]);
  });
});
