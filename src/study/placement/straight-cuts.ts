import type { TransferType } from '../../transforms/transfer.ts';
import { bytesOfValues, type ExpectedStop, type ExpectedWork } from './expected-work.ts';

/** What cuts straight across a graph, one after each node, leave on both sides. All by `afterNode`. */
export interface StraightCuts {
  /** Bytes that cross, converted as asked; NaN: unknown, or no cut. */
  readonly crossingBytes: Float64Array;
  /** Share of the images for which anything runs behind the cut. */
  readonly tailShare: Float64Array;
  /** Expected time before each cut, and behind it, of nodes that take this long. */
  readonly headMs: (nodeMs: ArrayLike<number>) => Float64Array;
  readonly tailMs: (nodeMs: ArrayLike<number>) => Float64Array;
}

/** Cuts between which the same exits lie before the cut. */
interface Stretch {
  readonly first: number;
  readonly end: number;
  /** Share of the images that reach each node, if it lies before the cut, and if it lies behind. */
  readonly headReach: Float64Array;
  readonly tailReach: Float64Array;
  readonly tailShare: number;
}

/**
 * All cuts straight across a graph at once: the same as `expectedSegments` for each of them, in a time linear in nodes
 * and values for each exit.
 */
export function straightCuts(
  work: ExpectedWork,
  transfer: TransferType,
  shares: ReadonlyMap<number, number>,
): StraightCuts {
  const { nodes, frontiers } = work.view;
  const { graph } = work;
  /** Where the line passes a node: with its unit's first node. */
  const lineOf = Int32Array.from(nodes, ({ index }) => {
    const unit = graph.unitOfNode[index] ?? -1;
    return unit < 0 ? -1 : (graph.units[unit]?.nodes[0] ?? -1);
  });
  const lastLine = lineOf.reduce((last, line) => Math.max(last, line), -1);
  const firstLine = graph.units[0]?.nodes[0] ?? 0;
  const isCut = frontiers.map(({ legal }, at) => legal && at >= firstLine && at < lastLine);
  const stretches = stretchesOf(work, lineOf, shares);
  const tailShare = new Float64Array(nodes.length).fill(Number.NaN);
  for (const { first, end, tailShare: share } of stretches) tailShare.fill(share, first, end);

  const along = (nodeMs: ArrayLike<number>, side: 'head' | 'tail'): Float64Array => {
    const sums = new Float64Array(nodes.length).fill(Number.NaN);
    for (const { first, end, headReach, tailReach } of stretches) {
      const reach = side === 'head' ? headReach : tailReach;
      const atLine = new Float64Array(nodes.length);
      let sum = 0;
      lineOf.forEach((line, node) => {
        if (line < 0) return;
        const ms = (reach[node] ?? 0) * (nodeMs[node] ?? 0);
        atLine[line] = (atLine[line] ?? 0) + ms;
        if (side === 'tail') sum += ms;
      });
      for (let at = 0; at < end; at++) {
        sum += side === 'head' ? (atLine[at] ?? 0) : -(atLine[at] ?? 0);
        if (at >= first && isCut[at] === true) sums[at] = Math.max(0, sum);
      }
    }
    return sums;
  };
  const crossing = crossingAlong(work, transfer);
  return {
    crossingBytes: crossing.map((bytes, at) => (isCut[at] === true ? bytes : Number.NaN)),
    tailShare,
    headMs: (nodeMs) => along(nodeMs, 'head'),
    tailMs: (nodeMs) => along(nodeMs, 'tail'),
  };
}

function stretchesOf(
  { view, stops }: ExpectedWork,
  lineOf: Int32Array,
  shares: ReadonlyMap<number, number>,
): readonly Stretch[] {
  const endOf = ({ needs }: ExpectedStop): number =>
    needs.reduce((last, isNeeded, node) => (isNeeded === 1 ? Math.max(last, lineOf[node] ?? -1) : last), 0);
  const ends = stops.map(endOf);
  const bounds = [...new Set([0, ...ends, view.nodes.length])].toSorted((a, b) => a - b);
  return bounds.slice(0, -1).map((first, at) => {
    const before = reachAfter(
      stops.filter((_, stop) => (ends[stop] ?? 0) <= first),
      shares,
      1,
      lineOf.length,
    );
    const behind = reachAfter(
      stops.filter((_, stop) => (ends[stop] ?? 0) > first),
      shares,
      before.remaining,
      lineOf.length,
    );
    const end = bounds[at + 1] ?? view.nodes.length;
    return { first, end, headReach: before.reach, tailReach: behind.reach, tailShare: before.remaining };
  });
}

/** Share of the images that reach each node of a part with these exits. */
function reachAfter(
  stops: readonly ExpectedStop[],
  shares: ReadonlyMap<number, number>,
  start: number,
  nodes: number,
): { readonly reach: Float64Array; readonly remaining: number } {
  const reach = new Float64Array(nodes).fill(-1);
  let remaining = start;
  for (const { exitIndex, needs } of stops) {
    reach.forEach((share, node) => {
      if (share < 0 && needs[node] === 1) reach[node] = remaining;
    });
    remaining = Math.max(0, remaining - (shares.get(exitIndex) ?? 0));
  }
  return { reach: reach.map((share) => (share < 0 ? remaining : share)), remaining };
}

/** Bytes across each line; NaN where any is unknown. */
function crossingAlong({ view, graph }: ExpectedWork, transfer: TransferType): Float64Array {
  const lineOfUnit = (unit: number): number => graph.units[unit]?.nodes[0] ?? 0;
  const bytesFrom = new Float64Array(view.nodes.length + 1);
  const unknownFrom = new Float64Array(view.nodes.length + 1);
  for (const { name, producer, consumers } of graph.values) {
    const from = producer < 0 ? 0 : lineOfUnit(producer);
    const to = consumers.reduce((last, unit) => Math.max(last, lineOfUnit(unit)), from);
    const bytes = bytesOfValues(view, [name], transfer);
    const steps = bytes === null ? unknownFrom : bytesFrom;
    steps[from] = (steps[from] ?? 0) + (bytes ?? 1);
    steps[to] = (steps[to] ?? 0) - (bytes ?? 1);
  }
  let [bytes, unknown] = [0, 0];
  return Float64Array.from(view.nodes, (_, at) => {
    bytes += bytesFrom[at] ?? 0;
    unknown += unknownFrom[at] ?? 0;
    return unknown > 0 ? Number.NaN : bytes;
  });
}
