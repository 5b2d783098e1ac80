import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { makeInt, makeInts, makeNode } from '../../../src/onnx/attributes.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { checkRunnable } from '../../../src/onnx/check-runnable.ts';
import { DataType, type Model } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { floatTensor, int64Tensor } from '../../../src/onnx/tensor.ts';
import { buildVariant, checkRecipe } from '../../../src/transforms/build-variant.ts';
import { placeCuts } from '../../../src/transforms/cuts/placed-cut.ts';
import { placementOf } from '../../../src/transforms/placement.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { expectedWork } from '../../../src/study/placement/expected-work.ts';
import { feed, modelOf, tensorInfo, untypedInfo } from '../../fixtures/run-onnx.ts';
import { fileBytes, floatsOf, relativeDifference, runVariant } from './run-variant.ts';

const weight = floatTensor(
  'w',
  [4, 4],
  Float32Array.from({ length: 16 }, (_, at) => at / 16),
);
const x = tensorInfo('x', [1, 4]);
const gemm = (from: string, to: string) => makeNode('MatMul', [from, 'w'], [to]);

/** Models at the edge of what a graph can be. */
const models: Readonly<Record<string, Model>> = {
  'no nodes: the output is the input': modelOf({ nodes: [], inputs: [x], outputs: [x] }),
  'no nodes: the output is an initializer': modelOf({
    nodes: [],
    inputs: [x],
    outputs: [tensorInfo('w', [4, 4])],
    initializers: [weight],
  }),
  'nothing at all': modelOf({ nodes: [], inputs: [], outputs: [] }),
  'no input': modelOf({
    nodes: [makeNode('Relu', ['w'], ['y'])],
    inputs: [],
    outputs: [tensorInfo('y', [4, 4])],
    initializers: [weight],
  }),
  'no output': modelOf({ nodes: [gemm('x', 'y')], inputs: [x], outputs: [], initializers: [weight] }),
  'an initializer among the outputs': modelOf({
    nodes: [gemm('x', 'a'), gemm('a', 'y')],
    inputs: [x],
    outputs: [tensorInfo('y', [1, 4]), tensorInfo('w', [4, 4])],
    initializers: [weight],
  }),
  'an initializer as the last output of all': modelOf({
    nodes: [gemm('x', 'a'), gemm('a', 'y')],
    inputs: [x],
    outputs: [tensorInfo('w', [4, 4]), tensorInfo('y', [1, 4])],
    initializers: [weight],
  }),
  'an output that is an input, too': modelOf({
    nodes: [gemm('x', 'a'), gemm('a', 'y')],
    inputs: [x],
    outputs: [x, tensorInfo('y', [1, 4])],
    initializers: [weight],
  }),
  'an output that other nodes use': modelOf({
    nodes: [gemm('x', 'a'), makeNode('Relu', ['a'], ['b']), gemm('b', 'y')],
    inputs: [x],
    outputs: [tensorInfo('a', [1, 4]), tensorInfo('y', [1, 4])],
    initializers: [weight],
  }),
  'values without elements': modelOf({
    nodes: [
      makeNode('Slice', ['x', 'zero', 'zero', 'one'], ['none']),
      makeNode('Relu', ['none'], ['still']),
      makeNode('Concat', ['x', 'still'], ['a'], [makeInt('axis', 1)]),
      gemm('a', 'y'),
    ],
    inputs: [x],
    outputs: [tensorInfo('y', [1, 4])],
    initializers: [weight, int64Tensor('zero', [1], [0]), int64Tensor('one', [1], [1])],
  }),
  'an input without elements': modelOf({
    nodes: [makeNode('Relu', ['x'], ['a']), makeNode('Sigmoid', ['a'], ['y'])],
    inputs: [tensorInfo('x', [1, 0])],
    outputs: [tensorInfo('y', [1, 0])],
  }),
  'weights without elements': modelOf({
    nodes: [makeNode('Concat', ['x', 'none'], ['a'], [makeInt('axis', 1)]), gemm('a', 'y')],
    inputs: [x],
    outputs: [tensorInfo('y', [1, 4])],
    initializers: [weight, floatTensor('none', [1, 0], new Float32Array(0))],
  }),
  'scalars from end to end': modelOf({
    nodes: [makeNode('Mul', ['s', 's'], ['a']), makeNode('Sqrt', ['a'], ['y'])],
    inputs: [tensorInfo('s', [])],
    outputs: [tensorInfo('y', [])],
  }),
  'a scalar that crosses': modelOf({
    nodes: [
      makeNode('ReduceMean', ['x'], ['m'], [makeInts('axes', [0, 1]), makeInt('keepdims', 0)]),
      makeNode('Mul', ['x', 'm'], ['a']),
      gemm('a', 'y'),
    ],
    inputs: [x],
    outputs: [tensorInfo('y', [1, 4])],
    initializers: [weight],
  }),
  'types that nobody tells': modelOf({
    nodes: [makeNode('Mystery', ['x'], ['a'], [], { domain: 'my.ops' }), makeNode('Relu', ['a'], ['y'])],
    inputs: [untypedInfo('x')],
    outputs: [untypedInfo('y')],
  }),
  'two inputs, one of tokens': modelOf({
    nodes: [
      makeNode('Gather', ['w', 'ids'], ['rows']),
      makeNode('ReduceMean', ['rows'], ['mean'], [makeInts('axes', [1]), makeInt('keepdims', 0)]),
      makeNode('Add', ['mean', 'x'], ['a']),
      gemm('a', 'y'),
    ],
    inputs: [x, tensorInfo('ids', ['N', 'tokens'], DataType.int64)],
    outputs: [tensorInfo('y', [1, 4])],
    initializers: [weight],
  }),
};

const recipes: readonly Recipe[] = [
  [{ op: 'identity' }],
  [{ op: 'early-exit', kind: 'existing', exit: 0 }],
  [{ op: 'early-exit', kind: 'existing', threshold: 0.5 }],
  [{ op: 'early-exit', kind: 'existing', threshold: 0.5, form: 'if' }],
  [{ op: 'early-exit', kind: 'skip', blocks: 1 }],
  ...['a', 'm', 'none', 'still', 'rows', 'x', 'y', 'w'].map(
    (cut): Recipe => [{ op: 'partition', cut, transfer: 'uint8' }],
  ),
  [{ op: 'partition', cut: ['a', 'x'] }],
  [{ op: 'partition', cut: 'equal-size' }],
  [{ op: 'partition', cut: 'fewest-bytes' }],
  [{ op: 'partition', cut: 'fastest' }],
  [{ op: 'quantize', mode: 'dynamic' }],
  [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }],
];

/** What a refusal says; null if there was none. */
function refusal(work: () => void): string | null {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure.message;
    throw thrown;
  }
  return null;
}

describe.each(Object.entries(models))('%s', (_name, made) => {
  const model = parseModel(memorySource(modelToBytes(made)), 'edge.onnx');
  const view = buildGraphView(model, { modelId: '', fileName: 'edge.onnx', fileBytes: 0 });

  test('is read, shown and costed', () => {
    checkRunnable(model);
    expect(view.nodes.length).toBeLessThanOrEqual(made.graph.nodes.length);
    expect(view.totals.macs).toBeGreaterThanOrEqual(0);
    expect([...view.values.values()].every(({ bytes }) => bytes === null || bytes >= 0)).toBe(true);
  });

  test('takes every recipe, or says why not; what is built can be read', () => {
    for (const recipe of recipes) {
      const [step] = recipe;
      placementOf(recipe, view);
      expectedWork(view, recipe);
      if (step?.op === 'partition') placeCuts(view, step, {});
      const refused = refusal(() => checkRecipe(model, recipe));
      if (refused !== null) {
        expect(refused).not.toBe('');
        continue;
      }
      const variant = buildVariant(model, recipe, { baseName: 'm', now: () => 0 });
      for (const file of variant.files) {
        const part = parseModel(memorySource(fileBytes(file)), file.name);
        buildGraphView(part, { modelId: '', fileName: file.name, fileBytes: file.bytes });
      }
    }
  });

  const [input] = made.graph.inputs;
  const isPlain = input?.name === 'x' && input.type.kind === 'tensor' && input.type.shape?.join() === '1,4';
  const isRunnable = isPlain && made.graph.inputs.length === 1 && made.graph.outputs.length > 0;
  if (!isRunnable) return;
  test('computes the same in the real runtime, cut where it can be', async () => {
    const given = feed([1, 4]);
    const whole = buildVariant(model, [{ op: 'identity' }], { baseName: 'm', now: () => 0 });
    const { name: output } = whole.plan.output;
    const answers = await runVariant(whole, given);
    if (!answers.has(output)) throw new Error(`${output} is missing`);
    const wanted = floatsOf(answers, output);
    for (const recipe of recipes.filter(([step]) => step?.op === 'partition')) {
      if (refusal(() => checkRecipe(model, recipe)) !== null) continue;
      const parts = buildVariant(model, recipe, { baseName: 'm', now: () => 0 });
      const found = floatsOf(await runVariant(parts, given), output);
      expect(relativeDifference(found, wanted)).toBeLessThan(
        recipe[0]?.op === 'partition' && recipe[0].transfer ? 0.02 : 1e-5,
      );
    }
  });
});
