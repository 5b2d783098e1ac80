import { describe, expect, it } from 'vitest';
import { interferenceOf, interferenceWarnings } from '../../../../src/study/measuring/interference.ts';
import {
  batteryPercentPerThousand,
  batterySharePerHour,
} from '../../../../src/study/measuring/battery-use.ts';
import { measuringNotes } from '../../../../src/study/measuring/notes.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import type { Sample } from '../../../../src/study/trial.ts';
import { NOISY_DEVICE, simulateStudy } from '../../../fixtures/simulated-study.ts';
import { makeSample, makeTrial } from '../trials.ts';

const random = seededRandom(9);

/** Ten rounds of ten samples around a level that may depend on both. */
function trialWith(
  levelOf: (round: number, run: number) => number,
  change: (run: number) => Partial<Sample> = () => ({}),
) {
  return makeTrial('a', {
    samples: Array.from({ length: 100 }, (_, sequence) => {
      const round = Math.floor(sequence / 10);
      const computeMs = levelOf(round, sequence) * (1 + 0.03 * (random() + random() - 1));
      return makeSample({ sequence, round, computeMs, ...change(sequence) });
    }),
  });
}

describe('other work on the device', () => {
  it('is not told of a quiet one', () => {
    const told = Array.from({ length: 30 }, (_, seed) => {
      const [trial] = simulateStudy(
        [{ name: 'a', latencyMs: 5 }],
        PROTOCOLS.quick,
        { ...NOISY_DEVICE, wander: 0 },
        seed,
      ).trials;
      return trial ? interferenceWarnings(trial) : ['none'];
    });
    expect(told.filter((warnings) => warnings.length > 0).length).toBeLessThanOrEqual(3);
  });
  it('shows as inferences that took far longer', () => {
    const trial = trialWith((_, run) => (run % 12 === 0 ? 15 : 5));
    expect(interferenceOf(trial)?.outlierShare).toBeCloseTo(0.09, 2);
    expect(interferenceWarnings(trial).join()).toContain('9 % of the inferences took far longer');
  });
  it('shows as two levels that times jump between', () => {
    const trial = trialWith(() => (random() < 0.6 ? 5 : 8));
    expect(interferenceOf(trial)?.secondLevelRatio).toBeCloseTo(1.6, 1);
    expect(interferenceWarnings(trial).join()).toContain('two levels');
    expect(interferenceOf(trialWith(() => 5))?.secondLevelRatio).toBeNull();
    expect(interferenceOf(trialWith(() => 5 + 5 * random()))?.secondLevelRatio).toBeNull();
  });
  it('shows as rounds that differ by more than their inferences do', () => {
    const trial = trialWith((round) => 5 * (1 + 0.2 * (round % 3)));
    expect(interferenceOf(trial)?.roundSpread).toBeGreaterThan(0.05);
    expect(interferenceOf(trialWith(() => 5))?.roundSpread).toBeLessThan(0.02);
  });
  it('is not seen in exits, which differ by nature', () => {
    const exits = trialWith(
      (_, run) => (run % 2 === 0 ? 5 : 15),
      (run) => ({ exitIndex: run % 2 }),
    );
    expect(interferenceWarnings(exits)).toEqual([]);
  });
  it('is not made of constant times, a coarse clock or too few of them', () => {
    const constant = makeTrial('a', {
      samples: Array.from({ length: 40 }, (_, sequence) =>
        makeSample({ sequence, round: sequence % 4, computeMs: 0.1 }),
      ),
    });
    expect(interferenceWarnings(constant)).toEqual([]);
    const zeros = { ...constant, samples: constant.samples.map((sample) => ({ ...sample, computeMs: 0 })) };
    expect(interferenceOf(zeros)).toBeNull();
    expect(interferenceOf(makeTrial('a', { samples: [makeSample()] }))).toBeNull();
  });
});

describe('what is told of measuring a trial', () => {
  it('names a warm-up that never got steady, pressure, the charger and a low battery', () => {
    const trial = makeTrial('a', {
      warmUps: [{ firstSequence: 0, runs: 30, steadyFrom: null, state: 'never-steady' }],
      events: [
        { kind: 'battery', atMs: 0, level: 0.21, charging: true },
        { kind: 'battery', atMs: 10, level: 0.2, charging: false },
        { kind: 'pressure', atMs: 20, state: 'critical' },
        { kind: 'pressure', atMs: 30, state: 'nominal' },
        { kind: 'paused', atMs: 40 },
      ],
    });
    expect(measuringNotes(trial)).toEqual([
      'Latency never got steady in 30 warm-up runs: its first rounds may be slower or faster than the rest.',
      'The browser called the CPU overloaded once while this ran.',
      'The charger was plugged in or out while this ran; many devices change their speed then.',
      'The battery was at 20.0 % and not charging; many devices slow down then.',
    ]);
    expect(measuringNotes(makeTrial('a'))).toEqual([]);
  });
});

describe('battery use', () => {
  const at = (minutes: number, level: number, charging = false) =>
    ({ kind: 'battery', atMs: minutes * 60_000, level, charging }) as const;
  it('is what went while nothing charged, per hour', () => {
    const trials = [
      makeTrial('a', { events: [at(0, 0.9), at(10, 0.88)] }),
      makeTrial('b', { events: [at(30, 0.86, true), at(40, 0.95), at(60, 0.94)] }),
    ];
    // 4 points in 30 minutes, then charging, then 1 point in 20.
    expect(batterySharePerHour(trials)).toBeCloseTo(0.05 / (50 / 60), 9);
    expect(batteryPercentPerThousand(0.06, 36)).toBeCloseTo(0.06, 9);
  });
  it('is unknown where too little went, or nothing was told', () => {
    expect(batterySharePerHour([makeTrial('a')])).toBeNull();
    expect(batterySharePerHour([makeTrial('a', { events: [at(0, 0.9), at(30, 0.89)] })])).toBeNull();
    expect(batterySharePerHour([makeTrial('a', { events: [at(0, 0.9, true), at(30, 0.5)] })])).toBeNull();
  });
});
