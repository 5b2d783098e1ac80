import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { checkPlacement } from '../../../../src/study/placement/check-placement.ts';
import { emulate, type MeasuredTimes, type PartFacts } from '../../../../src/study/placement/emulate.ts';
import {
  canHold,
  DEFAULT_SETUP,
  isEmulated,
  linksBetween,
  PLACEMENT_NAMES,
  type PlacementName,
  type TierPlacement,
  type TierSetup,
  tiersOfPlacement,
} from '../../../../src/study/placement/tiers.ts';

const anyMs = fc.double({ min: 0, max: 1000, noNaN: true });
const anyTier = fc.record({
  speedFactor: fc.double({ min: 0.1, max: 100, noNaN: true }),
  memoryLimitBytes: fc.constant(null),
});
const anyLink = fc.record({
  bandwidthMbps: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
  rttMs: fc.double({ min: 0, max: 500, noNaN: true }),
  jitterMs: fc.double({ min: 0, max: 50, noNaN: true }),
});
const anySetup: fc.Arbitrary<TierSetup> = fc.record({
  tiers: fc.record({ mobile: anyTier, edge: anyTier, cloud: anyTier }),
  links: fc.record({ 'mobile-edge': anyLink, 'edge-cloud': anyLink }),
});
const anyPlacement: fc.Arbitrary<TierPlacement> = fc.record({
  name: fc.constantFrom(...PLACEMENT_NAMES),
  sends: fc.constantFrom('encoded-image' as const, 'input-tensor' as const),
  setup: anySetup,
});
/** Two segments on each part, as with exits; as many parts as the placement has tiers. */
const anyCase = anyPlacement.chain((placement) => {
  const parts = tiersOfPlacement(placement.name).length;
  return fc.record({
    placement: fc.constant(placement),
    imageBytes: fc.nat(1e6),
    segmentMs: fc.array(anyMs, { minLength: 1, maxLength: 2 * parts }),
    around: fc.record({ decodeMs: anyMs, preprocessMs: anyMs, postprocessMs: anyMs }),
    crossingBytes: fc.array(fc.nat(1e7), { minLength: parts - 1, maxLength: parts - 1 }),
    inputBytes: fc.nat(1e6),
    random: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
  });
});
type Case = typeof anyCase extends fc.Arbitrary<infer T> ? T : never;

function factsOf({ placement, crossingBytes, inputBytes }: Case): PartFacts {
  const parts = tiersOfPlacement(placement.name).length;
  return {
    partOfSegment: Array.from({ length: 2 * parts }, (_, segment) => segment >> 1),
    crossingBytes,
    inputBytes,
    partBytes: Array.from({ length: parts }, () => 1e6),
  };
}

function run(given: Case, change: Partial<TierPlacement> = {}) {
  const measured: MeasuredTimes = { ...given.around, segmentMs: given.segmentMs };
  const placement = { ...given.placement, ...change };
  return emulate(measured, factsOf(given), placement, given.imageBytes, () => given.random);
}

function withLinks(setup: TierSetup, change: (link: TierSetup['links']['edge-cloud']) => object): TierSetup {
  const changed = (link: TierSetup['links']['edge-cloud']) => ({ ...link, ...change(link) });
  return {
    ...setup,
    links: {
      'mobile-edge': changed(setup.links['mobile-edge']),
      'edge-cloud': changed(setup.links['edge-cloud']),
    },
  };
}

describe('an emulated inference', () => {
  it('takes the sum of its parts', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const times = run(given);
        const { decodeMs, preprocessMs, computeMs, transferMs, postprocessMs } = times;
        expect(times.totalMs).toBeCloseTo(
          decodeMs + preprocessMs + computeMs + transferMs + postprocessMs,
          6,
        );
      }),
    );
  });
  it('computes each segment on its tier', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const { name, setup } = given.placement;
        const tiers = tiersOfPlacement(name);
        const expected = given.segmentMs.map(
          (ms, segment) => ms / setup.tiers[tiers[segment >> 1] ?? 'mobile'].speedFactor,
        );
        const sum = expected.reduce((a, b) => a + b, 0);
        expect(run(given).computeMs).toBeCloseTo(sum, 6);
      }),
    );
  });
  it('is never slower over a faster link, or on faster tiers', () => {
    fc.assert(
      fc.property(anyCase, fc.double({ min: 1, max: 100, noNaN: true }), (given, factor) => {
        const { setup } = given.placement;
        const before = run(given).totalMs;
        const faster = withLinks(setup, (link) => ({ bandwidthMbps: link.bandwidthMbps * factor }));
        expect(run(given, { setup: faster }).totalMs).toBeLessThanOrEqual(before * (1 + 1e-12));
        const nearer = withLinks(setup, (link) => ({ rttMs: link.rttMs / factor }));
        expect(run(given, { setup: nearer }).totalMs).toBeLessThanOrEqual(before * (1 + 1e-12));
        const { mobile, edge, cloud } = setup.tiers;
        const tiers = { mobile, edge: { ...edge, speedFactor: edge.speedFactor * factor }, cloud };
        expect(run(given, { setup: { ...setup, tiers } }).totalMs).toBeLessThanOrEqual(before * (1 + 1e-12));
      }),
    );
  });
  it('sends nothing on the mobile tier alone, where it takes what was measured', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        if (given.placement.name !== 'mobile') return;
        const setup = { ...given.placement.setup, tiers: DEFAULT_SETUP.tiers };
        const times = run(given, { setup });
        expect(times.transferBytes).toBe(0);
        expect(times.transferMs).toBe(0);
        const sum = given.segmentMs.reduce((a, b) => a + b, 0);
        expect(times.computeMs).toBeCloseTo(sum, 9);
        expect(isEmulated({ ...given.placement, setup })).toBe(false);
      }),
    );
  });
  it('sends exactly what crosses: the image to a remote first tier, then the values of each cut', () => {
    const facts: PartFacts = {
      partOfSegment: [0, 1],
      crossingBytes: [25_000],
      inputBytes: 600_000,
      partBytes: [1, 1],
    };
    const measured = { decodeMs: 2, preprocessMs: 4, segmentMs: [40, 80], postprocessMs: 8 };
    const setup: TierSetup = {
      tiers: DEFAULT_SETUP.tiers,
      links: {
        'mobile-edge': { bandwidthMbps: 200, rttMs: 5, jitterMs: 0 },
        'edge-cloud': { bandwidthMbps: 1, rttMs: 50, jitterMs: 0 },
      },
    };
    const on = (name: PlacementName, sends: TierPlacement['sends'] = 'encoded-image') =>
      emulate(measured, facts, { name, sends, setup }, 100_000, () => 0.5);
    // 25 kB over 200 Mbit/s are 1 ms; the edge is four times as fast.
    expect(on('mobile-edge')).toMatchObject({ transferBytes: 25_000, transferMs: 6, computeMs: 60 });
    expect(on('mobile-edge').totalMs).toBe(2 + 4 + 60 + 6 + 2);
    // 100 kB over 200 Mbit/s are 4 ms; decoded and prepared on the edge.
    expect(on('edge')).toMatchObject({ transferBytes: 100_000, transferMs: 9, computeMs: 30, decodeMs: 0.5 });
    expect(on('edge', 'input-tensor')).toMatchObject({ transferBytes: 600_000, transferMs: 29, decodeMs: 2 });
    // 25 kB over both links: 1 ms and 200 ms.
    expect(on('mobile-cloud')).toMatchObject({ transferBytes: 25_000, transferMs: 256, computeMs: 45 });
    expect(on('edge-cloud')).toMatchObject({ transferBytes: 125_000, transferMs: 9 + 250, computeMs: 15 });
  });
  it('stops sending where an early exit was taken', () => {
    fc.assert(
      fc.property(anyCase, (given) => {
        const one = { ...given, segmentMs: given.segmentMs.slice(0, 1) };
        const isRemote = tiersOfPlacement(given.placement.name)[0] !== 'mobile';
        if (!isRemote) expect(run(one).transferBytes).toBe(0);
      }),
    );
  });
});

describe('a placement', () => {
  const facts: PartFacts = {
    partOfSegment: [0, 1],
    crossingBytes: [10],
    inputBytes: 10,
    partBytes: [4e6, 40e6],
  };
  const refusal = (placement: TierPlacement, given: PartFacts) => {
    try {
      checkPlacement(placement, given);
    } catch (thrown) {
      if (thrown instanceof InputError) return thrown.failure;
      throw thrown;
    }
    return null;
  };
  const placed = (name: PlacementName, setup = DEFAULT_SETUP): TierPlacement => ({
    name,
    sends: 'encoded-image',
    setup,
  });

  it('has a link for each step between its tiers', () => {
    expect(linksBetween('mobile', 'cloud')).toEqual(['mobile-edge', 'edge-cloud']);
    expect(linksBetween('edge', 'mobile')).toEqual(['mobile-edge']);
    expect(linksBetween('edge', 'edge')).toEqual([]);
  });
  it('takes as many parts as it has tiers; a single tier takes any', () => {
    for (const name of PLACEMENT_NAMES) {
      const fits = canHold(name, 2);
      expect(refusal(placed(name), facts)?.code).toBe(fits ? undefined : 'placement-parts');
    }
    const whole = { ...facts, crossingBytes: [], partBytes: [44e6], partOfSegment: [0] };
    const found = refusal(placed('mobile-edge'), whole);
    expect(found?.message).toBe('placement mobile-edge: found a model of one part, wanted 2 parts');
    expect(found?.hint).toBe('Add a cut to the recipe, or place it on mobile, edge or cloud.');
  });
  it('is refused on a tier without enough memory, naming what works', () => {
    const small = { ...DEFAULT_SETUP.tiers.edge, memoryLimitBytes: 50e6 };
    const setup = { ...DEFAULT_SETUP, tiers: { ...DEFAULT_SETUP.tiers, edge: small } };
    const found = refusal(placed('mobile-edge', setup), facts);
    expect(found?.code).toBe('placement-memory');
    expect(found?.message).toContain('the edge tier has 50.0 MB of memory, its part needs about 100 MB');
    expect(found?.hint).toContain('Place it on mobile, cloud, edge-cloud or mobile-cloud');
    expect(found?.hint).toContain('at most 20.0 MB of weights');
    expect(refusal(placed('edge-cloud', setup), facts)).toBeNull();
  });
  it('is refused where the size of what crosses is unknown', () => {
    const unknown = { ...facts, crossingBytes: [null] };
    expect(refusal(placed('mobile-edge'), unknown)?.code).toBe('placement-size');
    expect(refusal(placed('edge'), unknown)).toBeNull();
  });
});
