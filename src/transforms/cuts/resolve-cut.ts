import { unreachable } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { AutomaticCut, PartitionOperator } from '../recipe.ts';
import { type TransferType, transferredBytes } from '../transfer.ts';
import type { CutGraph } from './cut-graph.ts';
import { equalSizeCut, equalSizeCuts } from './equal-size.ts';
import { crossingNames, type UnitsBefore } from './frontier.ts';
import { type MinimumCuts, minimumCuts, type PartCosts } from './minimum-cut.ts';

/** Two tiers and the link between them, or three; speeds are relative to the device that the costs are of. */
export interface TierModel {
  readonly headSpeed: number;
  readonly tailSpeed: number;
  /** From the first tier to the next. */
  readonly bandwidthMbps: number;
  /** Paid once, whatever crosses. */
  readonly rttMs: number;
  /** Speed 1 in 10^9 multiply-accumulates a second, for nodes without a measured time. */
  readonly gmacsPerSecond: number;
  /** Of three tiers: the one between, and the link from it to the last. */
  readonly middleSpeed?: number;
  readonly tailBandwidthMbps?: number;
  readonly tailRttMs?: number;
  /** Measured at speed 1, by `NodeView.index`; see `PartitionOperator`. */
  readonly nodeMicroseconds?: readonly number[];
}

/** What `fastest` is to assume for one cut and for two. */
export interface TierModels {
  readonly oneCut: TierModel;
  readonly twoCuts: TierModel;
}

/** A phone and an edge server four times as fast over a good link; wasm runs about 18 GMAC/s on one core. */
export const DEFAULT_TIERS: TierModel = {
  headSpeed: 1,
  tailSpeed: 4,
  bandwidthMbps: 200,
  rttMs: 5,
  gmacsPerSecond: 18,
};

/** The same, and a cloud four times as fast as the edge, over a wide-area link. */
export const DEFAULT_THREE_TIERS: Required<Omit<TierModel, 'nodeMicroseconds'>> = {
  ...DEFAULT_TIERS,
  middleSpeed: 4,
  tailSpeed: 16,
  tailBandwidthMbps: 1,
  tailRttMs: 50,
};

/** How an operator wants the lab to place its cuts. */
export interface CutWish {
  readonly kind: AutomaticCut;
  /** One for two tiers, two for three. */
  readonly cuts: 1 | 2;
  readonly tiers: TierModel;
  /** How values cross. */
  readonly transfer: TransferType;
}

/** Where automatic cuts lie. */
export interface ResolvedCuts {
  /** In order of the graph. */
  readonly cuts: readonly {
    readonly before: UnitsBefore;
    /** What crosses, as a recipe names it. */
    readonly crossing: readonly ValueName[];
  }[];
  /** False if there were too many frontiers to compare them all. */
  readonly isExact: boolean;
  /** For `fastest`: what the tiers are expected to take. */
  readonly prediction: CutPrediction | null;
}

export interface CutPrediction {
  readonly headMs: number;
  /** Of three tiers. */
  readonly middleMs?: number;
  readonly tailMs: number;
  /** Over all links. */
  readonly transferMs: number;
  /** Their sum. */
  readonly totalMs: number;
  /** The whole model on the first tier; nothing is sent. */
  readonly headAloneMs: number;
  /** The whole model on the tier between, its inputs sent as they are. */
  readonly middleAloneMs?: number;
  /** The same on the last tier. */
  readonly tailAloneMs: number;
}

/** The wish of an operator that does not name its cuts. */
export function automaticCutOf({ cut, cuts }: Pick<PartitionOperator, 'cut' | 'cuts'>): AutomaticCut | null {
  return AUTOMATIC_CUTS.find((kind) => kind === (cuts ?? cut)) ?? null;
}

/** The same with all that decides about the place; null if the operator names its cuts. */
export function cutWishOf(operator: PartitionOperator): CutWish | null {
  const kind = automaticCutOf(operator);
  if (kind === null) return null;
  const { transfer = 'float32' } = operator;
  return { kind, cuts: operator.cuts === undefined ? 1 : 2, tiers: tiersOf(operator), transfer };
}

/** Every cut that the lab can find itself. */
export const AUTOMATIC_CUTS: readonly AutomaticCut[] = ['equal-size', 'fewest-bytes', 'fastest'];

/** The cuts an operator names, in order of the graph; none if it leaves the place to the lab. */
export function namedCutsOf(operator: PartitionOperator): readonly (readonly string[])[] {
  const { cut, cuts = cut === undefined ? [] : [cut] } = operator;
  if (typeof cuts === 'string' || automaticCutOf(operator) !== null) return [];
  return cuts.map((names) => (typeof names === 'string' ? [names] : names));
}

/** The tiers an operator assumes: three where it wants two cuts. */
export function tiersOf(operator: PartitionOperator): TierModel {
  const { nodeMicroseconds } = operator;
  const defaults = defaultTiersOf(operator);
  const given = Object.keys(defaults) as (keyof typeof defaults)[];
  return {
    ...defaults,
    ...Object.fromEntries(
      given.flatMap((field) => (operator[field] === undefined ? [] : [[field, operator[field]]])),
    ),
    ...(nodeMicroseconds && { nodeMicroseconds }),
  };
}

/** What `fastest` assumes unless an operator says otherwise. */
export function defaultTiersOf({
  cuts,
}: Pick<PartitionOperator, 'cuts'>): Omit<TierModel, 'nodeMicroseconds'> {
  return cuts === undefined ? DEFAULT_TIERS : DEFAULT_THREE_TIERS;
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
 * Finds automatic cuts.
 * @param nodeMs measured times of nodes by topological position; the others are estimated from their MACs
 * @throws InputError `no-cut` if nothing divides the graph's work
 */
export function resolveCuts(
  graph: CutGraph,
  wish: CutWish,
  nodeMs: ReadonlyMap<number, number> = new Map(),
): ResolvedCuts {
  const cheapest = (costs: PartCosts): MinimumCuts => minimumCuts(graph, costs) ?? noCut(wish, graph);
  switch (wish.kind) {
    case 'equal-size': {
      const { before, isExact } = equalParts(graph, wish) ?? noCut(wish, graph);
      return { cuts: before.map((each) => placeOf(graph, each)), isExact, prediction: null };
    }
    case 'fewest-bytes': {
      const free = graph.units.map(() => 0);
      const bytes = graph.values.map((value) => transferredBytes(value, wish.transfer) ?? Infinity);
      const sent = Array.from({ length: wish.cuts }, () => bytes);
      const { before } = cheapest({ parts: [free, ...sent.map(() => free)], crossing: sent });
      return { cuts: before.map((each) => placeOf(graph, each)), isExact: true, prediction: null };
    }
    case 'fastest': {
      const { before } = cheapest(costsOnTiers(graph, wish, nodeMs));
      return {
        cuts: before.map((each) => placeOf(graph, each)),
        isExact: true,
        prediction: predictCuts(graph, wish, nodeMs, before),
      };
    }
    default:
      return unreachable(wish.kind);
  }
}

function equalParts(
  graph: CutGraph,
  { cuts }: CutWish,
): { readonly before: readonly UnitsBefore[]; readonly isExact: boolean } | null {
  if (cuts === 2) return equalSizeCuts(graph);
  const found = equalSizeCut(graph);
  return found && { ...found, before: [found.before] };
}

/** What the parts between frontiers, one inside the other, take on their tiers. */
export function predictCuts(
  graph: CutGraph,
  { tiers, transfer }: Pick<CutWish, 'tiers' | 'transfer'>,
  nodeMs: ReadonlyMap<number, number>,
  cuts: readonly UnitsBefore[],
): CutPrediction {
  const { speeds, links } = lineOf(tiers);
  const ms = unitTimes(graph, tiers, nodeMs);
  const wholeMs = ms.reduce((sum, each) => sum + each, 0);
  const partMs = speeds.map(
    (speed, part) =>
      ms.reduce((sum, each, unit) => {
        const cut = cuts.findIndex((before) => before[unit] === 1);
        return (cut < 0 ? cuts.length : cut) === part ? sum + each : sum;
      }, 0) / speed,
  );
  const sendMs = (names: readonly string[], over: readonly LinkModel[]): number => {
    const bytes = names.reduce((sum, name) => {
      const value = graph.values[graph.valueIds.get(name) ?? -1];
      return sum + ((value && transferredBytes(value, transfer)) ?? Infinity);
    }, 0);
    return over.reduce((sum, link) => sum + link.rttMs + bytes * msPerByte(link), 0);
  };
  const transferMs = cuts.reduce(
    (sum, before, cut) => sum + sendMs(crossingNames(graph, before), links.slice(cut, cut + 1)),
    0,
  );
  // What is sent to a remote first part are the inputs as they are.
  const inputs = graph.values.filter(({ producer }) => producer < 0);
  const inputBytes = inputs.reduce((sum, { bytes }) => sum + (bytes ?? Infinity), 0);
  const aloneMs = speeds.map((speed, tier) =>
    links
      .slice(0, tier)
      .reduce((sum, link) => sum + link.rttMs + inputBytes * msPerByte(link), wholeMs / speed),
  );
  const isThree = speeds.length > 2;
  return {
    headMs: partMs[0] ?? 0,
    ...(isThree && { middleMs: partMs[1] ?? 0 }),
    tailMs: partMs.at(-1) ?? 0,
    transferMs,
    totalMs: partMs.reduce((sum, each) => sum + each, transferMs),
    headAloneMs: aloneMs[0] ?? 0,
    ...(isThree && { middleAloneMs: aloneMs[1] ?? 0 }),
    tailAloneMs: aloneMs.at(-1) ?? 0,
  };
}

type LinkModel = Pick<TierModel, 'bandwidthMbps' | 'rttMs'>;

/** Tiers in order, and the links between them. */
function lineOf(tiers: TierModel): {
  readonly speeds: readonly number[];
  readonly links: readonly LinkModel[];
} {
  const { headSpeed, middleSpeed, tailSpeed, bandwidthMbps, rttMs } = tiers;
  const first = { bandwidthMbps, rttMs };
  if (middleSpeed === undefined) return { speeds: [headSpeed, tailSpeed], links: [first] };
  const { tailBandwidthMbps, tailRttMs } = { ...DEFAULT_THREE_TIERS, ...tiers };
  const second = { bandwidthMbps: tailBandwidthMbps, rttMs: tailRttMs };
  return { speeds: [headSpeed, middleSpeed, tailSpeed], links: [first, second] };
}

/** What parts and values cost in milliseconds, the round trips left out: all cuts pay them. */
function costsOnTiers(
  graph: CutGraph,
  { tiers, transfer }: CutWish,
  nodeMs: ReadonlyMap<number, number>,
): PartCosts {
  const { speeds, links } = lineOf(tiers);
  const ms = unitTimes(graph, tiers, nodeMs);
  const bytes = graph.values.map((value) => transferredBytes(value, transfer) ?? Infinity);
  return {
    parts: speeds.map((speed) => ms.map((each) => each / speed)),
    crossing: links.map((link) => bytes.map((each) => each * msPerByte(link))),
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

function msPerByte({ bandwidthMbps }: LinkModel): number {
  return 8 / (bandwidthMbps * 1e3);
}

function placeOf(graph: CutGraph, before: UnitsBefore): ResolvedCuts['cuts'][number] {
  return { before, crossing: crossingNames(graph, before) };
}

function noCut({ kind, cuts }: CutWish, { values }: CutGraph): never {
  const isOfUnknownSize = values.length > 0 && values.every(({ bytes }) => bytes === null);
  throw new InputError({
    code: 'no-cut',
    message: `partition: "${kind}" finds no ${cuts === 1 ? 'place that leaves work on both sides, and that' : 'two places that leave work on all three tiers, and that'} only tensors of known size cross`,
    hint: isOfUnknownSize
      ? 'No size is known here: export the model with a fixed height and width, or name the values at which to cut.'
      : 'Leave the partition out, or name the values at which to cut.',
  });
}
