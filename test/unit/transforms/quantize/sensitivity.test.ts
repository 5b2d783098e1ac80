import { describe, expect, it } from 'vitest';
import { decibels } from '../../../../src/base/units.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { nameInRecipes } from '../../../../src/transforms/match-nodes.ts';
import { foldBatchNorm } from '../../../../src/transforms/prepare/fold-batch-norm.ts';
import type { MixedQuantizeOperator } from '../../../../src/transforms/quantize/mixed-operator.ts';
import {
  recipeOfLayersAlone,
  recipeToScan,
  UNIT_OUTPUTS,
} from '../../../../src/transforms/quantize/sensitivity-recipes.ts';
import { INT4_WEIGHTS } from '../../../../src/transforms/quantize/mixed.ts';
import { sensitivityProbe } from '../../../../src/transforms/quantize/sensitivity-probe.ts';
import { sensitivityUnits } from '../../../../src/transforms/quantize/sensitivity-units.ts';
import { quantizeStatic } from '../../../../src/transforms/quantize/static/quantize-static.ts';
import { staticFormOf } from '../../../../src/transforms/quantize/static/static-form.ts';
import { quantizeWeightsOnly } from '../../../../src/transforms/quantize/weight-only.ts';
import { runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';
import { calibrated, input, network } from './mixed-network.ts';

const operator = { op: 'quantize', mode: 'static' } as const;

/** What the runtime makes of these values of a model. */
async function valuesOf(model: Model, names: readonly string[]): Promise<readonly Float32Array[]> {
  const outputs = names.map((name) => tensorInfo(name, null));
  const results = await runModel({ ...model, graph: { ...model.graph, outputs } }, { x: input });
  return names.map((name) => results.get(name)?.data as Float32Array);
}

/** Ranges for all layers, and for each alone. */
async function rangesFor(format: 'qdq' | 'qoperator') {
  const whole = { ...operator, format };
  const [alone] = recipeOfLayersAlone([whole]) as [MixedQuantizeOperator];
  return new Map([...(await calibrated(network(), whole)), ...(await calibrated(network(), alone))]);
}

const power = (values: Float32Array): number => values.reduce((sum, value) => sum + value * value, 0);
const error = (a: Float32Array, b: Float32Array): number =>
  power(a.map((value, at) => value - (b[at] as number)));
const best = (values: Float32Array): number => values.indexOf(Math.max(...values));

describe('the units of a scan', () => {
  const { model } = foldBatchNorm(network());
  const units = sensitivityUnits(model, staticFormOf(operator, []));

  it('are the layers, with the activation behind them, by what recipes call them', () => {
    const layers = units.filter(({ kind }) => kind === 'layer');
    expect(new Map(layers.map((unit) => [unit.layers[0], unit]))).toMatchObject(
      new Map([
        ['b', { values: ['b', 'c'], output: 'c', weights: 576 }],
        ['stage/conv2', { values: ['d'], output: 'd', weights: 2304 }],
        ['head', { values: ['y'], output: 'y', weights: 80 }],
      ]),
    );
  });

  it('come the worst weights first', () => {
    const db = units.map(({ weightDb }) => weightDb as number);
    expect(db).toEqual(db.toSorted((a, b) => a - b));
    expect(Math.min(...db)).toBeGreaterThan(30);
  });

  it('have names that mean no other node', () => {
    const node = (name: string, opType: string, outputs: readonly string[]) => ({ name, opType, outputs });
    const nodes = [
      node('Conv', 'Conv', ['a']),
      node('c*', 'Conv', ['b']),
      node('', 'Relu', ['d']),
    ] as never[];
    expect(nodes.map((each) => nameInRecipes(each, nodes))).toEqual(['a', 'b', 'd']);
  });
});

describe('the probe of a scan', () => {
  it.each(['qdq', 'qoperator', 'int4-weights'] as const)(
    'measures what quantizing each unit alone does, in %s',
    async (format) => {
      const { model } = foldBatchNorm(network());
      const isInt8 = format !== 'int4-weights';
      const form = staticFormOf({ op: 'quantize', ...(isInt8 && { format }) }, []);
      const ranges = isInt8 ? await rangesFor(format) : new Map();
      const units = sensitivityUnits(model, form);
      const scanned = isInt8 ? ({ precision: 'int8', form, ranges } as const) : { precision: format };
      const probe = sensitivityProbe(model, scanned, units, 'y');
      const results = await runModel(probe, { x: input });
      const row = probe.graph.outputs.map(
        ({ name }) => (results.get(name)?.data as Float32Array | undefined)?.[0] as number,
      );
      const [scores] = (await valuesOf(model, ['y'])) as [Float32Array];
      expect(row[0]).toBeCloseTo(power(scores), 3);
      expect(row[1]).toBe(best(scores));
      for (const [at, { values, output }] of units.entries()) {
        const exclude = (node: Model['graph']['nodes'][number]) =>
          !node.outputs.some((name) => values.includes(name));
        const shown =
          output === 'y' ? model.graph.outputs : [...model.graph.outputs, tensorInfo(output, null)];
        const whole = { ...model, graph: { ...model.graph, outputs: shown } };
        const alone = isInt8
          ? quantizeStatic(whole, { ...form, exclude }, ranges)
          : quantizeWeightsOnly(whole, { ...INT4_WEIGHTS, exclude });
        const [made] = (await valuesOf(model, [output])) as [Float32Array];
        const [noisy, noisyScores] = (await valuesOf(
          alone.model,
          output === 'y' ? ['y'] : [output, 'y'],
        )) as [Float32Array, Float32Array | undefined];
        const measured = row.slice(2 + at * UNIT_OUTPUTS, 2 + (at + 1) * UNIT_OUTPUTS);
        const last = noisyScores ?? noisy;
        const wanted = [power(made), error(made, noisy), error(scores, last), best(last)];
        measured.forEach((value, which) => {
          expect(value / (wanted[which] || 1)).toBeCloseTo((wanted[which] as number) === 0 ? 0 : 1, 3);
        });
        expect(measured[1]).toBeGreaterThan(0);
        expect(decibels(measured[0] as number, measured[1] as number)).toBeGreaterThan(isInt8 ? 25 : 10);
      }
    },
  );

  it('stores weights that nothing touches once', async () => {
    const { model } = foldBatchNorm(network());
    const form = staticFormOf(operator, []);
    const ranges = await rangesFor('qdq');
    const probe = sensitivityProbe(
      model,
      { precision: 'int8', form, ranges },
      sensitivityUnits(model, form),
      'y',
    );
    const floats = probe.graph.initializers.filter(({ dims }) => dims.join() === '16,16,3,3');
    expect(floats.filter(({ dataType }) => dataType === 1)).toHaveLength(1);
    const large = probe.graph.nodes.filter(({ opType }) => opType === 'Conv');
    // The trunk's two, one in int8 for each, and the second behind the first in int8.
    expect(large).toHaveLength(5);
  });
});

describe('what a recipe scans', () => {
  it('is the same whatever it keeps in float and does later', () => {
    const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 } as const;
    const cut = { op: 'partition', cut: 'c' } as const;
    const wanted = [prune, { op: 'quantize', mode: 'static', format: 'qoperator' }];
    expect(recipeToScan([prune, { ...operator, format: 'qoperator', exclude: ['a'] }, cut])).toEqual(wanted);
    expect(
      recipeToScan([
        prune,
        {
          op: 'quantize',
          mode: 'mixed',
          format: 'qoperator',
          layers: [{ nodes: ['a'], precision: 'float16' }],
        },
      ]),
    ).toEqual(wanted);
    expect(recipeToScan([])).toEqual([operator]);
  });
});
