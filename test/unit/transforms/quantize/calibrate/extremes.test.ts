import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../../../src/base/assert.ts';
import { DataType, valueName } from '../../../../../src/onnx/model.ts';
import { makeInt, makeNode } from '../../../../../src/onnx/attributes.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import { NO_HEADS } from '../../../../../src/transforms/exits/trained-head.ts';
import {
  type CalibrationModel,
  calibrationModel,
} from '../../../../../src/transforms/quantize/calibrate/calibration-model.ts';
import {
  extremesIn,
  extremesModel,
} from '../../../../../src/transforms/quantize/calibrate/extremes-model.ts';
import { rangeBetween } from '../../../../../src/transforms/quantize/calibrate/range-method.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../../fixtures/run-onnx.ts';
import { twoExitModel } from '../../../../fixtures/tiny-models.ts';

async function extremesOf(shown: CalibrationModel, input: string, images: Tensor[]) {
  const { model, values, inputs } = extremesModel(shown);
  const rows: number[] = [];
  for (const image of images) {
    const [output] = (await runModel(model, { [input]: image })).values();
    rows.push(...(defined(output, 'the output').data as Float32Array));
  }
  return extremesIn(Float32Array.from(rows), [...inputs, ...values]);
}

/** What twice a number is, at an opset of choice. */
function doubling(opset: number, dims: readonly (number | string)[] | null): CalibrationModel {
  const output = tensorInfo('__proto__', dims);
  return {
    values: [output.name],
    inputs: [valueName('x')],
    model: modelOf({
      opset,
      irVersion: 3,
      nodes: [makeNode('Add', ['x', 'x'], ['__proto__'])],
      inputs: [tensorInfo('x', dims)],
      outputs: [output],
    }),
  };
}

describe('the extremes that the runtime finds', () => {
  it('are those of all numbers of all images', async () => {
    const shown = calibrationModel(
      analyseModel(twoExitModel()),
      [{ op: 'quantize', mode: 'static' }],
      NO_HEADS,
    );
    const images = [1, 3].map((factor) => feed([1, 1, 8, 8], (at) => factor * Math.sin(at)));
    const found = await extremesOf(shown, 'image', images);
    expect(new Set(found.keys())).toEqual(new Set(['image', ...shown.values]));
    const whole = await Promise.all(images.map((image) => runModel(shown.model, { image })));
    for (const name of shown.values) {
      const numbers = whole.flatMap((each) => [...(defined(each.get(name), name).data as Float32Array)]);
      expect(found.get(name), name).toEqual({
        low: Math.min(...numbers),
        high: Math.max(...numbers),
        isFinite: true,
      });
    }
  });

  it.each([
    [8, [1, 2, 96, 96]],
    [12, [1, 2, 96, 96]],
    [13, [1, 2, 96, 96]],
    [18, [1, 2, 96, 96]],
    [18, [1, 2, 4, 4]],
    [18, ['batch', 300, 64]],
    [18, [1, 50]],
    [18, [50]],
    [18, []],
    [18, null],
  ])('do not depend on the opset (%i) or the shape (%j)', async (opset, declared) => {
    const dims = (declared ?? [1, 2, 96, 96]).map((dim) => (typeof dim === 'number' ? dim : 1));
    const image = feed(dims, (at) => Math.sin(at) - 0.5);
    const numbers = image.data as Float32Array;
    const found = await extremesOf(doubling(opset, declared), 'x', [image]);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    expect(found.get('x')).toEqual({ low, high, isFinite: true });
    expect(found.get('__proto__')).toEqual({ low: 2 * low, high: 2 * high, isFinite: true });
  });

  it.each([Number.NaN, Infinity, -Infinity])('tell of %f wherever it is', async (broken) => {
    for (const dims of [
      [1, 2, 96, 96],
      [1, 2, 3, 3],
    ]) {
      const { length } = feed(dims).data;
      for (const place of [0, 1, length >> 1, length - 1]) {
        const image = feed(dims, (at) => (at === place ? broken : at % 7));
        const found = await extremesOf(doubling(13, dims), 'x', [feed(dims), image]);
        expect(found.get('x')?.isFinite, `${place} of ${length}`).toBe(false);
      }
    }
  });

  it('are nothing of a value that is empty', () => {
    const nothing = defined(
      extremesIn(Float32Array.of(Infinity, -Infinity, 0), ['empty']).get('empty'),
      'empty',
    );
    expect(nothing.isFinite).toBe(true);
    expect(rangeBetween(nothing, true)).toEqual({ low: 0, high: 0 });
  });

  it('are found of inputs that are bytes, too', async () => {
    const shown: CalibrationModel = {
      values: [valueName('y')],
      inputs: [valueName('bytes')],
      model: modelOf({
        nodes: [makeNode('Cast', ['bytes'], ['y'], [makeInt('to', DataType.float)])],
        inputs: [tensorInfo('bytes', [1, 3], DataType.uint8)],
        outputs: [tensorInfo('y', [1, 3])],
      }),
    };
    const found = await extremesOf(shown, 'bytes', [new Tensor('uint8', Uint8Array.of(9, 2, 255), [1, 3])]);
    expect(found.get('bytes')).toEqual({ low: 2, high: 255, isFinite: true });
  });
});
