import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import { emulate, type PartFacts } from '../../../../src/study/placement/emulate.ts';
import { latencyUnder, linkLoads } from '../../../../src/study/placement/link-loads.ts';
import {
  DEFAULT_SETUP,
  PLACEMENT_NAMES,
  type PlacementName,
  type TierSetup,
  tiersOfPlacement,
} from '../../../../src/study/placement/tiers.ts';
import { makeSample, makeTrial } from '../trials.ts';

const parts: PartFacts = {
  partOfSegment: [0, 1, 2],
  crossingBytes: [30_000, 8_000],
  inputBytes: 150_000,
  partBytes: [1, 1, 1],
};

function trialUnder(name: PlacementName, setup: TierSetup, jitter: () => number = () => 0.5) {
  const count = tiersOfPlacement(name).length;
  const random = seededRandom(3);
  const placement = { name, sends: 'encoded-image', setup } as const;
  const samples = Array.from({ length: 200 }, (_, sequence) => {
    const imageBytes = 20_000 + Math.round(5000 * random());
    // Every third inference leaves early.
    const length = sequence % 3 === 0 ? 1 : count;
    const segmentMs = Array.from({ length }, () => 5 + random());
    const sample = makeSample({ sequence, segmentMs });
    return { ...sample, emulated: emulate(sample, parts, placement, imageBytes, jitter) };
  });
  const base = makeTrial(name);
  return makeTrial(name, { strategy: { ...base.strategy, placement }, samples });
}

const latencies = (trial: ReturnType<typeof trialUnder>) =>
  trial.samples.map(({ emulated }) => (emulated?.computeMs ?? 0) + (emulated?.transferMs ?? 0));

const other: TierSetup = {
  tiers: { ...DEFAULT_SETUP.tiers, edge: { speedFactor: 2, memoryLimitBytes: null } },
  links: {
    'mobile-edge': { bandwidthMbps: 7, rttMs: 30, jitterMs: 0 },
    'edge-cloud': { bandwidthMbps: 90, rttMs: 11, jitterMs: 0 },
  },
};

const emulatedNames = PLACEMENT_NAMES.filter((name) => name !== 'mobile');

describe('latencyUnder', () => {
  it.each(emulatedNames)('tells what %s would take on other links and tiers', (name) => {
    const loads = linkLoads(trialUnder(name, DEFAULT_SETUP));
    const wanted = latencies(trialUnder(name, other));
    const found = loads ? [...latencyUnder(loads, other)] : [];
    expect(found).toHaveLength(wanted.length);
    found.forEach((ms, at) => expect(ms).toBeCloseTo(wanted[at] ?? 0, 6));
  });

  it('finds what a cut sends among jitter', () => {
    const loads = linkLoads(trialUnder('edge-cloud', DEFAULT_SETUP, seededRandom(9)));
    expect(loads?.links['edge-cloud'].bytes[1]).toBeGreaterThan(0.99 * 30_000);
    expect(loads?.links['edge-cloud'].bytes[1]).toBeLessThan(1.01 * 30_000);
    expect(loads?.links['edge-cloud'].bytes[0]).toBe(0);
  });
});

describe('linkLoads', () => {
  it('has nothing to tell of what was measured', () => {
    expect(linkLoads(makeTrial('here', { samples: [makeSample()] }))).toBeNull();
  });
});
