import type { Candidate } from './candidates.ts';
import { ACCURACY_STEP, type Limits, type Wish } from './wishes.ts';

/** A limit that a candidate does not keep. */
export interface Miss {
  readonly limit: 'accuracyLoss' | 'latencyP90Ms' | 'rawBytes' | 'heapBytes' | 'tiers';
  /** Null: not known. */
  readonly found: number | null;
  /** How far beyond, as a share of what is allowed (of losses: in tenths of the answers); Infinity if not known. */
  readonly excess: number;
}

/** The limits that a candidate does not keep; what is not known of it is not kept. */
export function missesOf(candidate: Candidate, limits: Limits): readonly Miss[] {
  const misses: Miss[] = [];
  const check = (limit: Exclude<Miss['limit'], 'tiers'>, found: number | null, unit: number | null): void => {
    const most = limits[limit];
    if (most === null || (found !== null && found <= most + 1e-9)) return;
    const excess = found === null ? Infinity : (found - most) / (unit ?? Math.max(most, 1e-9));
    misses.push({ limit, found, excess });
  };
  check('accuracyLoss', candidate.qualityLoss, 0.1);
  check('latencyP90Ms', candidate.latencyP90Ms, null);
  check('rawBytes', candidate.rawBytes, null);
  check('heapBytes', candidate.heapBytes, null);
  if (limits.tiers && !candidate.tiers.every((tier) => limits.tiers?.includes(tier)))
    misses.push({ limit: 'tiers', found: null, excess: 1 });
  return misses;
}

/** Candidates that keep within the limits, the best first. */
export function ranked(candidates: readonly Candidate[], limits: Limits, wish: Wish): readonly Candidate[] {
  const fitting = candidates.filter((candidate) => missesOf(candidate, limits).length === 0);
  const keys = new Map(fitting.map((candidate) => [candidate, orderOf(candidate, fitting, wish)] as const));
  return fitting
    .filter((candidate) => (keys.get(candidate)?.[0] ?? Infinity) < Infinity)
    .sort((a, b) => compareKeys(keys.get(a) ?? [], keys.get(b) ?? []));
}

/** What decides, then what decides between equals; less is better, and Infinity is not known. */
function orderOf(candidate: Candidate, among: readonly Candidate[], wish: Wish): readonly number[] {
  const { latencyMs } = candidate;
  const size = candidate.rawBytes ?? Infinity;
  const errors = candidate.quality === null ? Infinity : 1 - candidate.quality;
  switch (wish) {
    case 'fastest':
      return [latencyMs, errors, size];
    case 'smallest':
      return [size, latencyMs, errors];
    case 'most-accurate':
      return [errors, latencyMs, size];
    case 'balanced':
      return [imbalance(candidate, among), latencyMs, size];
  }
}

/** How many halvings of latency and size, and steps of accuracy, lie between it and the best of each. */
function imbalance({ latencyMs, rawBytes, quality }: Candidate, among: readonly Candidate[]): number {
  const least = (of: (candidate: Candidate) => number | null): number =>
    among.reduce((low, each) => Math.min(low, of(each) ?? Infinity), Infinity);
  const fastest = least((each) => each.latencyMs);
  const smallest = least((each) => each.rawBytes);
  const bestErrors = least((each) => (each.quality === null ? null : 1 - each.quality));
  // What is known of none weighs nothing.
  const size = smallest === Infinity ? 0 : Math.log2((rawBytes ?? Infinity) / smallest);
  const errors =
    bestErrors === Infinity ? 0 : (quality === null ? Infinity : 1 - quality - bestErrors) / ACCURACY_STEP;
  return (fastest > 0 ? Math.log2(latencyMs / fastest) : 0) + size + errors;
}

function compareKeys(a: readonly number[], b: readonly number[]): number {
  for (let at = 0; at < a.length; at++) {
    const [one, other] = [a[at] as number, b[at] as number];
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

/** The candidate that misses the limits by least; null without any. */
export function nearestMiss(
  candidates: readonly Candidate[],
  limits: Limits,
): { readonly candidate: Candidate; readonly misses: readonly Miss[] } | null {
  const all = candidates.map((candidate) => ({ candidate, misses: missesOf(candidate, limits) }));
  const total = ({ misses }: (typeof all)[number]): number =>
    misses.reduce((sum, { excess }) => sum + excess, 0);
  return all.reduce<(typeof all)[number] | null>(
    (best, each) => (best === null || total(each) < total(best) ? each : best),
    null,
  );
}
