import type { GraphView } from '../onnx/graph-view.ts';
import type { GateEffect } from './gate-effects.ts';
import type { PruneSubject } from './prune-subjects.ts';

/** The ratios that a scan tries, in this order: a curve is seen early, then it is refined. */
export const SCANNED_RATIOS = [0.5, 0.25, 0.75, 0.125, 0.375, 0.625, 0.875] as const;

/** What a model costs, on the whole. */
export interface PrunedCosts {
  readonly macs: number;
  readonly params: number;
}

/** A subject that lost a share of its units, all others whole: what a scan asks. */
export interface PruneQuestion extends PrunedCosts {
  /** Position of the subject. */
  readonly subject: number;
  /** What a recipe would say. */
  readonly ratio: number;
  readonly unitsLeft: number;
}

/** What became of a model's answers, and what it costs then. */
export interface CurvePoint extends Omit<PruneQuestion, 'subject' | 'ratio'>, GateEffect {}

/** What pruning a subject does, as far as it was looked at. */
export interface PruneCurve {
  readonly subject: PruneSubject;
  /** From the fewest units removed on; one for each number of units that was tried. */
  readonly points: readonly CurvePoint[];
}

/** What a scan found so far. */
export interface PruneScan {
  readonly curves: readonly PruneCurve[];
  /** Points in all curves once it is over. */
  readonly total: number;
  /** How many images were to be looked at. */
  readonly images: number;
  readonly whole: PrunedCosts;
  /** Accuracy of the whole model on these images; null without labels. */
  readonly accuracy: number | null;
}

/** A scan with another answer, in its place of its subject's curve. */
export function withPoint(
  scan: PruneScan,
  { subject, ratio: _ratio, ...costs }: PruneQuestion,
  effect: GateEffect,
): PruneScan {
  const curves = scan.curves.map((curve, at) => {
    if (at !== subject) return curve;
    const others = curve.points.filter(({ unitsLeft }) => unitsLeft !== costs.unitsLeft);
    const points = [...others, { ...costs, ...effect }].sort((a, b) => b.unitsLeft - a.unitsLeft);
    return { ...curve, points };
  });
  return { ...scan, curves };
}

/** How many points a scan has. */
export function pointsIn({ curves }: PruneScan): number {
  return curves.reduce((sum, { points }) => sum + points.length, 0);
}

/** The share of its units that a subject has lost at a point, in [0, 1). */
export function shareRemoved({ subject }: PruneCurve, { unitsLeft }: Pick<CurvePoint, 'unitsLeft'>): number {
  return 1 - unitsLeft / subject.unitCount;
}

/** Below this nothing is left to tell how far off scores are. */
const LEAST_LEFT = 0.01;

/**
 * What answers lost: minus the logarithm of the share of the scores' power that their error leaves. What independent
 * losses leave multiplies, so these add up, and a ruined model is not cheap to ruin further.
 */
export function lossOf({ scoresNoise }: Pick<GateEffect, 'scoresNoise'>): number {
  return -Math.log(Math.max(LEAST_LEFT, 1 - scoresNoise));
}

/**
 * The loss with so many units of a subject left: on straight lines between points that were tried, which never fall as
 * more goes. Beyond the last point nothing is known: Infinity.
 */
export function lossAt({ subject, points }: PruneCurve, unitsLeft: number): number {
  let [before, loss] = [subject.unitCount, 0];
  if (unitsLeft >= before) return 0;
  for (const point of points) {
    const next = Math.max(loss, lossOf(point));
    if (unitsLeft >= point.unitsLeft)
      return loss + ((before - unitsLeft) / (before - point.unitsLeft)) * (next - loss);
    [before, loss] = [point.unitsLeft, next];
  }
  return Infinity;
}

/** The fewest units of a subject that something is known of. */
export function leastUnitsKnown({ subject, points }: PruneCurve): number {
  return points.reduce((least, { unitsLeft }) => Math.min(least, unitsLeft), subject.unitCount);
}

/** The share by which subjects are compared. */
const COMPARED_SHARE = 0.5;

/** The loss with half of a subject's units, or what is known of the nearest. */
function lossAtHalf(curve: PruneCurve): number {
  const half = Math.floor(curve.subject.unitCount * (1 - COMPARED_SHARE));
  return lossAt(curve, Math.max(half, leastUnitsKnown(curve)));
}

/** The power of the error on the scores, of their own, with half of a subject's units, in [0, 1]. */
export function sensitivityOf(curve: PruneCurve): number {
  return 1 - Math.exp(-lossAtHalf(curve));
}

/** Curves that have points, the most sensitive first. */
export function bySensitivity(curves: readonly PruneCurve[]): readonly PruneCurve[] {
  return curves.filter(({ points }) => points.length > 0).toSorted((a, b) => lossAtHalf(b) - lossAtHalf(a));
}

/** By `NodeView.index`, what half of the channels that a node makes are worth, see `sensitivityOf`; 0: not known, or nothing. */
export function sensitivityOfNodes(view: GraphView, curves: readonly PruneCurve[]): Float64Array {
  const worth = new Float64Array(view.nodes.length);
  const nodeOf = new Map<string, number>();
  for (const { index, outputs } of view.nodes) for (const output of outputs) nodeOf.set(output, index);
  for (const curve of curves) {
    const known = curve.points.length === 0 ? 0 : sensitivityOf(curve);
    for (const value of curve.subject.made) {
      const node = nodeOf.get(value);
      if (node !== undefined) worth[node] = Math.max(known, worth[node] as number);
    }
  }
  return worth;
}

/** A curve whose losses are so many times as great. */
function timesAsLossy(curve: PruneCurve, weight: number): PruneCurve {
  if (weight === 1) return curve;
  const points = curve.points.map((point) => ({
    ...point,
    scoresNoise: 1 - Math.exp(-weight * lossOf(point)),
  }));
  return { ...curve, points };
}

/** Curves with losses as they are among those of others: see `weightsSeen`. */
export function amongOthers(
  curves: readonly PruneCurve[],
  weights: readonly number[],
): readonly PruneCurve[] {
  return curves.map((curve, at) => timesAsLossy(curve, weights[at] ?? 1));
}

/** Losses below this are chance. */
const LEAST_LOSS = 1e-3;
const MOST_WEIGHT = 8;
const LEAST_WEIGHT = 1 / 4;

/**
 * How many times as much each subject loses where others lost channels, too, as it does alone: what the scores gain if
 * it alone gets its channels back. Goes half of the way from what was taken for true to what was seen, on a scale of
 * factors, as the next plan asks for other ratios.
 * @param weights by curve, what was taken for true so far
 * @param unitsLeft by curve, as the plan has them
 * @param joint what the plan does to the scores
 * @param without by position of a curve, what it does where this subject stays whole; others keep their weight
 */
export function weightsSeen(
  curves: readonly PruneCurve[],
  weights: readonly number[],
  unitsLeft: readonly number[],
  joint: GateEffect,
  without: ReadonlyMap<number, GateEffect>,
): readonly number[] {
  return curves.map((curve, at) => {
    const weight = weights[at] ?? 1;
    const restored = without.get(at);
    if (restored === undefined) return weight;
    const alone = lossAt(curve, unitsLeft[at] ?? curve.subject.unitCount);
    const among = Math.max(0, lossOf(joint) - lossOf(restored));
    const seen = (among + LEAST_LOSS) / (alone + LEAST_LOSS);
    return Math.sqrt(weight * Math.min(MOST_WEIGHT, Math.max(LEAST_WEIGHT, seen)));
  });
}
