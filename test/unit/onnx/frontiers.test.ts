import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { makeInts, makeNode } from '../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { singleValueCuts } from '../../../src/onnx/frontiers.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import type { Model } from '../../../src/onnx/model.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { modelOf, tensorInfo } from '../../fixtures/run-onnx.ts';

const viewOf = (model: Model): GraphView =>
  buildGraphView(model, { modelId: 'm', fileName: 'm', fileBytes: 1 });

/** A graph of additions; node i reads two earlier values, chosen by the seed list. */
const randomGraph = fc
  .array(fc.tuple(fc.nat({ max: 5 }), fc.nat({ max: 5 })), { minLength: 1, maxLength: 30 })
  .map((reaches) => {
    const values = ['x', 'z'];
    const nodes = reaches.map(([a, b], at) => {
      const reach = (back: number) => values[Math.max(0, values.length - 1 - back)] as string;
      const node = makeNode('Add', [reach(a), reach(b)], [`v${at}`]);
      values.push(`v${at}`);
      return node;
    });
    const used = new Set(nodes.flatMap(({ inputs }) => inputs as readonly string[]));
    const outputs = nodes
      .flatMap(({ outputs }) => outputs as readonly string[])
      .filter((name) => !used.has(name));
    return modelOf({
      nodes,
      inputs: [tensorInfo('x', [1, 4]), tensorInfo('z', [1, 4])],
      outputs: outputs.map((name) => tensorInfo(name, [1, 4])),
    });
  });

describe('for any graph', () => {
  test('what crosses a frontier is what was there before and is read after, by definition', () => {
    fc.assert(
      fc.property(randomGraph, (model) => {
        const view = viewOf(model);
        for (const { afterNode, crossing, bytes } of view.frontiers) {
          const before = new Set<string>(view.inputs);
          for (const node of view.nodes.slice(0, afterNode + 1))
            for (const name of node.outputs) before.add(name);
          const after = new Set(
            view.nodes.slice(afterNode + 1).flatMap(({ inputs }) => inputs as readonly string[]),
          );
          expect([...crossing].toSorted()).toEqual([...before].filter((name) => after.has(name)).toSorted());
          expect(bytes).toBe(16 * crossing.length);
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  test('blocks are a partition in order, and every node comes after what it reads', () => {
    fc.assert(
      fc.property(randomGraph, (model) => {
        const view = viewOf(model);
        const covered = view.blocks.flatMap(({ firstNode, lastNode }) =>
          view.nodes.slice(firstNode, lastNode + 1).map(({ index }) => index),
        );
        expect(covered).toEqual(view.nodes.map(({ index }) => index));
        for (const { from, to } of view.edges) if (to >= 0) expect(from).toBeLessThan(to);
      }),
      { numRuns: 300, seed: 2 },
    );
  });
});

test('a frontier is legal only if something was computed before it and something comes after', () => {
  const view = viewOf(
    modelOf({
      nodes: [
        makeNode('Neg', ['x'], ['side']),
        makeNode('Relu', ['x'], ['a']),
        makeNode('Relu', ['a'], ['b']),
      ],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('side', [1, 4]), tensorInfo('b', [1, 4])],
    }),
  );
  // After Neg only the model's own input is needed further on: nothing was gained by stopping here.
  expect(view.frontiers.map(({ legal }) => legal)).toEqual([false, true, false]);
  expect(singleValueCuts(view.frontiers).map(({ crossing }) => crossing)).toEqual([['a']]);
});

test('a value that crosses before and after the head of an exit is one cut, the earlier', () => {
  const view = viewOf(
    modelOf({
      nodes: [
        makeNode('Relu', ['x'], ['body']),
        makeNode('Neg', ['body'], ['head']),
        makeNode('Neg', ['head'], ['early']),
        makeNode('Abs', ['body'], ['late']),
      ],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('early', [1, 4]), tensorInfo('late', [1, 4])],
    }),
  );
  expect(singleValueCuts(view.frontiers)).toMatchObject([{ afterNode: 0, crossing: ['body'] }]);
});

test('exits come in order of work, each with the work of what it needs', () => {
  const weight = (name: string, ...dims: number[]) =>
    floatTensor(name, dims, new Float32Array(dims.reduce((a, b) => a * b, 1)));
  const view = viewOf(
    modelOf({
      nodes: [
        makeNode('MatMul', ['x', 'w1'], ['body']),
        makeNode('MatMul', ['body', 'w2'], ['late']),
        makeNode('MatMul', ['body', 'w3'], ['scores']),
        makeNode('Softmax', ['scores'], ['early']),
      ],
      initializers: [weight('w1', 4, 8), weight('w2', 8, 100), weight('w3', 8, 3)],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('late', [1, 100]), tensorInfo('early', [1, 3])],
    }),
  );
  expect(view.exits).toEqual([
    { index: 0, output: 'early', node: 3, macs: 32 + 24, params: 32 + 24, scores: 'probabilities' },
    { index: 1, output: 'late', node: 1, macs: 32 + 800, params: 32 + 800, scores: 'logits' },
  ]);
});

test('a shared weight counts once in the totals and at each reader in its node', () => {
  const view = viewOf(
    modelOf({
      nodes: [makeNode('MatMul', ['x', 'w'], ['a']), makeNode('MatMul', ['a', 'w'], ['y'])],
      initializers: [floatTensor('w', [4, 4], new Float32Array(16))],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('y', [1, 4])],
    }),
  );
  expect(view.totals).toMatchObject({ params: 16, weightBytes: 64, macs: 32 });
  expect(view.nodes.map(({ params }) => params)).toEqual([16, 16]);
  expect(view.frontiers.map(({ weightBytesBefore }) => weightBytesBefore)).toEqual([64, 64]);
});

test('constants that only say what to do are no parameters', () => {
  const view = viewOf(
    modelOf({
      nodes: [
        makeNode('Clip', ['x', 'low', 'high'], ['a']),
        makeNode('Pow', ['a', 'two'], ['b']),
        makeNode('Mul', ['b', 'scale'], ['y']),
        makeNode('ReduceMean', ['y'], ['z'], [makeInts('axes', [1])]),
      ],
      initializers: [
        floatTensor('low', [], Float32Array.of(0)),
        floatTensor('high', [], Float32Array.of(6)),
        floatTensor('two', [], Float32Array.of(2)),
        floatTensor('scale', [4], new Float32Array(4)),
      ],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('z', [1, 1])],
    }),
  );
  expect(view.totals.params).toBe(4);
});

test('names from a file are kept as they are, even those that objects treat as their own', () => {
  const view = viewOf(
    modelOf({
      nodes: [
        makeNode('Relu', ['__proto__'], ['constructor']),
        makeNode('Relu', ['constructor'], ['<b>y</b>']),
      ],
      inputs: [tensorInfo('__proto__', [1, 4])],
      outputs: [tensorInfo('<b>y</b>', [1, 4])],
    }),
  );
  expect([...view.values.keys()]).toEqual(['__proto__', 'constructor', '<b>y</b>']);
  expect(view.edges).toHaveLength(3);
  expect(structuredClone(view)).toEqual(view);
});
