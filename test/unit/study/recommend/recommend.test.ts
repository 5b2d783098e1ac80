import { describe, expect, it } from 'vitest';
import { factsOf, type StrategyFacts } from '../../../../src/study/compare/strategy-facts.ts';
import { DEFAULT_SETUP, type PlacementName } from '../../../../src/study/placement/tiers.ts';
import { withDeviceNames } from '../../../../src/study/devices/device-runs.ts';
import { recommendForAll } from '../../../../src/study/recommend/across-devices.ts';
import { imagesNeeded, roundsNeeded } from '../../../../src/study/recommend/measure-next.ts';
import { recommend } from '../../../../src/study/recommend/recommend.ts';
import { NO_LIMITS } from '../../../../src/study/recommend/wishes.ts';
import type { Trial } from '../../../../src/study/trial.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { simulatedFacts } from '../compare/evaluated.ts';
import { environment, makeSample, makeTrial } from '../trials.ts';

const images = 200;

interface Given {
  readonly latencyMs: number;
  /** Of 200 images. */
  readonly wrong?: number;
  readonly rawBytes?: number;
  readonly recipe?: Recipe;
  readonly cores?: number;
}

function trialOf(name: string, { latencyMs, wrong = 0, rawBytes = 1e6, recipe, cores = 2 }: Given): Trial {
  const labels = Array.from({ length: images }, () => 1);
  const top1 = labels.map((_, at) => (at < wrong ? 0 : 1));
  const right = images - wrong;
  const base = makeTrial(name);
  return makeTrial(name, {
    strategy: { ...base.strategy, recipe: recipe ?? base.strategy.recipe },
    environment: { ...environment, hardwareConcurrency: cores },
    samples: Array.from({ length: 120 }, (_, at) =>
      makeSample({ round: Math.floor(at / 6), sequence: at, computeMs: latencyMs * (1 + 0.01 * (at % 7)) }),
    ),
    predictions: {
      imageIndices: [...labels.keys()],
      top1,
      top5: labels.map(() => []),
      confidence: labels.map(() => 0.5),
      exitIndex: labels.map(() => null),
      labels,
    },
    accuracy: { images, labelledImages: images, top1Correct: right, top5Correct: null, agreeing: right },
    size: { rawBytes, gzipBytes: null, params: 1, nonZeroParams: 1, macs: 1, macsToExit: [] },
  });
}

const quantized: Recipe = [{ op: 'quantize', mode: 'dynamic' }];
const pruned: Recipe = [{ op: 'prune', kind: 'structured', ratio: 0.5 }];

const original = trialOf('identity', { latencyMs: 20, wrong: 20, rawBytes: 4e6 });
const q = trialOf('Q', { latencyMs: 10, wrong: 24, rawBytes: 1e6, recipe: quantized });
const p = trialOf('P50', { latencyMs: 15, wrong: 60, rawBytes: 0.5e6, recipe: pruned });
const facts = [original, q, p].map(factsOf);

function winnerOf(...args: Parameters<typeof recommend>): string | null {
  const { outcome } = recommend(...args);
  return outcome.kind === 'chosen' ? outcome.winner.name : null;
}

describe('recommend', () => {
  it('names the strategy for each wish', () => {
    expect(winnerOf(facts, NO_LIMITS, 'fastest')).toBe('Q');
    expect(winnerOf(facts, NO_LIMITS, 'smallest')).toBe('P50');
    expect(winnerOf(facts, NO_LIMITS, 'most-accurate')).toBe('identity');
    expect(winnerOf(facts, NO_LIMITS, 'balanced')).toBe('Q');
  });

  it('keeps within the limits', () => {
    expect(winnerOf(facts, { ...NO_LIMITS, accuracyLoss: 0.01 }, 'fastest')).toBe('identity');
    expect(winnerOf(facts, { ...NO_LIMITS, accuracyLoss: 0.02 }, 'fastest')).toBe('Q');
    expect(winnerOf(facts, { ...NO_LIMITS, rawBytes: 8e5 }, 'most-accurate')).toBe('P50');
  });

  it('tells the runner-up and the evidence with its numbers', () => {
    const { outcome, evidence } = recommend(facts, NO_LIMITS, 'fastest');
    expect(outcome).toMatchObject({ kind: 'chosen', fitting: 3, runnerUp: { name: 'P50' } });
    expect(evidence[0]).toBe('Q has the least latency of the 3 strategies measured.');
    expect(evidence[1]).toMatch(
      /^Q is 1\.50 × as fast as P50 \(95 % interval .*after Holm over 3 pairs\), and 18\.0 points more accurate/,
    );
    expect(evidence.join(' ')).toContain('Q is 2.00 × as fast as identity');
    expect(evidence.join(' ')).toContain('2.0 points less accurate');
  });

  it('says that a loss within the limit may be beyond it on other images', () => {
    const { evidence } = recommend(facts, { ...NO_LIMITS, accuracyLoss: 0.02 }, 'fastest');
    expect(evidence.at(-1)).toMatch(/^On other images Q may lose up to \d\.\d points, more than allowed/);
  });

  it('says what would change its mind, and that is so', () => {
    const limits = { ...NO_LIMITS, accuracyLoss: 0.01 };
    const { mindChangers } = recommend(facts, limits, 'fastest');
    const relaxed = mindChangers.find(
      ({ text }) => text === 'Allowing a loss of 2.0 points makes Q the best.',
    );
    expect(relaxed?.trialId).toBe(q.id);
    expect(winnerOf(facts, { ...limits, accuracyLoss: relaxed?.threshold ?? 0 }, 'fastest')).toBe('Q');
  });

  it('names the nearest where nothing fits, and by how much it misses', () => {
    const { outcome } = recommend(facts, { ...NO_LIMITS, latencyP90Ms: 8, accuracyLoss: 0.05 }, 'fastest');
    expect(outcome).toMatchObject({ kind: 'nothing-fits', nearest: { name: 'Q' } });
    expect(outcome.kind === 'nothing-fits' && outcome.misses).toEqual([
      'Q takes 10.6 ms at the 90th percentile, 8.00 ms are allowed (33 % too much).',
    ]);
  });

  it('offers combinations that were not measured and may be better', () => {
    const { next } = recommend(facts, NO_LIMITS, 'fastest');
    expect(next.join('\n')).toBe(
      'Q and P50 together were not measured: if their gains multiply, 7.73 ms with 22.0 % of the answers lost.',
    );
  });

  it('offers none that would not be the best for the wish', () => {
    expect(recommend(facts, NO_LIMITS, 'balanced').next.join(' ')).not.toContain(
      'together were not measured',
    );
  });

  it('says why there is no answer', () => {
    const reasonOf = (some: readonly StrategyFacts[]): string => {
      const { outcome } = recommend(some, NO_LIMITS, 'most-accurate');
      return outcome.kind === 'no-answer' ? outcome.reason : outcome.kind;
    };
    expect(reasonOf([])).toBe('No strategy was measured yet.');
    const allFailed = facts.map((each) => ({ ...each, state: 'failed' as const }));
    expect(reasonOf(allFailed)).toBe('No strategy was measured: all 3 failed.');
    expect(recommend(allFailed, NO_LIMITS, 'fastest').next).toEqual([
      'Look at what failed: identity, Q, P50 took no part in this.',
    ]);
    expect(
      reasonOf([factsOf(makeTrial('failed', { state: { kind: 'failed', code: 'x', message: 'y' } }))]),
    ).toBe('No strategy was measured: the only one failed.');
    const random = { ...original, preprocessing: { ...original.preprocessing, random: true as const } };
    expect(reasonOf([factsOf(random)])).toContain('random inputs');
    expect(winnerOf([factsOf(random)], NO_LIMITS, 'fastest')).toBe('identity');
  });
});

describe('recommend over links', () => {
  function placed(name: PlacementName, bandwidthMbps: number): StrategyFacts {
    const trial = trialOf(name, { latencyMs: 0 });
    const placement = {
      name,
      sends: 'input-tensor',
      setup: {
        ...DEFAULT_SETUP,
        links: { ...DEFAULT_SETUP.links, 'mobile-edge': { bandwidthMbps, rttMs: 4, jitterMs: 0 } },
      },
    } as const;
    // 100 kB cross; 5 ms on this device and 5 on the edge.
    const transferMs = 4 + (8 * 100_000) / (1000 * bandwidthMbps);
    const emulated = {
      decodeMs: 0,
      preprocessMs: 0,
      computeMs: 10,
      tierMs: [5, 5],
      transferBytes: 100_000,
      transferMs,
      postprocessMs: 0,
      totalMs: 10 + transferMs,
    };
    return factsOf({
      ...trial,
      strategy: { ...trial.strategy, placement },
      samples: trial.samples.map((sample) => ({ ...sample, emulated })),
    });
  }
  const here = factsOf(trialOf('identity', { latencyMs: 24 }));

  it('finds the bandwidth from which on another placement is the best', () => {
    // 24.72 ms here, 10 + 4 + 800 / bandwidth there: level at 74.6 Mbit/s.
    const { outcome, mindChangers } = recommend([here, placed('mobile-edge', 10)], NO_LIMITS, 'fastest');
    expect(outcome).toMatchObject({ kind: 'chosen', winner: { name: 'identity' } });
    const change = mindChangers.find(({ what }) => what === 'bandwidth');
    expect(change?.threshold).toBeCloseTo(800 / (24.72 - 14), 0);
    expect(change?.text).toBe('A link to the edge above 75 Mbit/s makes mobile-edge the best.');
  });

  it('says that no link helps where that is so', () => {
    const quick = factsOf(trialOf('identity', { latencyMs: 9 }));
    const { mindChangers } = recommend([quick, placed('mobile-edge', 10)], NO_LIMITS, 'fastest');
    expect(mindChangers.map(({ text }) => text)).toContain(
      'However fast the links, none of the placements measured becomes better than identity.',
    );
  });

  it("looks at all on the user's own link, and only at tiers that are allowed", () => {
    const all = [here, placed('mobile-edge', 10)];
    const link = { bandwidthMbps: 400, rttMs: 4 };
    expect(winnerOf(all, { ...NO_LIMITS, link }, 'fastest')).toBe('mobile-edge');
    expect(winnerOf(all, { ...NO_LIMITS, link, tiers: ['mobile'] }, 'fastest')).toBe('identity');
    const { mindChangers } = recommend(all, { ...NO_LIMITS, link }, 'fastest');
    expect(mindChangers.map(({ text }) => text)).toContain(
      'A link to the edge below 75 Mbit/s makes identity the best.',
    );
  });
});

describe('recommendForAll', () => {
  it('never ranks what was measured on other images, and tells devices by the names they were given', () => {
    const elsewhere = [original, q].map((trial) =>
      factsOf({ ...trial, id: `other-${trial.id}`, datasetId: 'other', datasetName: 'cats.zip' }),
    );
    const named = withDeviceNames(
      facts.map((each) => ({ ...each, studyId: 'mine' })),
      [{ id: 'mine', deviceName: 'My phone' }],
    );
    const { devices, shared, sharedText } = recommendForAll([...named, ...elsewhere], NO_LIMITS, 'fastest');
    expect(devices.map(({ deviceName, measured }) => [deviceName, measured])).toEqual([
      ['My phone', 3],
      ['Linux, 2 cores', 2],
    ]);
    expect([shared, sharedText]).toEqual([
      null,
      'Linux, 2 cores took other images or another protocol, and is advised on alone.',
    ]);
    const both = recommendForAll([...facts, ...elsewhere], NO_LIMITS, 'fastest').devices;
    expect(both.map(({ deviceName }) => deviceName)).toEqual([
      'Linux, 2 cores, images.zip',
      'Linux, 2 cores, cats.zip',
    ]);
  });

  const phone = [
    trialOf('identity', { latencyMs: 20, cores: 8 }),
    trialOf('Q', { latencyMs: 40, cores: 8, recipe: quantized }),
    trialOf('P50', { latencyMs: 21, cores: 8, recipe: pruned }),
  ];
  const laptop = [
    trialOf('identity', { latencyMs: 20 }),
    trialOf('Q', { latencyMs: 10, recipe: quantized }),
    trialOf('P50', { latencyMs: 11, recipe: pruned }),
  ];

  it('names the best of each device and one for all, with what it costs', () => {
    const { devices, shared, sharedText } = recommendForAll(
      [...phone, ...laptop].map(factsOf),
      NO_LIMITS,
      'fastest',
    );
    expect(devices.map(({ outcome }) => outcome.kind === 'chosen' && outcome.winner.name)).toEqual([
      'identity',
      'Q',
    ]);
    expect(shared).toMatchObject({ name: 'P50', worstDevice: 'Linux, 2 cores' });
    expect(sharedText).toBe(
      'One for all 2 devices: P50; it takes at most 10 % longer than the fastest that fits, on Linux, 2 cores.',
    );
  });

  it('says so where nothing was measured on all of them', () => {
    const some = [phone[0], laptop[1]].flatMap((trial) => (trial ? [factsOf(trial)] : []));
    expect(recommendForAll(some, NO_LIMITS, 'fastest').sharedText).toBe(
      'No strategy was measured on all 2 devices: measure the same recipes on each.',
    );
  });
});

describe('what to measure next', () => {
  it('needs fewer rounds for a larger difference, and none tells equals apart', () => {
    const noisy = (factor: number) =>
      factsOf(
        makeTrial('any', {
          samples: Array.from({ length: 20 }, (_, round) =>
            makeSample({ round, computeMs: factor * (10 + (round % 2)) }),
          ),
        }),
      );
    const alternating = factsOf(
      makeTrial('b', {
        samples: Array.from({ length: 20 }, (_, round) => makeSample({ round, computeMs: 10 })),
      }),
    );
    expect(roundsNeeded(alternating, noisy(0.98))).toBeGreaterThan(
      roundsNeeded(alternating, noisy(1.1)) ?? 0,
    );
    expect(roundsNeeded(alternating, alternating)).toBe(Infinity);
  });

  it('wants more rounds than there are, and the more pairs are adjusted for, the more', () => {
    const [a, b] = simulatedFacts([10, 10.2]) as [StrategyFacts, StrategyFacts];
    const rounds = new Set(a.round).size;
    const alone = roundsNeeded(a, b) ?? 0;
    expect(alone).toBeGreaterThan(rounds);
    expect(roundsNeeded(a, b, 153)).toBeGreaterThanOrEqual(alone);
  });

  it('counts the images that a difference in accuracy takes', () => {
    // 20 against 24 wrong of 200: 4 in 200 differ, all in favour of one.
    const [a, b] = [original, q].map(factsOf) as [StrategyFacts, StrategyFacts];
    expect(imagesNeeded(a, b)).toBe(Math.ceil(((1.959964 + 0.8416212) ** 2 * 0.02) / 0.02 ** 2));
  });
});
