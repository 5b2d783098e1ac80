import { describe, expect, it } from 'vitest';
import { defined } from '../../../../../src/base/assert.ts';
import { InputError } from '../../../../../src/base/result.ts';
import { makeModel, tensorInfo } from '../../../../../src/onnx/make-model.ts';
import { parseCalibrations, serialiseCalibrations } from '../../../../../src/study/calibration-json.ts';
import { imagesToCalibrateWith, splitImages } from '../../../../../src/study/evaluation-images.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import { NO_HEADS } from '../../../../../src/transforms/exits/trained-head.ts';
import {
  type Calibration,
  calibratedKey,
  calibrationKey,
  keyOfCalibration,
  mergedCalibration,
} from '../../../../../src/transforms/quantize/calibrate/calibration.ts';
import { calibrationModel } from '../../../../../src/transforms/quantize/calibrate/calibration-model.ts';
import type { StaticQuantizeOperator } from '../../../../../src/transforms/quantize/quantize-operator.ts';
import type { Operator } from '../../../../../src/transforms/recipe.ts';
import { makeNode } from '../../../../../src/onnx/attributes.ts';
import { twoExitModel } from '../../../../fixtures/tiny-models.ts';
import { feed, runModel } from '../../../../fixtures/run-onnx.ts';

const quantize: Operator = { op: 'quantize', mode: 'static' };
const prune: Operator = { op: 'prune', kind: 'unstructured', ratio: 0.5 };
const partition: Operator = { op: 'partition', cut: 'stem_sum' };

const calibration: Calibration = {
  modelId: 'model',
  datasetId: 'data',
  before: '',
  method: { kind: 'percentile', percentile: 99.9, bins: 2048, symmetric: true },
  samples: 128,
  images: 100,
  ranges: new Map([
    ['__proto__', { low: -1.5, high: Math.fround(0.1) }],
    ['<b>', { low: 0, high: 0 }],
  ]),
  notFinite: ['broken'],
  warnings: ['few'],
};

describe('the model that is calibrated', () => {
  const original = analyseModel(twoExitModel());

  it('shows the values that quantizing needs, as the float model has them', async () => {
    const observed = calibrationModel(original, [quantize], NO_HEADS);
    expect(observed.inputs).toEqual(['image']);
    // Activations are folded into the range of what they read.
    expect(observed.values).toContain('stem');
    expect(observed.values).toContain('final');
    const input = { image: feed([1, 1, 8, 8]) };
    const [shown, whole] = [await runModel(observed.model, input), await runModel(twoExitModel(), input)];
    expect([...shown.keys()]).toEqual(observed.values);
    expect(shown.get('final')).toEqual(defined(whole.get('final'), 'final'));
  });

  it('needs more values where a cut separates an activation from what it reads', () => {
    expect(calibrationModel(original, [quantize], NO_HEADS).values).not.toContain('stem_sum');
    expect(calibrationModel(original, [quantize, partition], NO_HEADS).values).toContain('stem_sum');
  });

  it('is pruned before, where the recipe prunes before', async () => {
    const pruned = calibrationModel(original, [prune, quantize], NO_HEADS);
    const input = { image: feed([1, 1, 8, 8]) };
    const [before, after] = [
      await runModel(calibrationModel(original, [quantize], NO_HEADS).model, input),
      await runModel(pruned.model, input),
    ];
    expect(after.get('final')?.data).not.toEqual(before.get('final')?.data);
  });

  it('is refused where nothing is quantized', () => {
    const bare = makeModel({
      name: 'bare',
      nodes: [makeNode('Sin', ['x'], ['y'])],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('y', [1, 4])],
    });
    expect(() => calibrationModel(analyseModel(bare), [quantize], NO_HEADS)).toThrow(InputError);
    expect(() => calibrationModel(original, [prune], NO_HEADS)).toThrow('no static quantize operator');
  });
});

describe('the key of a calibrated model', () => {
  it('changes with what changes values before quantizing, and with nothing else', () => {
    const stop: Operator = { op: 'early-exit', kind: 'existing', threshold: 0.5 };
    expect(calibratedKey([quantize])).toBe('');
    expect(calibratedKey([{ op: 'identity' }, stop, partition, quantize])).toBe('');
    expect(calibratedKey([prune, quantize])).not.toBe('');
    expect(calibratedKey([prune, stop, quantize])).toBe(calibratedKey([prune, quantize]));
    const skip: Operator = { op: 'early-exit', kind: 'skip' };
    expect(calibratedKey([skip, quantize])).not.toBe('');
    expect(calibratedKey([quantize, skip])).toBe('');
    const exit = (threshold: number): Operator => ({
      op: 'early-exit',
      kind: 'trained',
      at: ['stem'],
      threshold,
    });
    expect(calibratedKey([exit(0.5), quantize])).toBe(calibratedKey([exit(0.9), quantize]));
    expect(calibratedKey([exit(0.5), quantize, skip])).toBe('');
  });
});

describe('the name of a calibration', () => {
  it('is that of what its recipe needs', () => {
    const asked: StaticQuantizeOperator = {
      op: 'quantize',
      mode: 'static',
      calibration: 'percentile',
      percentile: 99.9,
    };
    expect(calibrationKey([asked], asked)).toBe(keyOfCalibration(calibration));
    expect(calibrationKey([prune, asked], asked)).not.toBe(keyOfCalibration(calibration));
    const others: Partial<StaticQuantizeOperator>[] = [
      { percentile: 99 },
      { samples: 64 },
      { symmetric: false },
    ];
    for (const change of others)
      expect(calibrationKey([asked], { ...asked, ...change })).not.toBe(keyOfCalibration(calibration));
    // Which nodes are quantized and how changes no range.
    expect(calibrationKey([asked], { ...asked, exclude: ['a'], weights: 'u8', format: 'qoperator' })).toBe(
      keyOfCalibration(calibration),
    );
  });
});

describe('calibration.json', () => {
  it('gives back what was written', () => {
    expect(parseCalibrations(serialiseCalibrations([calibration]))).toEqual([calibration]);
  });

  it.each([
    ['not JSON', 'x', 'found no JSON'],
    ['another format', '{"format":"paretoscope-heads","calibrations":[]}', 'format'],
    ['a range the wrong way round', edited({ ranges: [{ value: 'a', low: 2, high: 1 }] }), 'ranges[0].low'],
    ['a range without a number', edited({ ranges: [{ value: 'a', low: null, high: 1 }] }), 'ranges[0].low'],
    ['an unknown method', edited({ method: { kind: 'guess' } }), 'calibrations[0].method.kind'],
    ['ranges that are no list', edited({ ranges: {} }), 'calibrations[0].ranges'],
  ])('refuses %s, saying where', (_, text, where) => {
    expect(() => parseCalibrations(text)).toThrow(where);
  });

  it('can be added to', () => {
    const more = { ...calibration, ranges: new Map([['other', { low: 0, high: 1 }]]), notFinite: [] };
    const merged = mergedCalibration(calibration, more);
    expect([...merged.ranges.keys()]).toEqual(['__proto__', '<b>', 'other']);
    expect(merged.notFinite).toEqual(['broken']);
  });
});

function edited(change: object): string {
  const file = JSON.parse(serialiseCalibrations([calibration])) as { calibrations: object[] };
  return JSON.stringify({ ...file, calibrations: [{ ...file.calibrations[0], ...change }] });
}

describe('the images to calibrate with', () => {
  const labels = Array.from({ length: 400 }, (_, image) => image % 4);

  it('are of the training half, of each class as many', () => {
    const images = imagesToCalibrateWith(labels, 128);
    const training = new Set(splitImages(labels).training);
    expect(images.every((image) => training.has(image))).toBe(true);
    expect([0, 1, 2, 3].map((label) => images.filter((image) => labels[image] === label).length)).toEqual([
      32, 32, 32, 32,
    ]);
    expect(images).toEqual([...new Set(images)].sort((a, b) => a - b));
  });

  it('are filled up from the other half where there are too few, and end with all there are', () => {
    const training = splitImages(labels).training;
    const images = imagesToCalibrateWith(labels, 300);
    expect(images).toHaveLength(300);
    expect(training.every((image) => images.includes(image))).toBe(true);
    expect(imagesToCalibrateWith(labels, 5000)).toHaveLength(400);
    expect(imagesToCalibrateWith([], 128)).toEqual([]);
    expect(imagesToCalibrateWith([null], 128)).toEqual([0]);
  });
});
