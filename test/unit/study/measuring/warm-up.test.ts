import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  nextWarmUpRuns,
  shortWarmUp,
  steadyFrom,
  warmUpOf,
} from '../../../../src/study/measuring/warm-up.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';

/** About so much, two percent up or down. */
function noisy(levelMs: number, runs: number, seed = 1): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: runs }, () => levelMs * (1 + 0.04 * (random() - 0.5)));
}

describe('steadyFrom', () => {
  it('finds where the slow first runs end', () => {
    for (let seed = 1; seed <= 50; seed++) {
      expect(steadyFrom([90, 40, ...noisy(20, 12, seed)])).toBe(2);
      expect(steadyFrom([...noisy(30, 10, seed), ...noisy(20, 10, seed + 100)])).toBe(10);
    }
  });
  it('calls a series without a change steady from its start', () => {
    const starts = Array.from({ length: 200 }, (_, seed) => steadyFrom(noisy(20, 20, seed)));
    expect(starts.filter((start) => start === 0).length).toBeGreaterThan(190);
  });
  it('passes over single slow runs, but not over those at the start', () => {
    const runs = noisy(20, 20);
    expect(steadyFrom([...runs.slice(0, 9), 80, ...runs.slice(9)])).toBe(0);
    expect(steadyFrom([...runs.slice(0, 9), 80, 70, ...runs.slice(9)])).toBe(0);
    expect(steadyFrom([80, ...runs])).toBe(1);
  });
  it('does not take a descent for its end', () => {
    const descent = Array.from({ length: 40 }, (_, run) => 100 * 0.97 ** run);
    expect(steadyFrom(descent)).toBeNull();
    expect(steadyFrom([...descent, ...noisy(30, 30)])).toBeGreaterThan(35);
  });
  it('takes levels within 3 % for one', () => {
    expect(steadyFrom([...noisy(20, 20, 1), ...noisy(20.4, 20, 2)])).toBe(0);
  });
  it('knows nothing of few runs, and everything of constant ones, zeros of a coarse clock included', () => {
    expect(steadyFrom([])).toBeNull();
    expect(steadyFrom([20, 20])).toBeNull();
    expect(steadyFrom(Array<number>(8).fill(0.1))).toBe(0);
    expect(steadyFrom(Array<number>(8).fill(0))).toBe(0);
    const steps = Array.from({ length: 20 }, (_, run) => (run % 3 === 0 ? 0.2 : 0.1));
    expect(steadyFrom(steps)).toBe(0);
  });
});

describe('a warm-up', () => {
  const { quick } = PROTOCOLS;
  /** Runs as the runner makes them. */
  function warmedUp(latencyOf: (run: number) => number) {
    const latenciesMs: number[] = [];
    for (let runs; (runs = nextWarmUpRuns(quick, latenciesMs)) > 0; ) {
      for (let run = 0; run < runs; run++) latenciesMs.push(latencyOf(latenciesMs.length));
    }
    return warmUpOf(quick, 7, latenciesMs);
  }
  it('ends when latency is steady, and tells from where', () => {
    expect(warmedUp(() => 200)).toEqual({ firstSequence: 7, runs: 5, steadyFrom: 0, state: 'steady' });
    const late = warmedUp((run) => (run < 3 ? 400 : 200));
    expect(late).toMatchObject({ steadyFrom: 3, state: 'steady' });
    expect(late.runs).toBe(10);
  });
  it('takes half a second at least, if that many runs are allowed, as engines look steady long before they are', () => {
    expect(warmedUp(() => 20)).toMatchObject({ runs: 25, steadyFrom: 0 });
    expect(warmedUp((run) => (run < 12 ? 30 : 10))).toMatchObject({ runs: 30, steadyFrom: 12 });
    expect(warmedUp(() => 1)).toMatchObject({ runs: 30, steadyFrom: 0, state: 'steady' });
  });
  it('ends after the most runs that the protocol allows, and tells that it never was', () => {
    expect(warmedUp((run) => 100 * 0.9 ** run)).toEqual({
      firstSequence: 7,
      runs: 30,
      steadyFrom: null,
      state: 'never-steady',
    });
  });
  it('is of fixed length where the protocol wants that, or of none', () => {
    const fixed = { ...quick, mostWarmUpRuns: undefined as never, warmUpRuns: 100 };
    expect(nextWarmUpRuns(fixed, [])).toBe(100);
    expect(nextWarmUpRuns(fixed, noisy(20, 100))).toBe(0);
    expect(warmUpOf(fixed, 0, noisy(20, 100))).toMatchObject({ state: 'fixed', steadyFrom: 0 });
    expect(nextWarmUpRuns({ ...fixed, warmUpRuns: 0 }, [])).toBe(0);
  });
});

describe('shortWarmUp', () => {
  const { mostWarmUpRuns: _most, ...fixed } = { ...PROTOCOLS.quick, warmUpRuns: 100 };
  it('ends a fixed number of runs when it is steady', () => {
    expect(nextWarmUpRuns(fixed, noisy(20, 10))).toBe(90);
    expect(nextWarmUpRuns(shortWarmUp(fixed), [])).toBe(10);
    expect(nextWarmUpRuns(shortWarmUp(fixed), noisy(20, 10))).toBe(5);
    expect(nextWarmUpRuns(shortWarmUp(fixed), noisy(60, 10))).toBe(0);
    expect(nextWarmUpRuns(shortWarmUp(fixed), noisy(2, 100))).toBe(0);
  });
  it('leaves fewer runs as they are', () => {
    expect(shortWarmUp({ ...fixed, warmUpRuns: 3 })).toMatchObject({ warmUpRuns: 3, mostWarmUpRuns: 3 });
  });
});
