import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import type { Dataset } from '../../../src/data/dataset.ts';
import { describeMisfit } from '../../../src/data/describe-misfit.ts';
import { candidatePreprocessings, guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { givenPreprocessing, PREPROCESSING_KEY } from '../../../src/data/preprocessing-metadata.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { valueName } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';

type Dims = readonly (number | string | null)[] | null;

/** A view with one input and one output, as far as guessing looks. */
function view(
  input: Dims,
  output: Dims,
  facts: {
    producer?: string;
    dataType?: string;
    first?: string;
    inputs?: readonly string[];
    metadata?: Readonly<Record<string, string>>;
  } = {},
): GraphView {
  const inputs = (facts.inputs ?? ['image']).map(valueName);
  const scores = valueName('scores');
  const value = (name: string, shape: Dims, dataType = 'float32') => ({
    name: valueName(name),
    dataType,
    shape,
    bytes: null,
  });
  return {
    modelId: 'm',
    fileName: 'm.onnx',
    fileBytes: 1,
    irVersion: 8,
    opsets: [],
    producer: facts.producer ?? 'pytorch 2.0',
    metadata: Object.entries(facts.metadata ?? {}).map(([key, text]) => ({ key, value: text })),
    values: new Map([
      ...inputs.map((name) => [name, value(name, input, facts.dataType)] as const),
      [scores, value(scores, output)],
    ]),
    inputs,
    outputs: [scores],
    nodes: [
      {
        index: 0,
        name: '',
        opType: facts.first ?? 'Conv',
        domain: '',
        known: true,
        attributes: [],
        weights: [],
        inputs,
        outputs: [scores],
        params: 0,
        macs: 0,
        weightBytes: 0,
        activationBytes: 0,
      },
    ],
    edges: [],
    blocks: [],
    frontiers: [],
    exits: [{ index: 0, output: scores, node: 0, macs: 0, params: 0, scores: 'logits' }],
    totals: {
      params: 0,
      nonZeroParams: null,
      macs: 0,
      weightBytes: 0,
      activationBytes: 0,
      foldedNodes: 0,
      fileNodes: 1,
    },
    hollow: false,
    warnings: [],
  };
}

function dataset(labels: readonly (number | null)[]): Dataset {
  return {
    id: 'd',
    name: 'd',
    items: labels.map((label, i) => ({
      name: `${i}.png`,
      label,
      offset: 0,
      length: 0,
      encoding: { kind: 'encoded', mediaType: 'image/png' },
    })),
    classNames: [],
    labelSource: 'folders',
    warnings: [],
  };
}

function guess(...[input, output, facts]: Parameters<typeof view>) {
  return guessPreprocessing(view(input, output, facts), null, null).preprocessing;
}

describe('the class in masks that means none', () => {
  const masked = (classes: readonly number[], classNames: readonly string[] = []): Dataset => ({
    ...dataset([null]),
    classNames,
    masks: { classes, codes: null, isColoured: false },
  });
  const ignoredOf = (output: Dims, found: Dataset) =>
    guessPreprocessing(view([1, 3, 32, 32], output), found, null).preprocessing.ignoredLabel;

  test.each([
    ['255', [1, 12, 32, 32], masked([0, 3, 255]), 255],
    ['the first that the model has no class for', [1, 11, 32, 32], masked([0, 3, 11]), 11],
    ['one called void', [1, 3, 32, 32], masked([0, 1, 2], ['sky', 'Void', 'road']), 1],
    ['one far beyond the others, where the model does not tell', [1, 32, 32], masked([0, 3, 11, 1000]), 1000],
    ['none of two classes that one score tells apart', [1, 1, 32, 32], masked([0, 1]), undefined],
    ['none where all are classes', [1, 32, 32], masked([0, 3, 7]), undefined],
  ] as const)('%s', (_, output, found, ignored) => {
    expect(ignoredOf(output, found)).toBe(ignored);
  });
});

describe('masks that say nothing about a model', () => {
  const misfitOf = (classes: readonly number[], ignoredLabel?: number) => {
    const found = { ...dataset([null]), masks: { classes, codes: null, isColoured: false } };
    const seen = view([1, 3, 32, 32], [1, 12, 32, 32]);
    const { preprocessing } = guessPreprocessing(seen, found, null);
    return describeMisfit(seen, found, { ...preprocessing, ignoredLabel })?.message ?? null;
  };

  test('are told, those with any class that it has are taken', () => {
    expect(misfitOf([40, 41, 51])).toBe('the masks hold the classes 40 to 51, but m.onnx has 0 to 11');
    expect(misfitOf([255], 255)).toBe('no pixel of the masks has a class: they hold 255, which is ignored');
    expect(misfitOf([3, 40], 40)).toBeNull();
  });
});

describe('layout', () => {
  test.each([
    [[1, 3, 224, 200], { layout: 'NCHW', channels: 3, height: 224, width: 200 }],
    [['batch', 1, 28, 28], { layout: 'NCHW', channels: 1, height: 28, width: 28 }],
    [[1, 224, 200, 3], { layout: 'NHWC', channels: 3, height: 224, width: 200 }],
    [[null, null, null, 1], { layout: 'NHWC', channels: 1, height: 224, width: 224 }],
    [['n', 'c', 'h', 'w'], { layout: 'NCHW', channels: 3, height: 224, width: 224 }],
    [[1, 3, 'h', 160], { layout: 'NCHW', channels: 3, height: 160, width: 160 }],
    [[3, 64, 48], { layout: 'NCHW', channels: 3, height: 64, width: 48 }],
    [[64, 48, 3], { layout: 'NHWC', channels: 3, height: 64, width: 48 }],
    [[1, 784], { layout: 'NCHW', channels: 1, height: 28, width: 28 }],
    [[1, 3072], { layout: 'NCHW', channels: 3, height: 32, width: 32 }],
    [null, { layout: 'NCHW', channels: 3, height: 224, width: 224 }],
  ] as const)('%j', (input, expected) => {
    expect(guess(input, [1, 10])).toMatchObject(expected);
  });

  test('a model without a size takes that of small images, not of photos', () => {
    const open = view(['n', 3, 'h', 'w'], [1, 10]);
    const sized = (width: number, height: number) =>
      guessPreprocessing(open, null, { width, height, channels: 3 }).preprocessing;
    expect(sized(48, 32)).toMatchObject({ width: 48, height: 32, fit: { kind: 'stretch' } });
    expect(sized(4000, 3000)).toMatchObject({
      width: 224,
      height: 224,
      fit: { kind: 'crop', shorterSide: 256 },
    });
  });
});

describe('normalisation', () => {
  test('integer inputs take raw pixels', () => {
    expect(guess([1, 3, 32, 32], [1, 10], { dataType: 'uint8' })).toMatchObject({
      scale: 1,
      mean: [0, 0, 0],
    });
    expect(guess([1, 3, 32, 32], [1, 10], { dataType: 'int8' })).toMatchObject({
      scale: 1,
      mean: [128, 128, 128],
    });
  });

  test.each([
    ['PyTorch, photos', [1, 3, 224, 224], 1000, 'pytorch 1.13', { mean: [0.485, 0.456, 0.406] }],
    ['PyTorch, digits', [1, 1, 28, 28], 10, 'pytorch 1.13', { mean: [0.1307] }],
    [
      'TensorFlow with background class',
      [1, 224, 224, 3],
      1001,
      'tf2onnx',
      { scale: 1 / 127.5, mean: [1, 1, 1], classOffset: 1 },
    ],
    ['TensorFlow, small', [1, 96, 96, 3], 2, 'tf2onnx', { scale: 1, mean: [0, 0, 0] }],
    ['CNTK, grey', [1, 1, 28, 28], 10, 'CNTK', { scale: 1, mean: [0] }],
    ['Caffe', [1, 3, 227, 227], 1000, 'onnx-caffe2', { channelOrder: 'BGR', scale: 1 }],
  ] as const)('%s', (_name, input, classes, producer, expected) => {
    expect(guess(input, [1, classes], { producer })).toMatchObject(expected);
  });

  test('a model that begins by normalising takes raw pixels', () => {
    expect(guess([1, 3, 224, 224], [1, 1000], { first: 'Sub' })).toMatchObject({
      scale: 1,
      mean: [0, 0, 0],
      std: [1, 1, 1],
    });
  });

  test('candidates differ, start with the guess and give reasons', () => {
    const candidates = candidatePreprocessings(view([1, 3, 32, 32], [1, 10]), null);
    expect(candidates.length).toBeGreaterThan(3);
    expect(new Set(candidates.map(({ preprocessing }) => JSON.stringify(preprocessing))).size).toBe(
      candidates.length,
    );
    expect(candidates[0]?.preprocessing).toEqual(guess([1, 3, 32, 32], [1, 10]));
    for (const { reasons } of candidates) expect(reasons.at(-1)).toMatch(/\w/);
  });

  test('grey digits may be inverted', () => {
    const candidates = candidatePreprocessings(view([1, 1, 28, 28], [1, 10]), null);
    expect(candidates.some(({ preprocessing }) => preprocessing.invert)).toBe(true);
  });
});

describe('what the model says itself', () => {
  const told = (text: string) =>
    candidatePreprocessings(view([1, 3, 32, 32], [1, 10], { metadata: { [PREPROCESSING_KEY]: text } }), null);

  test('is taken alone', () => {
    const candidates = told(
      '{"scale": 2, "mean": [1,2,3], "std": [4,5,6], "channelOrder": "BGR", "classOffset": 1}',
    );
    expect(candidates).toHaveLength(1);
    expect(candidates[0]?.preprocessing).toMatchObject({
      scale: 2,
      mean: [1, 2, 3],
      std: [4, 5, 6],
      channelOrder: 'BGR',
      classOffset: 1,
      height: 32,
    });
  });

  test('nonsense in it is ignored', () => {
    expect(told('not json').length).toBeGreaterThan(1);
    const [only] = told(
      '{"std": [0,0,0], "mean": "x", "scale": null, "fit": {"kind":"crop","shorterSide":-1}, "height": 5}',
    );
    expect(only?.preprocessing).toMatchObject({
      mean: [0, 0, 0],
      std: [1, 1, 1],
      scale: 1,
      height: 32,
      fit: { kind: 'stretch' },
    });
  });

  test('Windows ML metadata count too', () => {
    const metadata = { 'Image.BitmapPixelFormat': 'Bgr8', 'Image.NominalPixelRange': 'Normalized_1_1' };
    expect(guess([1, 3, 224, 224], [1, 1000], { metadata })).toMatchObject({
      channelOrder: 'BGR',
      scale: 2 / 255,
      mean: [1, 1, 1],
    });
  });

  test('the bundled model describes its images', () => {
    const bytes = new Uint8Array(
      readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url)),
    );
    const model = parseModel(memorySource(bytes), 'digits.onnx');
    const digits = buildGraphView(model, { modelId: 'x', fileName: 'digits.onnx', fileBytes: bytes.length });
    const [only, ...others] = candidatePreprocessings(digits, null);
    expect(others).toEqual([]);
    expect(only?.preprocessing).toEqual({
      inputName: 'image',
      layout: 'NCHW',
      height: 32,
      width: 32,
      channels: 3,
      channelOrder: 'RGB',
      fit: { kind: 'stretch' },
      scale: 1 / 255,
      mean: [0.5, 0.5, 0.5],
      std: [0.25, 0.25, 0.25],
      dataType: 'float32',
      invert: false,
      classOffset: 0,
    });
  });
});

describe('misfits', () => {
  test.each([
    ['tokens', view([1, 16], [1, 2], { dataType: 'int64' }), /type int64/],
    ['two inputs', view([1, 3, 8, 8], [1, 2], { inputs: ['a', 'b'] }), /2 inputs \(a, b\)/],
    ['video', view([1, 3, 16, 112, 112], [1, 2]), /\[1, 3, 16, 112, 112\]/],
    ['four channels', view([1, 4, 64, 64], [1, 2]), /neither the first nor the last/],
    ['a batch of eight', view([8, 3, 64, 64], [8, 2]), /batches of 8/],
    ['no square', view([1, 101], [1, 2]), /\[1, 101\]/],
  ])('%s is measured with random inputs', (_name, model, reason) => {
    expect(describeMisfit(model, dataset([99]), null)).toBeNull();
    const { preprocessing, reasons } = guessPreprocessing(model, null, null);
    expect(preprocessing.random).toBe(true);
    expect(reasons.join()).toMatch(reason);
  });

  test.each([
    ['text', view(['batch', 'sequence'], [1, 2], { dataType: 'int64' }), /type int64/],
    ['no input', view([1], [1], { inputs: [] }), /no input/],
    ['words', view([1, 16], [1, 2], { dataType: 'string' }), /type string/],
  ])('%s', (_name, model, message) => {
    const failure = describeMisfit(model, null, null);
    expect(failure?.code).toBe('model-no-image-input');
    expect(failure?.message).toMatch(message);
    expect(failure?.hint).toBeTruthy();
    expect(() => guessPreprocessing(model, null, null)).toThrow(message);
  });

  test('labels that the model has no class for', () => {
    const model = view([1, 3, 32, 32], [1, 10]);
    expect(describeMisfit(model, dataset([0, 9, null]), null)).toBeNull();
    expect(describeMisfit(model, dataset([0, 10]), null)).toMatchObject({
      code: 'labels-beyond-classes',
      where: '1.png',
      message: '1.png has label 10, but m.onnx has the classes 0 to 9',
    });
    const offset = { ...guess([1, 3, 32, 32], [1, 10]), classOffset: -1 };
    expect(describeMisfit(model, dataset([10, 1]), offset)).toBeNull();
    expect(describeMisfit(model, dataset([0]), offset)?.message).toContain('class offset -1');
  });

  test('1001 classes and labels below 1000 shift by one, labels up to 1000 do not', () => {
    const model = view([1, 224, 224, 3], [1, 1001], { producer: 'tf2onnx' });
    expect(guessPreprocessing(model, dataset([0, 999]), null).preprocessing.classOffset).toBe(1);
    expect(guessPreprocessing(model, dataset([1, 1000]), null).preprocessing.classOffset).toBe(0);
  });
});

describe('preprocessing given by hand', () => {
  const base = guessPreprocessing(view([1, 3, 32, 48], [1, 10]), null, null).preprocessing;

  test('stands in place of the guess, field by field, and may repeat what it leaves', () => {
    const fit = { shorterSide: 40, kind: 'crop' } as const;
    const fields = { channelOrder: 'BGR', scale: 1, mean: [1, 2, 3], ignoredLabel: 11, fit } as const;
    expect(givenPreprocessing(JSON.stringify(fields), base)).toEqual({ ...base, ...fields });
    expect(givenPreprocessing(JSON.stringify({ ...base, ...fields }), base)).toEqual({ ...base, ...fields });
  });

  test.each([
    ['[1]', 'found no JSON object'],
    ['{', 'found no JSON object'],
    ['{"mean":[1]}', 'found [1] as "mean", where [0'],
    ['{"channelorder":"BGR"}', 'found "BGR" as "channelorder"'],
    ['{"height":64}', 'found 64 as "height", where 32 fits the model'],
  ])('%s is refused with what was found', (json, message) => {
    const given = (): unknown => givenPreprocessing(json, base);
    expect(given).toThrow(InputError);
    expect(given).toThrow(message);
  });
});
