import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Tensor } from 'onnxruntime-node';
import { describe, expect, test } from 'vitest';
import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import { foldConstants } from '../../src/onnx/fold.ts';
import type { Model, ValueName } from '../../src/onnx/model.ts';
import { inferShapes } from '../../src/onnx/shape-inference.ts';
import { dataTypeName } from '../../src/onnx/tensor.ts';
import { feed, runModel, untypedInfo } from '../fixtures/run-onnx.ts';

const models = fileURLToPath(new URL('../../../shared/models/', import.meta.url));
const missing = !existsSync(models);

/** Nodes in the file and after folding, then multiply-accumulates; MACs as in the models' publications. */
const expected: readonly [string, { fileNodes: number; nodes: number; macs: number; params: number }][] = [
  ['cifar10_resnet20.onnx', { fileNodes: 106, nodes: 56, macs: 40_551_040, params: 269_034 }],
  ['cifar10_resnet56.onnx', { fileNodes: 196, nodes: 146, macs: 125_485_696, params: 850_986 }],
  [
    'mlperftiny_pretrainedResnet_large_float.onnx',
    { fileNodes: 23, nodes: 23, macs: 76_473_920, params: 480_330 },
  ],
  [
    'mobilenet_v2_1.0_224_quant_deq.onnx',
    { fileNodes: 101, nodes: 101, macs: 300_775_552, params: 3_489_097 },
  ],
  ['mnist-8.onnx', { fileNodes: 12, nodes: 11, macs: 786_560, params: 5_994 }],
  ['camvid_espnet_p2q8.onnx', { fileNodes: 196, nodes: 194, macs: 1_335_320_100, params: 358_073 }],
];

const light = [
  'bvlc_alexnet',
  'densenet121',
  'inception_v1',
  'inception_v2',
  'resnet50',
  'shufflenet',
  'squeezenet',
  'vgg19',
  'zfnet512',
].map((name) => `light/light_${name}.onnx`);

function open(file: string) {
  return openModelArgument(`${models}${file}`);
}

function viewOf(file: string) {
  const { model, fileName, fileBytes } = open(file);
  return buildGraphView(model, { modelId: file, fileName, fileBytes });
}

function inputOf(file: string): Record<string, Tensor> {
  const view = viewOf(file);
  const [name] = view.inputs;
  const shape = view.values.get(name as ValueName)?.shape as readonly number[];
  return { [name as string]: feed(shape, (index) => Math.sin(index) * 0.5) };
}

/** Every value as an output, for a runtime that only gives what is declared. */
function revealing(model: Model): Model {
  const declared = new Set(model.graph.outputs.map(({ name }) => name));
  const values = model.graph.nodes
    .flatMap(({ outputs }) => outputs.slice(0, 1))
    .filter((name) => !declared.has(name));
  return {
    ...model,
    graph: { ...model.graph, outputs: [...model.graph.outputs, ...values.map(untypedInfo)] },
  };
}

async function expectSameOutputs(file: string): Promise<void> {
  const { model } = open(file);
  const before = await runModel(model, inputOf(file));
  const after = await runModel(foldConstants(model).model, inputOf(file));
  expect([...after.keys()]).toEqual([...before.keys()]);
  for (const [name, { dims, data }] of before) {
    const found = after.get(name);
    expect(found?.dims).toEqual(dims);
    const values = Array.from(data as ArrayLike<number>);
    const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
    const difference = values.reduce(
      (largest, value, at) => Math.max(largest, Math.abs(value - (found?.data[at] as number))),
      0,
    );
    // The runtime sums in another order once it sees that a weight is constant.
    expect(difference).toBeLessThanOrEqual(1e-6 * scale);
  }
}

describe.skipIf(missing)('the shared trained models', () => {
  test.each(expected)('%s has the known size and work', (file, { fileNodes, nodes, macs, params }) => {
    const view = viewOf(file);
    expect(view.totals).toMatchObject({ fileNodes, macs, params });
    expect(view.nodes).toHaveLength(nodes);
    expect(view.warnings).toEqual([]);
    expect([...view.values.values()].filter((value) => value.bytes === null)).toEqual([]);
  });

  test.each(expected.map(([file]) => file))('%s: every value has the shape a run gives it', async (file) => {
    const { model } = open(file);
    const inferred = inferShapes(model);
    const ran = await runModel(revealing(model), inputOf(file));
    for (const [name, { type, dims }] of ran) {
      const facts = inferred.get(name as ValueName);
      expect([name, dataTypeName(facts?.dataType ?? 0), facts?.shape]).toEqual([name, type, dims]);
    }
  });

  test.each(expected.map(([file]) => file))('%s: folded, it computes the same', (file) =>
    expectSameOutputs(file),
  );
});

describe.skipIf(missing)('the light models, whose weights are made by ConstantOfShape', () => {
  test.each(light)('%s folds to its layers, with all shapes known', (file) => {
    const { model } = open(file);
    const view = viewOf(file);
    expect(view.warnings).toEqual([]);
    expect(view.nodes.filter(({ opType }) => opType === 'ConstantOfShape')).toEqual([]);
    expect([...view.values.values()].filter((value) => value.bytes === null)).toEqual([]);
    expect(view.inputs).toHaveLength(1);
    expect(view.totals.macs).toBeGreaterThan(0);
    expect(foldConstants(model).model.graph.outputs).toEqual(model.graph.outputs);
  });

  test('SqueezeNet folded computes what the file computes', () =>
    expectSameOutputs('light/light_squeezenet.onnx'));
});
