import { assert, describe, expect, it } from 'vitest';
import { speedUps } from '../../../../src/study/compare/speed-up.ts';
import { trialsCsv } from '../../../../src/study/csv/study-csv.ts';
import { DEFAULT_SETUP, type PlacementName } from '../../../../src/study/placement/tiers.ts';
import type { Trial } from '../../../../src/study/trial.ts';
import { readCsv } from '../../../fixtures/read-csv.ts';
import { environment, makeSample, makeTrial } from '../trials.ts';

/** A trial with one latency in each round. */
function timed(name: string, latenciesMs: readonly number[], change: Partial<Trial['strategy']> = {}): Trial {
  const samples = latenciesMs.map((computeMs, round) => makeSample({ round, computeMs }));
  const trial = makeTrial(name, { samples });
  return { ...trial, strategy: { ...trial.strategy, ...change } };
}

const at = (name: PlacementName) =>
  ({ placement: { name, sends: 'encoded-image', setup: DEFAULT_SETUP } }) as const;
const Q: Partial<Trial['strategy']> = { recipe: [{ op: 'quantize', mode: 'dynamic' }] };

const whole = timed('whole', [8, 9, 10, 8.5, 9.5]);

/** The trial's speed-up among all. */
function told(trials: readonly Trial[], of: Trial) {
  const found = speedUps(trials).get(of);
  return found && { ...found.measure, over: found.over.strategy.name };
}

describe('speed-ups over the unchanged model', () => {
  it('are those of rounds, whatever drifts, and 1 for the unchanged model itself', () => {
    const twice = timed('Q', [4, 4.5, 5, 4.25, 4.75], Q);
    expect(told([whole, twice], twice)).toMatchObject({ value: expect.closeTo(2), over: 'whole' });
    expect(told([whole, twice], whole)).toEqual({ value: 1, low: 1, high: 1, over: 'whole' });
    const uneven = timed('Q', [4, 4, 6, 4.25, 4.75], Q);
    const { value, low, high } = told([whole, uneven], uneven) ?? assert.fail('none');
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  it('of one round have no interval', () => {
    const once = timed('Q', [4], Q);
    expect(told([whole, once], once)).toMatchObject({ value: 2, low: null, high: null });
  });

  it('are over the unchanged model at the same place, else where the first part runs, else on this device', () => {
    const [cloud, edge] = [timed('on cloud', [1, 1], at('cloud')), timed('on edge', [2, 2], at('edge'))];
    const cut = (placement: PlacementName) => timed('P', [1, 1], { ...Q, ...at(placement) });
    const over = (trial: Trial, ...others: readonly Trial[]) => told([...others, trial], trial)?.over;
    expect(over(cut('cloud'), whole, edge, cloud)).toBe('on cloud');
    expect(over(cut('edge-cloud'), cloud, whole, edge)).toBe('on edge');
    expect(over(cut('mobile-cloud'), cloud, whole, edge)).toBe('whole');
    expect(over(cut('mobile-cloud'), cloud, edge)).toBe('on cloud');
  });

  it('are not told over another model, size or device, nor over what failed', () => {
    const quantized = timed('Q', [4, 5], Q);
    const { strategy } = whole;
    const others: readonly Trial[] = [
      { ...whole, strategy: { ...strategy, modelId: 'other' } },
      { ...whole, strategy: { ...strategy, inputSize: { height: 9, width: 9 } } },
      { ...whole, environment: { ...environment, userAgent: 'Other/2.0' } },
      { ...whole, state: { kind: 'failed', code: 'x', message: 'it failed' } },
    ];
    expect(told([...others, quantized], quantized)).toBeUndefined();
  });

  it('stand in trials.csv, beside compression time in all and the mean of repeated accuracies', () => {
    const accuracy = (top1Correct: number) => ({
      images: 10,
      labelledImages: 10,
      top1Correct,
      top5Correct: null,
      agreeing: null,
    });
    const early: Trial = {
      ...timed('E', [2, 2, 2, 2, 2], { recipe: [{ op: 'early-exit', kind: 'existing', exit: 0 }] }),
      buildMs: 10,
      calibrationMs: 20,
      trainingMs: 300,
      accuracyRuns: [accuracy(8), accuracy(9)],
    };
    const [, row] = readCsv(trialsCsv([whole, early]));
    const cells = ['speed_up_over', 'compression_ms', 'exit_training_ms', 'accuracy_runs_mean'];
    expect(cells.map((name) => row?.get(name))).toEqual(['whole', '330', '300', '0.85']);
    expect(Number(row?.get('speed_up'))).toBeCloseTo(4.486, 3);
  });
});
