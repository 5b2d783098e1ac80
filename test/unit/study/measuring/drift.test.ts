import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  correctedLatencyMs,
  type Drift,
  deviceRatioAt,
  driftOfStudy,
} from '../../../../src/study/measuring/drift.ts';
import { differenceNoise, levelsOf } from '../../../../src/study/measuring/levels.ts';
import { driftSentence } from '../../../../src/study/measuring/notes.ts';
import { timedSamples } from '../../../../src/study/metrics.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import { summarise } from '../../../../src/study/statistics/summary.ts';
import type { Study } from '../../../../src/study/trial.ts';
import { NOISY_DEVICE, simulateStudy } from '../../../fixtures/simulated-study.ts';
import { makeSample, makeStudy, makeTrial } from '../trials.ts';

const strategies = ['identity', 'a', 'b', 'c', 'd', 'e'].map((name) => ({ name, latencyMs: 8 }));
const still = { ...NOISY_DEVICE, wander: 0, driftPerHour: 0 };

function driftIn(study: Study): Drift {
  const drift = driftOfStudy(study);
  if (!drift) throw new Error('nothing told of the device');
  return drift;
}

describe('levelsOf', () => {
  const random = seededRandom(5);
  const levels = (values: readonly number[]) => levelsOf(values, differenceNoise(values));
  const noise = (length: number): number[] =>
    Array.from({ length }, () => 0.03 * (random() + random() + random() - 1.5));
  it('finds one level in noise, with few exceptions', () => {
    const counts = Array.from({ length: 300 }, () => levels(noise(40)).length);
    expect(counts.filter((count) => count > 1).length).toBeLessThan(15);
  });
  it('finds where levels change, in order and without gaps', () => {
    const values = [...noise(30), ...noise(20).map((value) => value + 0.2), ...noise(25)];
    const found = levels(values);
    expect(found.map(({ from, to }) => [from, to])).toEqual([
      [0, 30],
      [30, 50],
      [50, 75],
    ]);
    expect(found[1]?.mean).toBeCloseTo(0.2, 1);
  });
  it('takes any series, and is not moved by where it lies', () => {
    expect(levelsOf([], 0.01)).toEqual([]);
    expect(levelsOf([3], 0.01)).toEqual([{ from: 0, to: 1, mean: 3 }]);
    const values = [...noise(12), ...noise(12).map((value) => value + 0.3)];
    const far = levels(values.map((value) => value + 1e6));
    expect(far.map(({ from }) => from)).toEqual(levels(values).map(({ from }) => from));
  });
});

describe('the drift of a study', () => {
  it('is none on a device that does not change, whatever single inferences do', () => {
    const states = Array.from(
      { length: 40 },
      (_, seed) => driftIn(simulateStudy(strategies, PROTOCOLS.quick, still, seed)).state,
    );
    expect(states.filter((state) => state === 'steady').length).toBeGreaterThan(35);
  });
  it('finds throttling and since when, and takes it out of the times', () => {
    const throttling = { afterMs: 8_000, ratio: 1.4 };
    const study = simulateStudy(strategies, PROTOCOLS.standard, { ...still, throttling }, 3);
    const drift = driftIn(study);
    expect(drift.state).toBe('throttled');
    expect(drift.throttled?.ratio).toBeCloseTo(1.4, 1);
    const startMs = Math.min(
      ...study.trials.flatMap(({ samples }) => samples.map((sample) => sample.startedAtMs)),
    );
    expect(Math.abs((drift.throttled?.fromMs ?? 0) - startMs - 8_000)).toBeLessThan(1_500);
    expect(driftSentence(drift)).toMatch(
      /throttled, or other work went on to the end: at last identity took (39|4\d)(\.\d)? % longer/,
    );
    for (const trial of study.trials) {
      const spread = (values: readonly number[]): number => {
        const summary = summarise(values);
        return (summary?.p90 ?? 0) / (summary?.median ?? 1);
      };
      const samples = timedSamples(trial);
      const rawSpread = spread(samples.map(({ computeMs }) => computeMs));
      const corrected = samples.map((sample) => correctedLatencyMs(drift, sample));
      expect(Math.max(rawSpread, 1.3)).toBeGreaterThan(spread(corrected) + 0.15);
    }
  });
  it('leaves times as they are where the device did not change', () => {
    const drift = driftIn(simulateStudy(strategies, PROTOCOLS.quick, still, 1));
    expect(drift.state).toBe('steady');
    expect(deviceRatioAt(drift, drift.visits[3]?.atMs ?? 0)).toBe(1);
    const sample = makeSample({ computeMs: 7 });
    expect(correctedLatencyMs(drift, sample)).toBe(7);
    expect(correctedLatencyMs(null, sample)).toBe(7);
  });
  it('is not confused by a clock that jumps back', () => {
    const study = simulateStudy(strategies, PROTOCOLS.quick, still, 2);
    const jumped = study.trials.map((trial) => ({
      ...trial,
      samples: trial.samples.map((sample) =>
        sample.sequence < 300 ? sample : { ...sample, startedAtMs: sample.startedAtMs - 3_600_000 },
      ),
    }));
    const { visits, slopePerHour, state } = driftIn(makeStudy(jumped));
    const times = visits.map(({ atMs }) => atMs);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(Number.isFinite(slopePerHour)).toBe(true);
    expect(state).toBe('steady');
  });
  it('is not called none where so much else went on that none could be told', () => {
    const disturbed = { ...still, visitNoise: 0.4 };
    const drift = driftIn(simulateStudy(strategies, PROTOCOLS.quick, disturbed, 1));
    expect(drift.state).toBe('restless');
    expect(driftSentence(drift)).toMatch(/Other work disturbed the device.* more than \d\d+\.\d % could/);
    const quiet = driftIn(simulateStudy(strategies, PROTOCOLS.quick, still, 1));
    expect(quiet.leastChange).toBeLessThan(0.1);
    expect(driftSentence(quiet)).toMatch(/equally fast.*one by \d\.\d % would have been told/);
  });
  it('promises no more than it finds: a change half as large again is told nearly always', () => {
    const { leastChange } = driftIn(simulateStudy(strategies, PROTOCOLS.quick, still, 1));
    const throttling = { afterMs: 3_400, ratio: 1 + 1.5 * leastChange };
    const states = Array.from(
      { length: 10 },
      (_, seed) => driftIn(simulateStudy(strategies, PROTOCOLS.quick, { ...still, throttling }, seed)).state,
    );
    expect(states.filter((state) => state === 'drifting' || state === 'throttled').length).toBeGreaterThan(8);
  });
  it('is told by the unchanged model, and by nothing where nothing ran', () => {
    expect(driftOfStudy(makeStudy([makeTrial('a')]))).toBeNull();
    const study = simulateStudy(strategies, PROTOCOLS.quick, still, 4);
    expect(driftIn(study).reference.strategy.name).toBe('identity');
    const few = makeStudy(study.trials.map((trial) => ({ ...trial, samples: trial.samples.slice(0, 50) })));
    expect(driftIn(few).state).toBe('unknown');
    expect(driftSentence(driftIn(few))).toContain('too few to tell');
  });
});

it('leaves what was sent between tiers out of the correction', () => {
  const throttling = { afterMs: 3_000, ratio: 2 };
  const drift = driftIn(simulateStudy(strategies, PROTOCOLS.quick, { ...still, throttling }, 1));
  const last = drift.visits.at(-1);
  const ratio = deviceRatioAt(drift, last?.atMs ?? 0);
  expect(ratio).toBeGreaterThan(1);
  const emulated = {
    decodeMs: 1,
    preprocessMs: 1,
    computeMs: 10,
    transferBytes: 1000,
    transferMs: 30,
    postprocessMs: 1,
    totalMs: 43,
  };
  const sample = makeSample({ startedAtMs: last?.atMs ?? 0, emulated });
  expect(correctedLatencyMs(drift, sample)).toBeCloseTo(30 + 10 / ratio, 9);
});
