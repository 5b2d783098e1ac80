import { describe, expect, it } from 'vitest';
import { quantizeMixed } from '../../../../src/transforms/quantize/mixed.ts';
import {
  type MixedQuantizeOperator,
  PRECISIONS,
  type Precision,
  withPrecision,
} from '../../../../src/transforms/quantize/mixed-operator.ts';
import { quantizeModel, valuesNeeded } from '../../../../src/transforms/quantize/quantize-model.ts';
import { normaliseQuantize, quantizeLabel } from '../../../../src/transforms/quantize/quantize-operator.ts';
import { parseRecipe } from '../../../../src/transforms/parse-recipe.ts';
import { cosine, relativeDifference } from '../run-variant.ts';
import { calibrated, network, scoresOf } from './mixed-network.ts';

const mixed = (layers: MixedQuantizeOperator['layers'], usual: Precision): MixedQuantizeOperator => ({
  op: 'quantize',
  mode: 'mixed',
  default: usual,
  layers,
});

describe('mixed precision', () => {
  it('all in float32 computes what the model did', async () => {
    const model = network();
    const { model: same, coverage } = quantizeMixed(model, mixed([], 'float32'), new Map());
    expect(await scoresOf(same)).toEqual(await scoresOf(model));
    expect(coverage).toMatchObject({ quantized: 0, skipped: [], unmatched: [] });
  });

  it('all in int8 is static int8', async () => {
    const model = network();
    const operator = mixed([], 'int8');
    const ranges = await calibrated(model, operator);
    const whole = quantizeModel(model, { op: 'quantize', mode: 'static' }, ranges);
    const each = quantizeMixed(model, operator, ranges);
    expect(await scoresOf(each.model)).toEqual(await scoresOf(whole.model));
    expect(each.coverage.quantized).toBe(whole.coverage.quantized);
  });

  it('runs in every pair of precisions, near the model', async () => {
    const model = network();
    const wanted = await scoresOf(model);
    for (const usual of PRECISIONS)
      for (const other of PRECISIONS)
        for (const format of ['qdq', 'qoperator'] as const) {
          const operator = { ...mixed([{ nodes: ['stage/*'], precision: other }], usual), format };
          const ranges = await calibrated(model, operator);
          const { model: made, coverage } = quantizeMixed(model, operator, ranges);
          const found = await scoresOf(made);
          expect(cosine(found, wanted), `${usual} with ${other} in ${format}`).toBeGreaterThan(0.98);
          expect(coverage).toMatchObject({ unmatched: [], skipped: [] });
        }
  });

  it('asks for the ranges of nodes in int8 alone', () => {
    const model = network();
    expect(valuesNeeded(model, mixed([{ nodes: ['head'], precision: 'int8' }], 'float32'))).toEqual([
      'g',
      'y',
    ]);
    expect(valuesNeeded(model, mixed([], 'float16'))).toEqual([]);
  });

  it('means a layer by the normalization that became part of it, and by what it makes', async () => {
    const model = network();
    for (const name of ['norm', 'a', 'b']) {
      const operator = mixed([{ nodes: [name], precision: 'int8' }], 'float32');
      const { model: made } = quantizeMixed(model, operator, await calibrated(model, operator));
      const integers = made.graph.initializers.filter((tensor) => tensor.name.startsWith('w1'));
      expect(
        integers.map((tensor) => tensor.name),
        name,
      ).toContain('w1_quantized');
      expect(made.graph.initializers.map((tensor) => tensor.name)).not.toContain('w2_quantized');
      expect(relativeDifference(await scoresOf(made), await scoresOf(model))).toBeLessThan(0.05);
    }
  });

  it('tells patterns that mean nothing, and lets later rules win', async () => {
    const model = network();
    const operator = mixed(
      [
        { nodes: ['*'], precision: 'int8' },
        { nodes: ['haed', '*'], precision: 'float32' },
      ],
      'int8',
    );
    const { model: made, coverage } = quantizeMixed(model, operator, await calibrated(model, operator));
    expect(coverage.unmatched).toEqual(['haed']);
    expect(relativeDifference(await scoresOf(made), await scoresOf(model))).toBeLessThan(1e-5);
  });
});

describe('the mixed operator', () => {
  const text = {
    op: 'quantize',
    mode: 'mixed',
    layers: [
      { nodes: ['conv1', 'stage3/*'], precision: 'float32' },
      { nodes: ['head'], precision: 'int4-weights' },
    ],
    default: 'int8',
    format: 'qoperator',
    samples: 64,
  };

  it('is read, and says itself', () => {
    const [operator] = parseRecipe([text]);
    expect(operator).toEqual(text);
    expect(quantizeLabel(operator as MixedQuantizeOperator)).toBe(
      'mixed int8, 2 float32, 1 int4-weights qoperator',
    );
  });

  it.each([
    [{ layers: undefined }, 'wanted a list of'],
    [{ layers: [{ nodes: ['a'], precision: 'int7' }] }, 'layers[0].precision'],
    [{ layers: [{ nodes: [''], precision: 'int8' }] }, 'layers[0].nodes[0]'],
    [{ layers: [{ node: ['a'], precision: 'int8' }] }, 'perhaps'],
    [{ exclude: ['a'] }, 'unknown field'],
    [{ format: 'auto' }, 'format'],
  ])('refuses %j', (change, told) => {
    expect(() => parseRecipe([{ ...text, ...change }])).toThrow(told);
  });

  it('has one normal form', () => {
    const normal = normaliseQuantize({
      ...mixed(
        [
          { nodes: ['c'], precision: 'int8' },
          { nodes: ['b', 'a'], precision: 'float32' },
          { nodes: ['a'], precision: 'float32' },
          { nodes: [], precision: 'float16' },
        ],
        'int8',
      ),
      samples: 128,
    });
    expect(normal).toEqual({
      op: 'quantize',
      mode: 'mixed',
      layers: [{ nodes: ['a', 'b'], precision: 'float32' }],
    });
    expect(normaliseQuantize(normal)).toEqual(normal);
  });

  it('forgets what was said of layers before', () => {
    const start = mixed([{ nodes: ['a', 'b*'], precision: 'float32' }], 'int8');
    const set = withPrecision(start, ['a'], 'float16');
    expect(set.layers).toEqual([
      { nodes: ['b*'], precision: 'float32' },
      { nodes: ['a'], precision: 'float16' },
    ]);
    expect(withPrecision(set, ['a'], 'float32').layers).toEqual([
      { nodes: ['a', 'b*'], precision: 'float32' },
    ]);
  });
});
