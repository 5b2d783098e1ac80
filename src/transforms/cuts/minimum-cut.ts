import type { CutGraph } from './cut-graph.ts';
import type { UnitsBefore } from './frontier.ts';
import { FlowNetwork } from './max-flow.ts';

/** What a cut's two parts cost; the numbers may be of any unit, the same for all. */
export interface CutCosts {
  /** Of each unit if it runs before the cut, and if it runs after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Of sending each value once, however many units need it; `Infinity`: it must not cross. */
  readonly crossing: readonly number[];
}

export interface MinimumCut {
  readonly before: UnitsBefore;
  /** In the unit of the costs. */
  readonly cost: number;
}

/** Networks solved to make sure of work on both sides. */
const MOST_PAIRS = 256;
/** Costs are rounded to this part of their sum, so that flows are exact integers. */
const STEPS = 2 ** 48;

/**
 * The cheapest frontier that leaves work on both sides: a unit with MACs before and one after (any unit where a
 * model has no MACs). A minimum s-t cut: units on the source's side run before. A unit pays `after` if cut from
 * the source and `before` if cut from the sink; a value pays once, through a vertex of its own between its
 * producer and all its consumers; edges that are never cut run from each unit to those it needs, which keeps the
 * set closed. Exact (up to rounding costs to 2^-48 of their sum) for every graph; where work begins and ends in
 * so many places that there are more than 256 pairs of a first and a last unit, the best of the first 256.
 * Of equal ones the earliest.
 * @returns null if no frontier divides the work, or each is crossed by something that must not cross
 */
export function minimumCut(graph: CutGraph, costs: CutCosts): MinimumCut | null {
  const free = solve(graph, costs, null);
  const { first, last } = endsOfWork(graph);
  const divides = ({ before }: MinimumCut): boolean =>
    first.some((unit) => before[unit] === 1) && last.some((unit) => before[unit] === 0);
  if (free !== null && divides(free)) return free;
  let best: MinimumCut | null = null;
  const pairs = first
    .flatMap((from) => last.map((to) => ({ from, to })))
    .filter(({ from, to }) => from !== to);
  for (const pair of pairs.slice(0, MOST_PAIRS)) {
    const found = solve(graph, costs, pair);
    if (found !== null && (best === null || found.cost < best.cost)) best = found;
  }
  return best;
}

/** The frontier that fewest bytes cross, with work on both sides as in `minimumCut`. */
export function fewestBytesCut(graph: CutGraph): MinimumCut | null {
  const nothing = graph.units.map(() => 0);
  return minimumCut(graph, {
    before: nothing,
    after: nothing,
    crossing: graph.values.map(({ bytes }) => bytes ?? Infinity),
  });
}

/** The minimum cut with one unit held before it and another after it, or without either. */
function solve(
  { units, values }: CutGraph,
  costs: CutCosts,
  pair: { readonly from: number; readonly to: number } | null,
): MinimumCut | null {
  const all = [...costs.before, ...costs.after, ...costs.crossing].filter(Number.isFinite);
  const sum = all.reduce((total, cost) => total + cost, 0);
  const integersOnly = sum < STEPS && all.every(Number.isInteger);
  const scale = integersOnly ? 1 : STEPS / Math.max(sum, Number.MIN_VALUE);
  const capacity = (cost: number | undefined): number =>
    cost === undefined || cost === Infinity ? Infinity : Math.round(cost * scale);

  const [source, sink] = [units.length + values.length, units.length + values.length + 1];
  const network = new FlowNetwork(sink + 1);
  units.forEach(({ predecessors }, unit) => {
    network.addEdge(source, unit, pair?.from === unit ? Infinity : capacity(costs.after[unit]));
    network.addEdge(unit, sink, pair?.to === unit ? Infinity : capacity(costs.before[unit]));
    for (const needed of predecessors) network.addEdge(unit, needed, Infinity);
  });
  values.forEach(({ producer, consumers }, value) => {
    const vertex = units.length + value;
    network.addEdge(producer < 0 ? source : producer, vertex, capacity(costs.crossing[value]));
    for (const unit of consumers) network.addEdge(vertex, unit, Infinity);
  });
  const { capacity: least, onSourceSide } = network.minimumCut(source, sink);
  if (least === Infinity) return null;
  const before = onSourceSide.slice(0, units.length);
  return { before, cost: costOf({ values }, costs, before) };
}

/** What a frontier costs, in the unit of the costs. */
export function costOf({ values }: Pick<CutGraph, 'values'>, costs: CutCosts, before: UnitsBefore): number {
  let cost = 0;
  before.forEach((isBefore, unit) => {
    cost += (isBefore === 1 ? costs.before[unit] : costs.after[unit]) ?? 0;
  });
  values.forEach(({ producer, consumers }, value) => {
    const isThere = producer < 0 || before[producer] === 1;
    if (isThere && consumers.some((unit) => before[unit] === 0)) cost += costs.crossing[value] ?? 0;
  });
  return cost;
}

/** The units where work begins (no other work is needed for them) and ends (no other work needs them). */
export function endsOfWork({ units }: CutGraph): { first: number[]; last: number[] } {
  const isWork = units.some(({ macs }) => macs > 0)
    ? units.map(({ macs }) => macs > 0)
    : units.map(() => true);
  const workBefore = new Uint8Array(units.length);
  const workAfter = new Uint8Array(units.length);
  units.forEach(({ predecessors }, unit) => {
    if (predecessors.some((other) => isWork[other] || workBefore[other] === 1)) workBefore[unit] = 1;
  });
  for (let unit = units.length - 1; unit >= 0; unit--) {
    const { successors = [] } = units[unit] ?? {};
    if (successors.some((other) => isWork[other] || workAfter[other] === 1)) workAfter[unit] = 1;
  }
  const ids = units.map((_, unit) => unit);
  return {
    first: ids.filter((unit) => isWork[unit] && workBefore[unit] === 0),
    last: ids.filter((unit) => isWork[unit] && workAfter[unit] === 0),
  };
}
