import { assert, defined } from '../../base/assert.ts';
import type { Tier, VariantPlan } from '../../transforms/variant.ts';
import type { EmulatedTimes, Sample } from '../trial.ts';
import { linksBetween, roundTripMs, sendMs, type TierPlacement, tiersOfPlacement } from './tiers.ts';

/** What a placement needs to know of a variant. */
export interface PartFacts {
  /** The part that each segment belongs to, in order, from 0. */
  readonly partOfSegment: readonly number[];
  /** Bytes that cross between each part and the next; null: unknown. */
  readonly crossingBytes: readonly (number | null)[];
  /** Bytes of the input tensor at batch 1; null: unknown. */
  readonly inputBytes: number | null;
  /** Bytes of each part's files. */
  readonly partBytes: readonly number[];
}

/** The facts of a built variant. */
export function partFacts(variant: {
  readonly plan: VariantPlan;
  readonly cuts: readonly { readonly crossing: readonly { readonly bytes: number | null }[] }[];
  readonly files: readonly { readonly blob: { readonly size: number } }[];
}): PartFacts {
  const { plan, cuts, files } = variant;
  let part = -1;
  let tier: Tier | null = null;
  const partOfSegment = plan.segments.map((segment) => {
    if (segment.tier !== tier) part++;
    tier = segment.tier;
    return part;
  });
  const partBytes = Array.from({ length: part + 1 }, () => 0);
  files.forEach(({ blob }, segment) => {
    const at = defined(partOfSegment[segment], `part of segment ${segment}`);
    partBytes[at] = (partBytes[at] as number) + blob.size;
  });
  const made = new Set(plan.segments.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const given = new Map(
    plan.segments
      .flatMap(({ inputs }) => inputs)
      .flatMap((value) => (made.has(value.name) ? [] : [[value.name, value] as const])),
  );
  return {
    partOfSegment,
    crossingBytes: cuts.map(({ crossing }) => totalBytes(crossing)),
    inputBytes: totalBytes([...given.values()]),
    partBytes,
  };
}

/** Null if any is unknown. */
function totalBytes(values: readonly { readonly bytes: number | null }[]): number | null {
  return values.reduce<number | null>(
    (sum, { bytes }) => (sum === null || bytes === null ? null : sum + bytes),
    0,
  );
}

/** What was measured of one inference, as far as placements need it. */
export type MeasuredTimes = Pick<Sample, 'decodeMs' | 'preprocessMs' | 'segmentMs' | 'postprocessMs'>;

/**
 * What an inference measured here would take on a placement's tiers: computing takes what the tier itself was
 * measured to take, else the time measured here divided by the tier's speed factor, and what crosses takes the link's
 * time. Nothing waits; these are calculated numbers. After an early exit nothing further is computed or sent.
 * @param imageBytes size of the encoded image
 * @param random in [0, 1), for the jitter of the links
 */
export function emulate(
  measured: MeasuredTimes,
  facts: PartFacts,
  placement: TierPlacement,
  imageBytes: number,
  random: () => number,
): EmulatedTimes {
  const { setup, sends } = placement;
  const tiers = tiersOfPlacement(placement.name);
  const tierOfPart = (part: number): Tier => defined(tiers.length === 1 ? tiers[0] : tiers[part], 'a tier');
  const on = (tier: Tier, step: 'decodeMs' | 'preprocessMs' | 'postprocessMs'): number => {
    const { measured: there, speedFactor } = setup.tiers[tier];
    return there ? there[step] : measured[step] / speedFactor;
  };

  let transferBytes = 0;
  let transferMs = 0;
  const send = (from: Tier, to: Tier, bytes: number | null): void => {
    const links = linksBetween(from, to);
    if (links.length === 0) return;
    assert(bytes !== null, 'what crosses has a known size');
    transferBytes += bytes;
    transferMs += sendMs(setup, links, bytes, (link) => roundTripMs(link, random));
  };

  const first = tierOfPart(0);
  send('mobile', first, sends === 'encoded-image' ? imageBytes : facts.inputBytes);
  let tier = first;
  const tierMs = tiers.map(() => 0);
  measured.segmentMs.forEach((ms, segment) => {
    const part = defined(facts.partOfSegment[segment], `part of segment ${segment}`);
    const next = tierOfPart(part);
    if (next !== tier) send(tier, next, facts.crossingBytes[part - 1] ?? null);
    tier = next;
    const { measured: there, speedFactor } = setup.tiers[next];
    const at = tiers.indexOf(next);
    tierMs[at] = (tierMs[at] as number) + (there?.segmentMs[segment] ?? ms / speedFactor);
  });
  const computeMs = tierMs.reduce((sum, ms) => sum + ms, 0);
  // The image is decoded where it is prepared, and the answer read where it is made.
  const preparing = sends === 'encoded-image' ? first : 'mobile';
  const decodeMs = on(preparing, 'decodeMs');
  const preprocessMs = on(preparing, 'preprocessMs');
  const postprocessMs = on(tier, 'postprocessMs');
  return {
    decodeMs,
    preprocessMs,
    computeMs,
    tierMs,
    transferBytes,
    transferMs,
    postprocessMs,
    totalMs: decodeMs + preprocessMs + computeMs + transferMs + postprocessMs,
  };
}
