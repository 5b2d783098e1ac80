import { defined } from '../base/assert.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { TransferType } from '../transforms/transfer.ts';
import type { Tier } from '../transforms/variant.ts';
import {
  bytesOfValues,
  type CutPlace,
  crossingBytes,
  type ExpectedSegment,
  type ExpectedWork,
  expectedSegments,
  segmentShares,
} from './placement/expected-work.ts';
import {
  linksBetween,
  PLACEMENT_NAMES,
  type PlacementName,
  sendMs,
  type TierPlacement,
  TIERS,
  type TierSetup,
  tiersOfPlacement,
} from './placement/tiers.ts';
import { headMs } from './placement/head-work.ts';
import { straightCuts } from './placement/straight-cuts.ts';
import type { CostProfile, SessionCosts } from './profile/cost-profile.ts';

/** What is expected of a model on every placement and at every cut, in plain arrays: looked up while dragging. */
export interface Predictions {
  /** Bytes crossing each frontier, converted as asked; NaN where there is no legal cut or the size is unknown. */
  readonly crossingBytes: Float64Array;
  /** Decode to answer for each single tier. */
  readonly alone: ReadonlyMap<PlacementName, number>;
  /** Decode to answer for each pair of tiers, by `afterNode`; NaN where there is no legal cut. */
  readonly cut: ReadonlyMap<PlacementName, Float64Array>;
}

/** Mean times of an inference on a placement. All in milliseconds; `totalMs` is the sum of the others but `latencyMs`. */
export interface ExpectedTimes {
  readonly decodeMs: number;
  readonly preprocessMs: number;
  /** Of each tier of the placement, in order. */
  readonly tierMs: readonly number[];
  readonly transferMs: number;
  readonly postprocessMs: number;
  /** Computing and sending: what 'latency' means in the front. */
  readonly latencyMs: number;
  readonly totalMs: number;
}

/** What nodes and sessions take on a device. */
interface NodeCosts extends SessionCosts {
  /** Each node, by `NodeView.index`. */
  readonly nodeMs: ArrayLike<number>;
}

/** What computing takes on a tier. */
export interface TierCosts extends NodeCosts {
  /** Each segment where it was measured as such; counts instead of the nodes. */
  readonly segmentMs?: readonly number[];
  readonly decodeMs: number;
  readonly preprocessMs: number;
  readonly postprocessMs: number;
}

export type CostsByTier = Readonly<Record<Tier, TierCosts>>;

/** What a prediction assumes besides the costs. */
export interface Assumptions extends Pick<TierPlacement, 'setup' | 'sends'> {
  readonly transfer: TransferType;
  /** Share of the images that leave at each exit; none leave where nothing is said. */
  readonly shares: ReadonlyMap<number, number>;
  /** Size of an encoded image. */
  readonly imageBytes: number;
}

/**
 * What computing takes on each tier: what was measured on the tier, else what it takes here divided by the tier's
 * speed factor.
 * @param there profiles of other devices, where some stand for a tier
 */
export function costsByTier(
  here: CostProfile,
  setup: TierSetup,
  there: Partial<Readonly<Record<Tier, TierCosts>>> = {},
): CostsByTier {
  const costsOf = (tier: Tier): TierCosts => {
    const { speedFactor, measured } = setup.tiers[tier];
    const known = there[tier];
    const scaled = known ?? {
      nodeMs: speedFactor === 1 ? here.nodeMs : here.nodeMs.map((ms) => ms / speedFactor),
      decodeMs: here.decodeMs / speedFactor,
      preprocessMs: here.preprocessMs / speedFactor,
      postprocessMs: here.postprocessMs / speedFactor,
      startMs: (here.startMs ?? 0) / speedFactor,
      handOverMs: (here.handOverMs ?? 0) / speedFactor,
      handOverMsPerByte: (here.handOverMsPerByte ?? 0) / speedFactor,
    };
    return { ...scaled, ...measured };
  };
  return { mobile: costsOf('mobile'), edge: costsOf('edge'), cloud: costsOf('cloud') };
}

/** A recipe's work divided by cuts, with all that does not depend on where the parts run. */
export interface DividedWork {
  readonly view: GraphView;
  readonly segments: readonly ExpectedSegment[];
  /** Share of the images for which each segment runs. */
  readonly shares: readonly number[];
  /** Bytes crossing each cut, converted as asked; null: unknown. */
  readonly crossingBytes: readonly (number | null)[];
  /** One session decides inside, so nothing is handed over. */
  readonly isOneSession: boolean;
}

/** Divides what a recipe leaves of a model by cuts, in order of the graph. */
export function dividedWork(
  work: ExpectedWork,
  cuts: readonly CutPlace[],
  { transfer, shares }: Pick<Assumptions, 'transfer' | 'shares'>,
): DividedWork {
  // One file that decides inside takes the same as several.
  const segments = expectedSegments({ ...work, isNested: false }, cuts);
  return {
    view: work.view,
    segments,
    shares: segmentShares(segments, shares),
    crossingBytes: cuts.map((cut) => crossingBytes(work.view, cut, transfer)),
    isOneSession: work.isNested,
  };
}

/**
 * Predicts the mean times of an inference on a placement that can hold so many parts. Jitter counts with its mean.
 * Nothing is computed or sent for images that left before.
 * @returns null if the size of what is sent is not known
 */
export function expectedTimes(
  { view, segments, shares, crossingBytes: bytesOfCut, isOneSession }: DividedWork,
  costs: CostsByTier,
  name: PlacementName,
  { setup, sends, imageBytes }: Pick<Assumptions, 'setup' | 'sends' | 'imageBytes'>,
): ExpectedTimes | null {
  const tiers = tiersOfPlacement(name);
  const first = defined(tiers[0], 'first tier');
  // Share of the images that get to each tier.
  const reach = tiers.map(() => 0);
  const tierMs = tiers.map(() => 0);
  segments.forEach((segment, at) => {
    const { part } = segment;
    const place = tiers.length === 1 ? 0 : part;
    const cost = costs[defined(tiers[place], `tier of part ${part}`)];
    const ms = cost.segmentMs?.[at] ?? segmentMs(view, cost, segment, at, isOneSession);
    const share = shares[at] ?? 0;
    tierMs[place] = (tierMs[place] ?? 0) + share * ms;
    reach[place] = Math.max(reach[place] ?? 0, share);
  });

  const input = inputBytes(view, sends, imageBytes);
  const sent = tiers.map((tier, at) => ({
    links: linksBetween(at === 0 ? 'mobile' : (tiers[at - 1] ?? first), tier),
    bytes: at === 0 ? input : (bytesOfCut[at - 1] ?? null),
    share: at === 0 ? 1 : (reach[at] ?? 0),
  }));
  let transferMs = 0;
  for (const { links, bytes, share } of sent) {
    if (links.length === 0) continue;
    if (bytes === null) return null;
    transferMs += share * sendMs(setup, links, bytes);
  }

  const { decodeMs, preprocessMs } = costs[sends === 'encoded-image' ? first : 'mobile'];
  // The answer is read where it is made.
  const postprocessMs = tiers.reduce(
    (sum, tier, at) => sum + ((reach[at] ?? 0) - (reach[at + 1] ?? 0)) * costs[tier].postprocessMs,
    0,
  );
  const latencyMs = tierMs.reduce((sum, ms) => sum + ms, transferMs);
  const totalMs = decodeMs + preprocessMs + latencyMs + postprocessMs;
  return { decodeMs, preprocessMs, tierMs, transferMs, postprocessMs, latencyMs, totalMs };
}

/** What a segment costs on a device. */
export function segmentMs(
  view: GraphView,
  costs: NodeCosts,
  segment: ExpectedSegment,
  at: number,
  isOneSession = false,
): number {
  return aroundNodesMs(view, costs, segment, at, isOneSession) + nodesMs(costs, segment.nodes);
}

/**
 * The same without the model's own nodes: its session, and heads of trained exits.
 * @param at its position in the inference
 */
function aroundNodesMs(
  view: GraphView,
  costs: NodeCosts,
  { heads, takenBytes }: Pick<ExpectedSegment, 'heads' | 'takenBytes'>,
  at: number,
  isOneSession: boolean,
): number {
  return heads.reduce(
    (sum, head) => sum + headMs(view, costs.nodeMs, head),
    at > 0 && isOneSession ? 0 : sessionMs(costs, at, takenBytes),
  );
}

function sessionMs(
  { startMs = 0, handOverMs = 0, handOverMsPerByte = 0 }: SessionCosts,
  at: number,
  takenBytes: number,
): number {
  return at === 0 ? startMs : handOverMs + handOverMsPerByte * takenBytes;
}

function nodesMs({ nodeMs }: NodeCosts, nodes: readonly number[]): number {
  return nodes.reduce((sum, node) => sum + (nodeMs[node] ?? 0), 0);
}

/** Predicts every single tier, and every pair of tiers at every legal cut straight across the graph. */
export function predictPlacements(
  work: ExpectedWork,
  costs: CostsByTier,
  assumptions: Assumptions,
): Predictions {
  const { setup, sends, imageBytes, transfer, shares } = assumptions;
  const whole = dividedWork(work, [], assumptions);
  const alone = TIERS.flatMap((tier) => {
    const times = expectedTimes(whole, costs, tier, assumptions);
    return times ? [[tier, times.totalMs] as const] : [];
  });
  const cuts = straightCuts(work, transfer, shares);
  const handedBytes =
    transfer === 'float32' ? cuts.crossingBytes : straightCuts(work, 'float32', shares).crossingBytes;
  const cut = PLACEMENT_NAMES.flatMap((name) => {
    const [first, last, ...others] = tiersOfPlacement(name);
    if (first === undefined || last === undefined || others.length > 0) return [];
    const headMs = cuts.headMs(costs[first].nodeMs);
    const tailMs = cuts.tailMs(costs[last].nodeMs);
    const links = linksBetween(first, last);
    const before = beforeFirstMs(work.view, costs, first, { setup, sends, imageBytes });
    // What exits add does not depend much on where it is cut.
    const sessionsMs = whole.segments.reduce(
      (sum, segment, at) =>
        sum +
        (whole.shares[at] ?? 0) * aroundNodesMs(work.view, costs[first], segment, at, whole.isOneSession),
      0,
    );
    const totals = headMs.map((head, at) => {
      const share = cuts.tailShare[at] ?? 1;
      const sending = sendMs(setup, links, cuts.crossingBytes[at] ?? Number.NaN);
      const reading = (1 - share) * costs[first].postprocessMs + share * costs[last].postprocessMs;
      const taking = sessionMs(costs[last], 1, handedBytes[at] ?? 0);
      const computing = sessionsMs + head + share * taking + (tailMs[at] ?? Number.NaN);
      return (before ?? Number.NaN) + computing + share * sending + reading;
    });
    return [[name, totals] as const];
  });
  return { crossingBytes: cuts.crossingBytes, alone: new Map(alone), cut: new Map(cut) };
}

/** Decoding, preparing and sending the input to a remote first tier; null if its size is not known. */
function beforeFirstMs(
  view: GraphView,
  costs: CostsByTier,
  first: Tier,
  { setup, sends, imageBytes }: Pick<Assumptions, 'setup' | 'sends' | 'imageBytes'>,
): number | null {
  const { decodeMs, preprocessMs } = costs[sends === 'encoded-image' ? first : 'mobile'];
  const links = linksBetween('mobile', first);
  if (links.length === 0) return decodeMs + preprocessMs;
  const bytes = inputBytes(view, sends, imageBytes);
  return bytes === null ? null : decodeMs + preprocessMs + sendMs(setup, links, bytes);
}

function inputBytes(view: GraphView, sends: TierPlacement['sends'], imageBytes: number): number | null {
  return sends === 'encoded-image' ? imageBytes : bytesOfValues(view, view.inputs, 'float32');
}
