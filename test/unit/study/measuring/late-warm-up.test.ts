import { describe, expect, it } from 'vitest';
import { lateWarmUp, withLateWarmUp } from '../../../../src/study/measuring/late-warm-up.ts';
import { timedSamples } from '../../../../src/study/metrics.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import { summarise } from '../../../../src/study/statistics/summary.ts';
import type { Protocol, Trial } from '../../../../src/study/trial.ts';
import { NOISY_DEVICE, type SimulatedDevice, simulateStudy } from '../../../fixtures/simulated-study.ts';

const strategies = ['identity', 'a', 'b', 'int8'].map((name) => ({ name, latencyMs: 8 }));

function measured(seed: number, device: SimulatedDevice = NOISY_DEVICE, change: Partial<Protocol> = {}) {
  return simulateStudy(strategies, { ...PROTOCOLS.quick, ...change }, device, seed).trials;
}

/** The last strategy's better code came after these rounds. */
function slowAtFirst(trials: readonly Trial[], rounds: number): readonly Trial[] {
  return trials.map((trial, at) =>
    at < trials.length - 1
      ? trial
      : {
          ...trial,
          samples: trial.samples.map((sample) =>
            sample.round < rounds ? { ...sample, computeMs: 5 * sample.computeMs } : sample,
          ),
        },
  );
}

const found = (trials: readonly Trial[]) => trials.map((trial) => lateWarmUp(trial, trials));

describe('a warm-up that goes on in the first rounds', () => {
  it('is found to the round, and its rounds are counted as warm-up, not as slow', () => {
    for (const rounds of [1, 3]) {
      const trials = slowAtFirst(measured(3), rounds);
      const [identity, a, b, late] = found(trials);
      expect([identity, a, b]).toEqual([null, null, null]);
      expect(late?.steadyRound).toBe(rounds);
      expect(late?.ratio).toBeCloseTo(5, 0);
      const trial = late && withLateWarmUp(trials[3] as Trial, late);
      const times = timedSamples(trial as Trial).map(({ computeMs }) => computeMs);
      expect(times).toHaveLength((8 - rounds) * 7);
      expect(summarise(times)?.mean).toBeLessThan(10);
      expect(trial?.warnings.join()).toMatch(new RegExp(`Up to round ${rounds} it took [45]\\.\\d\\d ×`));
      expect(trial?.samples).toHaveLength((trials[3] as Trial).samples.length);
    }
  });
  it('is not found where nothing of that kind happened, on devices that are noisy, throttled or get faster', () => {
    const devices: Partial<SimulatedDevice>[] = [
      {},
      { throttling: { afterMs: 2500, ratio: 1.5 } },
      { throttling: { afterMs: 2500, ratio: 0.6 } },
      { autocorrelation: 0.9, spikes: 0.1 },
    ];
    for (const change of devices) {
      let count = 0;
      for (let seed = 0; seed < 6; seed++)
        count += found(measured(seed, { ...NOISY_DEVICE, ...change })).filter(Boolean).length;
      expect(count, JSON.stringify(change)).toBeLessThanOrEqual(1);
    }
  });
  it('is left alone where papers say how long it is, nothing runs beside, or most rounds are slow', () => {
    const ordered = (change: Partial<Protocol>) =>
      slowAtFirst(measured(3), 3).map((trial) => ({ ...trial, protocol: { ...trial.protocol, ...change } }));
    expect(found(ordered({ order: 'sequential' }))).toEqual([null, null, null, null]);
    const { mostWarmUpRuns: _, ...fixed } = PROTOCOLS.quick;
    const papers = ordered({}).map((trial) => ({ ...trial, protocol: fixed }));
    expect(found(papers)).toEqual([null, null, null, null]);
    const last = slowAtFirst(measured(3), 3)[3] as Trial;
    expect(lateWarmUp(last, [last])).toBeNull();
    expect(found(slowAtFirst(measured(3), 6))[3]).toBeNull();
  });
});
