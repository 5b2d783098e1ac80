import { isEmulatedTrial, timedSamples } from '../metrics.ts';
import type { Sample, Trial } from '../trial.ts';
import {
  LINK_NAMES,
  type LinkName,
  linksBetween,
  meanRoundTripMs,
  type TierPlacement,
  type TierSetup,
  tiersOfPlacement,
} from './tiers.ts';

/** What each timed inference of an emulated trial put on tiers and links, to tell its latency on others. */
export interface LinkLoads {
  readonly placement: TierPlacement;
  /** Computing time on each tier of the placement, in order, in milliseconds. */
  readonly tierMs: readonly Float64Array[];
  readonly links: Readonly<
    Record<LinkName, { readonly bytes: Float64Array; readonly crossings: Uint8Array }>
  >;
}

/**
 * Reads the loads of a trial. Samples tell all that was sent together; where an image and a cut's values take
 * different links, the cut's, which are as many each time, are found from the time that sending took.
 * @returns null if nothing is emulated, or times by tier are not known (studies of earlier versions)
 */
export function linkLoads(trial: Trial): LinkLoads | null {
  const { placement } = trial.strategy;
  if (!placement || !isEmulatedTrial(trial)) return null;
  const tiers = tiersOfPlacement(placement.name);
  const samples = timedSamples(trial);
  const times = samples.flatMap(({ emulated }) =>
    emulated?.tierMs?.length === tiers.length ? [emulated] : [],
  );
  if (times.length < samples.length || samples.length === 0) return null;
  // The ways of what is sent first, and of what follows; the first may be no way at all.
  const [first = 'mobile', ...others] = tiers;
  const ways = [
    linksBetween('mobile', first),
    ...others.map((tier, at) => linksBetween(tiers[at] ?? tier, tier)),
  ];
  const reached = (sample: Sample): number =>
    tiers.reduce((last, _, at) => ((sample.emulated?.tierMs?.[at] ?? 0) > 0 ? at : last), 0);
  const sends = ways.flatMap((links, at) => (links.length > 0 ? [{ links, at }] : []));
  const later = sends.length > 1 ? cutBytes(samples, sends, reached, placement.setup) : 0;
  const load = () => ({ bytes: new Float64Array(samples.length), crossings: new Uint8Array(samples.length) });
  const links = { 'mobile-edge': load(), 'edge-cloud': load() };
  samples.forEach((sample, row) => {
    const made = sends.filter(({ at }) => at <= reached(sample));
    const all = sample.emulated?.transferBytes ?? 0;
    made.forEach((send, order) => {
      const bytes = made.length === 1 ? all : order === 0 ? all - later : later;
      for (const link of send.links) {
        links[link].bytes[row] = (links[link].bytes[row] ?? 0) + bytes;
        links[link].crossings[row] = (links[link].crossings[row] ?? 0) + 1;
      }
    });
  });
  return {
    placement,
    tierMs: tiers.map((_, at) => Float64Array.from(times, ({ tierMs }) => tierMs?.[at] ?? 0)),
    links,
  };
}

interface Send {
  readonly links: readonly LinkName[];
  /** The tier, as place in the placement, that wants it. */
  readonly at: number;
}

/** Bytes of the second send, from what both took together; at links of one bandwidth an equal share. */
function cutBytes(
  samples: readonly Sample[],
  sends: readonly Send[],
  reached: (sample: Sample) => number,
  setup: TierSetup,
): number {
  const both = samples.filter((sample) => sends.every(({ at }) => at <= reached(sample)));
  if (both.length === 0) return 0;
  const mean = (of: (sample: Sample) => number) =>
    both.reduce((sum, sample) => sum + of(sample), 0) / both.length;
  const bytes = mean(({ emulated }) => emulated?.transferBytes ?? 0);
  const links = sends.flatMap((send) => send.links);
  const sendingMs =
    mean(({ emulated }) => emulated?.transferMs ?? 0) -
    links.reduce((sum, link) => sum + meanRoundTripMs(setup.links[link]), 0);
  const [one = 0, other = 0] = sends.map((send) => msPerByte(setup, send.links));
  if (Math.abs(other - one) < 1e-9) return bytes / 2;
  return Math.min(bytes, Math.max(0, (sendingMs - bytes * one) / (other - one)));
}

function msPerByte(setup: TierSetup, links: readonly LinkName[]): number {
  return links.reduce((sum, link) => sum + 8 / (1000 * setup.links[link].bandwidthMbps), 0);
}

/**
 * Latency of each timed inference on other links and tiers, without jitter: computing and sending.
 * @returns in milliseconds, in the order of the samples
 */
export function latencyUnder({ placement, tierMs, links }: LinkLoads, setup: TierSetup): Float64Array {
  const tiers = tiersOfPlacement(placement.name);
  const latency = new Float64Array(tierMs[0]?.length ?? 0);
  tiers.forEach((tier, at) => {
    const [before, now] = [placement.setup.tiers[tier], setup.tiers[tier]];
    // What a tier was measured to take does not follow from a factor.
    const scale = before.measured ? 1 : before.speedFactor / now.speedFactor;
    for (let row = 0; row < latency.length; row++)
      latency[row] = (latency[row] ?? 0) + scale * (tierMs[at]?.[row] ?? 0);
  });
  for (const link of LINK_NAMES) {
    const { bytes, crossings } = links[link];
    const roundTrip = meanRoundTripMs(setup.links[link]);
    const perByte = msPerByte(setup, [link]);
    for (let row = 0; row < latency.length; row++)
      latency[row] = (latency[row] ?? 0) + roundTrip * (crossings[row] ?? 0) + perByte * (bytes[row] ?? 0);
  }
  return latency;
}
