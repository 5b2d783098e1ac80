import { unreachable } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { AutomaticCut, PartitionOperator } from '../recipe.ts';
import type { CutGraph } from './cut-graph.ts';
import { equalSizeCut } from './equal-size.ts';
import { crossingNames, costOfFrontier, type UnitsBefore } from './frontier.ts';
import { type CutCosts, fewestBytesCut, minimumCut } from './minimum-cut.ts';

/** Two tiers and the link between them; speeds are relative to the device that the costs are of. */
export interface TierModel {
  readonly headSpeed: number;
  readonly tailSpeed: number;
  readonly bandwidthMbps: number;
  /** Paid once, whatever crosses. */
  readonly rttMs: number;
  /** Speed 1 in 10^9 multiply-accumulates a second, for nodes without a measured time. */
  readonly gmacsPerSecond: number;
  /** Measured at speed 1, by `NodeView.index`; see `PartitionOperator`. */
  readonly nodeMicroseconds?: readonly number[];
}

/** A phone and an edge server four times as fast over a good link; wasm runs about 18 GMAC/s on one core. */
export const DEFAULT_TIERS: TierModel = {
  headSpeed: 1,
  tailSpeed: 4,
  bandwidthMbps: 200,
  rttMs: 5,
  gmacsPerSecond: 18,
};

/** Where an automatic cut lies. */
export interface ResolvedCut {
  readonly before: UnitsBefore;
  /** What crosses, as a recipe names it. */
  readonly crossing: readonly ValueName[];
  /** False if there were too many frontiers to compare them all. */
  readonly isExact: boolean;
  /** For `fastest`: what the tiers are expected to take. */
  readonly prediction: CutPrediction | null;
}

export interface CutPrediction {
  readonly headMs: number;
  readonly transferMs: number;
  readonly tailMs: number;
  /** Their sum. */
  readonly totalMs: number;
  /** The whole model on the first tier; nothing is sent. */
  readonly headAloneMs: number;
  /** The whole model on the second tier, its inputs sent as they are. */
  readonly tailAloneMs: number;
}

/** The wish of an operator that does not name its cut. */
export function automaticCutOf({ cut }: PartitionOperator): AutomaticCut | null {
  return AUTOMATIC_CUTS.find((kind) => kind === cut) ?? null;
}

export const AUTOMATIC_CUTS: readonly AutomaticCut[] = ['equal-size', 'fewest-bytes', 'fastest'];

/** The cuts an operator names, in order of the graph; none if it leaves the place to the lab. */
export function namedCutsOf(operator: PartitionOperator): readonly (readonly string[])[] {
  if (automaticCutOf(operator) !== null) return [];
  const { cut, cuts = cut === undefined ? [] : [cut] } = operator;
  return cuts.map((names) => (typeof names === 'string' ? [names] : names));
}

/** The tiers an operator assumes. */
export function tiersOf(operator: PartitionOperator): TierModel {
  const { headSpeed, tailSpeed, bandwidthMbps, rttMs, gmacsPerSecond } = { ...DEFAULT_TIERS, ...operator };
  const { nodeMicroseconds } = operator;
  return {
    headSpeed,
    tailSpeed,
    bandwidthMbps,
    rttMs,
    gmacsPerSecond,
    ...(nodeMicroseconds && { nodeMicroseconds }),
  };
}

/**
 * Measured times that an operator brings along, in milliseconds.
 * @param nodeCount of the whole model as it is shown
 * @returns by topological position; empty if it brings none
 * @throws InputError `times-of-another-model` if they are of another number of nodes
 */
export function measuredTimesOf(
  { nodeMicroseconds: times = [] }: Pick<PartitionOperator, 'nodeMicroseconds'>,
  nodeCount: number,
): ReadonlyMap<number, number> {
  if (times.length > 0 && times.length !== nodeCount) {
    throw new InputError({
      code: 'times-of-another-model',
      message: `partition: found measured times of ${times.length} nodes, wanted ${nodeCount}: one for each node of this model`,
      hint: 'Choose the fastest cut anew, with a profile of this model or without.',
    });
  }
  return new Map(times.map((microseconds, node) => [node, microseconds / 1000]));
}

/**
 * Finds an automatic cut.
 * @param nodeMs measured times of nodes by topological position; the others are estimated from their MACs
 * @throws InputError `no-cut` if nothing divides the graph's work
 */
export function resolveCut(
  graph: CutGraph,
  kind: AutomaticCut,
  tiers: TierModel,
  nodeMs: ReadonlyMap<number, number> = new Map(),
): ResolvedCut {
  switch (kind) {
    case 'equal-size': {
      const found = equalSizeCut(graph) ?? noCut(kind, graph);
      return resolved(graph, found.before, found.isExact, null);
    }
    case 'fewest-bytes':
      return resolved(graph, (fewestBytesCut(graph) ?? noCut(kind, graph)).before, true, null);
    case 'fastest': {
      const costs = costsOnTiers(graph, tiers, nodeMs);
      const { before } = minimumCut(graph, costs) ?? noCut(kind, graph);
      return resolved(graph, before, true, predictCut(graph, tiers, nodeMs, before));
    }
    default:
      return unreachable(kind);
  }
}

/** What each part of a frontier takes on two tiers. */
export function predictCut(
  graph: CutGraph,
  tiers: TierModel,
  nodeMs: ReadonlyMap<number, number>,
  before: UnitsBefore,
): CutPrediction {
  const ms = unitTimes(graph, tiers, nodeMs);
  const sumOf = (unit: (at: number) => boolean): number =>
    ms.reduce((sum, each, at) => sum + (unit(at) ? each : 0), 0);
  const headMs = sumOf((at) => before[at] === 1) / tiers.headSpeed;
  const tailMs = sumOf((at) => before[at] !== 1) / tiers.tailSpeed;
  const sendMs = (units: UnitsBefore): number =>
    tiers.rttMs + (costOfFrontier(graph, units).crossingBytes ?? Infinity) * msPerByte(tiers);
  const transferMs = sendMs(before);
  return {
    headMs,
    transferMs,
    tailMs,
    totalMs: headMs + transferMs + tailMs,
    headAloneMs: sumOf(() => true) / tiers.headSpeed,
    tailAloneMs: sendMs(new Uint8Array(before.length)) + sumOf(() => true) / tiers.tailSpeed,
  };
}

/** What a frontier's parts and values cost in milliseconds, the round trip left out: every cut pays it. */
function costsOnTiers(graph: CutGraph, tiers: TierModel, nodeMs: ReadonlyMap<number, number>): CutCosts {
  const ms = unitTimes(graph, tiers, nodeMs);
  return {
    before: ms.map((each) => each / tiers.headSpeed),
    after: ms.map((each) => each / tiers.tailSpeed),
    crossing: graph.values.map(({ bytes }) => (bytes === null ? Infinity : bytes * msPerByte(tiers))),
  };
}

function unitTimes(
  { units }: CutGraph,
  { gmacsPerSecond }: TierModel,
  nodeMs: ReadonlyMap<number, number>,
): number[] {
  return units.map(({ nodes, macs }) => {
    const measured = nodes.flatMap((node) => nodeMs.get(node) ?? []);
    if (measured.length === 0) return macs / (gmacsPerSecond * 1e6);
    return measured.reduce((sum, each) => sum + each, 0);
  });
}

function msPerByte({ bandwidthMbps }: TierModel): number {
  return 8 / (bandwidthMbps * 1e3);
}

function resolved(
  graph: CutGraph,
  before: UnitsBefore,
  isExact: boolean,
  prediction: CutPrediction | null,
): ResolvedCut {
  return { before, crossing: crossingNames(graph, before), isExact, prediction };
}

function noCut(kind: AutomaticCut, { values }: CutGraph): never {
  const isOfUnknownSize = values.length > 0 && values.every(({ bytes }) => bytes === null);
  throw new InputError({
    code: 'no-cut',
    message: `partition: "${kind}" finds no place that leaves work on both sides, and that only tensors of known size cross`,
    hint: isOfUnknownSize
      ? 'No size is known here: export the model with a fixed height and width, or name the values at which to cut.'
      : 'Leave the partition out, or name the values at which to cut.',
  });
}
