import { describe, expect, test } from 'vitest';
import { makeInt, makeNode } from '../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { singleValueCuts } from '../../../src/onnx/frontiers.ts';
import { type Model, type Node, type Tensor, valueName } from '../../../src/onnx/model.ts';
import { floatTensor, int64Tensor } from '../../../src/onnx/tensor.ts';
import { modelOf, tensorInfo, untypedInfo } from '../../fixtures/run-onnx.ts';

/** Files that would cost time or memory out of all proportion to their size, were there no limits. */
const viewOf = (model: Model) => buildGraphView(model, { modelId: 'm', fileName: 'm', fileBytes: 1 });

function graph(nodes: readonly Node[], output: string, initializers: readonly Tensor[] = []): Model {
  return modelOf({ nodes, initializers, inputs: [tensorInfo('x', [1, 4])], outputs: [untypedInfo(output)] });
}

describe('limits', () => {
  test('a chain of doublings stops being computed once it is large', () => {
    const nodes = Array.from({ length: 60 }, (_, at) =>
      makeNode('Concat', [`v${at}`, `v${at}`], [`v${at + 1}`], [makeInt('axis', 0)]),
    );
    const view = viewOf(graph(nodes, 'v60', [floatTensor('v0', [4], new Float32Array(4))]));
    expect(view.values.get(valueName('v49'))?.shape).toEqual([4 * 2 ** 49]);
    expect(view.values.get(valueName('v60'))?.shape).toBeNull();
    expect(view.nodes.length).toBeGreaterThan(40);
  });

  test('many large constants are only computed up to a budget', () => {
    const nodes = Array.from({ length: 2_000 }, (_, at) => makeNode('Neg', ['big'], [`v${at}`]));
    const sum = makeNode(
      'Sum',
      nodes.map(({ outputs }) => outputs[0] as string),
      ['y'],
    );
    const view = viewOf(
      graph([...nodes, sum], 'y', [floatTensor('big', [65_536], new Float32Array(65_536))]),
    );
    expect(view.nodes.length).toBeGreaterThan(1_900);
  });

  test('a shape of thousands of dimensions is refused, and the node is named', () => {
    const ones = int64Tensor(
      'ones',
      [60_000],
      Array.from({ length: 60_000 }, () => 1),
    );
    const nodes = Array.from({ length: 2_000 }, (_, at) =>
      makeNode('Reshape', ['x', 'ones'], [`v${at}`], [], { name: `r${at}` }),
    );
    const view = viewOf(graph(nodes, 'v1999', [ones]));
    expect(view.warnings[0]).toBe('r0: input 1 lists 60000 dims, more than 64');
    expect(view.warnings.length).toBeLessThan(40);
  });

  test('sizes that no tensor can have are refused', () => {
    const view = viewOf(
      graph([makeNode('ConstantOfShape', ['dims'], ['y'], [], { name: 'c' })], 'y', [
        int64Tensor('dims', [1], [-3]),
      ]),
    );
    expect(view.warnings).toEqual(['c: its output would have the size -3']);
  });

  test('a graph where every value waits for the end keeps its small cuts', () => {
    const count = 20_000;
    const nodes = Array.from({ length: count }, (_, at) =>
      makeNode('Relu', [at === 0 ? 'x' : `v${at - 1}`], [`v${at}`]),
    );
    const sum = makeNode(
      'Sum',
      nodes.map(({ outputs }) => outputs[0] as string),
      ['s'],
    );
    const tail = [makeNode('Neg', ['s'], ['t']), makeNode('Relu', ['t'], ['y'])];
    const view = viewOf(graph([...nodes, sum, ...tail], 'y'));
    expect(view.frontiers.reduce((listed, { crossing }) => listed + crossing.length, 0)).toBeLessThan(
      1_200_000,
    );
    expect(singleValueCuts(view.frontiers).map(({ crossing }) => crossing[0])).toEqual(['v0', 's', 't']);
  });

  test('thousands of outputs do not make thousands of walks', () => {
    const nodes = Array.from({ length: 5_000 }, (_, at) =>
      makeNode('Relu', [at === 0 ? 'x' : `v${at - 1}`], [`v${at}`]),
    );
    const model = graph(nodes, 'v4999');
    const outputs = nodes.flatMap((node) => node.outputs.map((name) => tensorInfo(name, [1, 4])));
    const view = viewOf({ ...model, graph: { ...model.graph, outputs } });
    expect(view.exits).toMatchObject([{ output: 'v4999', node: 4_999 }]);
  });
});
