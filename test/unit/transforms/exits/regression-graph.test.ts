import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { modelToBytes } from '../../../../src/onnx/serialize.ts';
import {
  crossEntropyBy,
  type RegressionRuntime,
  regressionModel,
} from '../../../../src/transforms/exits/regression-graph.ts';
import { plainCrossEntropyOf } from '../../../../src/transforms/exits/softmax-regression.ts';
import { trainHead, type TrainingSet } from '../../../../src/transforms/exits/train-head.ts';

let sessions: readonly InferenceSession[] = [];
beforeAll(async () => {
  sessions = await Promise.all(
    [false, true].map((withGradient) =>
      InferenceSession.create(modelToBytes(regressionModel(withGradient)), { intraOpNumThreads: 1 }),
    ),
  );
});

let runs = 0;
const run: RegressionRuntime = async ({ images, width, classes, ...feeds }, withGradient) => {
  runs++;
  const values = await sessions[Number(withGradient)]?.run({
    rows: new Tensor('float32', feeds.rows, [images, width]),
    targets: new Tensor('int32', feeds.targets, [images]),
    weights: new Tensor('float32', feeds.weights, [classes, width]),
    bias: new Tensor('float32', feeds.bias, [classes]),
  });
  const floats = (name: string) => values?.[name]?.data as Float32Array;
  return {
    likelihood: floats('likelihood'),
    right: floats('right'),
    gradient: withGradient ? { weights: floats('weights_gradient'), bias: floats('bias_gradient') } : null,
  };
};

describe('softmax regression as an ONNX model', () => {
  const random = seededRandom(8);
  const uniform = () => random() - 0.5;
  const [images, width, classes] = [150, 13, 7];
  const part = {
    rows: Float32Array.from({ length: images * width }, () => 4 * uniform()),
    targets: Int32Array.from({ length: images }, () => Math.floor(classes * random())),
  };
  const shape = { width, classes };
  const parameters = Float64Array.from({ length: classes * (width + 1) }, uniform);

  test.each([
    { mostNumbers: 2e6, blocks: 1 },
    { mostNumbers: 1, blocks: 3 },
  ])('tells what plain loops tell, in $blocks blocks', async ({ mostNumbers, blocks }) => {
    const [plain, graph] = [plainCrossEntropyOf(part, shape), crossEntropyBy(run, mostNumbers)(part, shape)];
    const [wanted, found] = [new Float64Array(parameters.length), new Float64Array(parameters.length)];
    const fit = await plain(parameters, wanted);
    runs = 0;
    const told = await graph(parameters, found);
    expect(runs).toBe(blocks);
    expect(told.accuracy).toBe(fit.accuracy);
    expect(told.loss).toBeCloseTo(fit.loss, 6);
    found.forEach((each, at) => expect(each).toBeCloseTo(wanted[at] as number, 6));
    const { loss } = await graph(parameters, null);
    expect(loss).toBeCloseTo(told.loss, 12);
  });

  test('of equal scores the first counts, as everywhere', async () => {
    const nothing = new Float64Array(parameters.length);
    const fit = await plainCrossEntropyOf(part, shape)(nothing, null);
    expect(await crossEntropyBy(run)(part, shape)(nothing, null)).toEqual({
      accuracy: fit.accuracy,
      loss: expect.closeTo(Math.log(classes), 6) as number,
    });
  });

  test('heads trained with it are right as often, and are the same every time', async () => {
    const centres = Array.from({ length: classes * width }, () => 2 * uniform());
    const set: TrainingSet = {
      features: part.rows.map(
        (value, at) =>
          value / 2 + (centres[(part.targets[Math.floor(at / width)] ?? 0) * width + (at % width)] ?? 0),
      ),
      width,
      targets: part.targets,
      classCount: classes,
      fewImages: 'refuse',
    };
    const plain = await trainHead(set, { seed: 1 });
    const byGraph = await trainHead(set, { seed: 1, crossEntropyOf: crossEntropyBy(run) });
    expect(plain.best.validationAccuracy).toBeGreaterThan(0.4);
    expect(byGraph.best.validationAccuracy).toBe(plain.best.validationAccuracy);
    expect(byGraph.best.validationLoss).toBeCloseTo(plain.best.validationLoss, 4);
    expect(byGraph.decay).toBe(plain.decay);
    expect(await trainHead(set, { seed: 1, crossEntropyOf: crossEntropyBy(run) })).toEqual(byGraph);
  });
});
