import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import {
  expectedForm,
  expectedMs,
  layerMix,
  withFormChosen,
} from '../../../../src/study/forms/choose-form.ts';
import { figuresFor, figureSentences } from '../../../../src/study/forms/form-figures.ts';
import { STATIC_FORMS } from '../../../../src/study/forms/forms.ts';
import { normaliseRecipe, parseRecipe } from '../../../../src/transforms/parse-recipe.ts';
import { recordedFigures } from './recorded-figures.ts';

const totals = {
  params: 0,
  nonZeroParams: null,
  macs: 0,
  weightBytes: 0,
  activationBytes: 0,
  foldedNodes: 0,
  fileNodes: 0,
};
const nothing = { nodes: [], modelId: 'a model', totals };
const dense = { conv: 1e9, pointwise: 0, depthwise: 0, matmul: 0 };
const products = { conv: 0, pointwise: 0, depthwise: 0, matmul: 1e9 };
const light = { conv: 1e7, pointwise: 270e6, depthwise: 20e6, matmul: 1e6 };

describe('the form that "auto" becomes', () => {
  it('is as fast as the fastest, whatever the layers, within a few percent', () => {
    const figures = recordedFigures();
    for (const mix of [dense, products, light]) {
      const { form } = expectedForm(mix, figures);
      const times = STATIC_FORMS.map(({ id }) => expectedMs(figures, mix, id) ?? Infinity);
      expect(expectedMs(figures, mix, form.id)).toBeLessThanOrEqual(1.03 * Math.min(...times));
    }
  });

  it('is the usual one where others are no faster to speak of', () => {
    expect(expectedForm(dense, recordedFigures()).form.id).toBe('qdq-u8s8');
  });

  it('follows the layers that the model has', () => {
    const figures = recordedFigures({ 'qoperator-u8u8': { conv: 2 }, 'qdq-s8s8': { matmul: 1.2 } });
    expect(expectedForm(dense, figures).form.id).toBe('qoperator-u8u8');
    expect(expectedForm(products, figures).form.id).toBe('qdq-s8s8');
  });

  it('is never one that does not run here, unless the model has no such layers', () => {
    const figures = recordedFigures({ 'qdq-s8s8': { matmul: 0.1, depthwise: null } });
    expect(expectedForm(products, figures).form.id).toBe('qdq-s8s8');
    expect(expectedForm({ ...products, depthwise: 1 }, figures).form.id).not.toBe('qdq-s8s8');
  });

  it('is told with its reason', () => {
    const { relative, reason } = expectedForm(dense, recordedFigures());
    expect(relative).toBeCloseTo(0.53, 2);
    expect(reason).toContain('QDQ U8S8');
    expect(reason).toContain('1.9 times as fast as float32');
    const slow = expectedForm(light, recordedFigures()).reason;
    expect(slow).toContain('no static form is expected to be faster than float32');
    expect(slow).toContain('8-bit weights would be faster still');
  });

  it('is the usual one where nothing was measured, and says so', () => {
    const { form, relative, reason } = expectedForm(dense, null);
    expect([form.id, relative]).toEqual(['qdq-u8s8', null]);
    expect(reason).toContain('not compared on this device');
  });

  it('is the usual one where the times are too unsure to prefer another', () => {
    const steady = recordedFigures({ 'qoperator-u8u8': { conv: 2 } });
    const unsteady = {
      ...steady,
      figures: steady.figures.map(({ times, ...rest }) => ({
        ...rest,
        times: 'medianMs' in times ? { ...times, highMs: 3 * times.medianMs } : times,
      })),
    };
    expect(expectedForm(dense, steady).form.id).toBe('qoperator-u8u8');
    expect(expectedForm(dense, unsteady).form.id).toBe('qdq-u8s8');
    expect(figureSentences(unsteady)[0]).toContain('Compare again when it is quiet');
  });

  it('leaves all else in the recipe as it was', () => {
    const recipe = parseRecipe([
      { op: 'prune', kind: 'unstructured', ratio: 0.5 },
      { op: 'quantize', mode: 'static', format: 'auto', calibration: 'entropy', exclude: ['head'] },
    ]);
    const chosen = withFormChosen(recipe, nothing, null).recipe;
    expect(chosen).toEqual([recipe[0], { ...recipe[1], format: 'qdq', activations: 'u8', weights: 's8' }]);
    const closed = parseRecipe([{ op: 'quantize', mode: 'static' }]);
    expect(withFormChosen(closed, nothing, null)).toEqual({ recipe: closed, choice: null });
  });

  it('is written down as open, and chooses the types, too', () => {
    const open = [{ op: 'quantize', mode: 'static', format: 'auto' }];
    expect(normaliseRecipe(parseRecipe(open))).toEqual(open);
    expect(() => parseRecipe([{ ...open[0], weights: 'u8' }])).toThrow(/auto/);
  });
});

it('kinds of layers are told apart as their kernels differ', () => {
  const file = 'public/samples/zoo/mobilenet_v2.onnx';
  const { nodes, totals } = buildGraphView(parseModel(memorySource(readFileSync(file)), file), {
    modelId: file,
    fileName: file,
    fileBytes: 0,
  });
  const mix = layerMix(nodes);
  // The stem alone is dense; the rest are 1 x 1 and depthwise.
  expect(mix.conv).toBe(112 * 112 * 32 * 27);
  expect(mix.depthwise / totals.macs).toBeCloseTo(0.07, 2);
  expect(mix.matmul).toBe(1280 * 1000);
  expect(Object.values(mix).reduce((sum, macs) => sum + macs, 0)).toBe(totals.macs);
});

describe('figures in sentences', () => {
  it('name the fast form, the slow form and where none pays', () => {
    const [fast, slow, depthwise, ...others] = figureSentences(recordedFigures());
    expect(fast).toMatch(/^dynamic U8 is 1\.5 times as fast as float32 on this device/);
    expect(slow).toBe('QOperator S8S8 is 6 times slower than float32 on this device.');
    expect(depthwise).toContain('no integer form is faster than float32 here');
    expect(others).toEqual([]);
  });

  it('say when no integer form is faster, and what does not run', () => {
    const all = { conv: 9, pointwise: 9, matmul: 9 };
    const none = recordedFigures({
      'dynamic-u8': all,
      'dynamic-s8': all,
      ...Object.fromEntries(STATIC_FORMS.map(({ id }) => [id, all])),
      float16: { conv: null },
    });
    const sentences = figureSentences(none).join(' ');
    expect(sentences).toContain('No integer form is faster than float32');
    expect(sentences).toContain('Not all layers run as float16');
    expect(sentences).not.toContain('WebGPU');
    const onGpu = figureSentences({ ...none, provider: 'webgpu' }).join(' ');
    expect(onGpu).toContain('On WebGPU the runtime has no integer kernels');
  });
});

it('figures belong to a browser, a runtime, a provider and a number of threads', () => {
  const figures = recordedFigures();
  const environment = { userAgent: 'a browser', runtimeVersion: '1.30.0' };
  const place = { environment, provider: 'wasm', threads: 1 } as const;
  expect(figuresFor([figures], place)).toBe(figures);
  expect(figuresFor([figures], { ...place, threads: 2 })).toBeNull();
  expect(figuresFor([figures], { ...place, provider: 'webgpu' })).toBeNull();
  const updated = { ...environment, runtimeVersion: '1.31.0' };
  expect(figuresFor([figures], { ...place, environment: updated })).toBeNull();
});
