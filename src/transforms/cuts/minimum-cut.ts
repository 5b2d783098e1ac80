import { defined } from '../../base/assert.ts';
import type { CutGraph } from './cut-graph.ts';
import type { UnitsBefore } from './frontier.ts';
import { FlowNetwork, type SmallestCut } from './max-flow.ts';

/** What a cut's two parts cost; the numbers may be of any unit, the same for all. */
export interface CutCosts {
  /** Of each unit if it runs before the cut, and if it runs after it. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  /** Of sending each value once, however many units need it; `Infinity`: it must not cross. */
  readonly crossing: readonly number[];
}

/** The same of several cuts, each behind the one before. */
export interface PartCosts {
  /** For each part, in order, of each unit if it runs there: one list more than there are cuts. */
  readonly parts: readonly (readonly number[])[];
  /** For each cut of each value, as in `CutCosts`. */
  readonly crossing: readonly (readonly number[])[];
}

export interface MinimumCut {
  readonly before: UnitsBefore;
  /** In the unit of the costs. */
  readonly cost: number;
}

export interface MinimumCuts {
  /** What lies before each cut, in order. */
  readonly before: readonly UnitsBefore[];
  readonly cost: number;
}

/** Pairs of a first and a last unit for which a network is solved, to make sure of work at both ends. */
const MOST_PAIRS = 256;
/** Searches for the work of a middle part. */
const MOST_MIDDLES = 4096;
/** Costs are rounded to this part of their sum, so that flows are exact integers. */
const STEPS = 2 ** 48;

/** `minimumCuts` of one cut. */
export function minimumCut(graph: CutGraph, { before, after, crossing }: CutCosts): MinimumCut | null {
  const found = minimumCuts(graph, { parts: [before, after], crossing: [crossing] });
  return found && { before: defined(found.before[0], 'a cut'), cost: found.cost };
}

/**
 * The cheapest frontiers, one inside the other, that leave work in every part: a unit with MACs (any unit where a
 * model has no MACs). Exact (up to rounding costs to 2^-48 of their sum) for every graph; where work begins and ends
 * in so many places that there are more than 256 pairs of a first and a last unit, the best of the first 256.
 * Of equal ones the earliest.
 * @returns null if no frontiers divide the work, or each is crossed by something that must not cross
 */
export function minimumCuts(graph: CutGraph, costs: PartCosts): MinimumCuts | null {
  const { work, first, last } = endsOfWork(graph);
  const lastPart = costs.parts.length - 1;
  const middles = Array.from({ length: Math.max(0, lastPart - 1) }, (_, at) => at + 1);
  const hasWork = (found: Division, part: number): boolean =>
    work.some((unit) => found.partOf(unit) === part);
  const isComplete = (found: Division): boolean => costs.parts.every((_, part) => hasWork(found, part));

  const free = new Network(graph, costs, []).solve();
  if (free !== null && isComplete(free)) return divided(graph, costs, free);
  let best: Division | null = null;
  let searches = MOST_MIDDLES;
  const pairs = first.flatMap((from) => last.map((to) => [from, to] as const)).filter(([a, b]) => a !== b);
  for (const [from, to] of pairs.slice(0, MOST_PAIRS)) {
    const network = new Network(graph, costs, [
      { unit: from, part: 0 },
      { unit: to, part: lastPart },
    ]);
    const found = network.solve();
    if (found === null || found.capacity >= (best?.capacity ?? Infinity)) continue;
    const idle = middles.find((part) => !hasWork(found, part));
    if (idle === undefined) best = found;
    else {
      // Units near where the part would be are most likely the best, and bound the search among the others.
      const edge = work.filter((unit) => found.partOf(unit) < idle).length;
      const nearest = work
        .map((unit, at) => ({ unit, distance: Math.abs(at + 0.5 - edge) }))
        .toSorted((a, b) => a.distance - b.distance);
      for (const { unit } of nearest) {
        if (unit === from || unit === to || searches-- <= 0) continue;
        const held = network.solveWith({ unit, part: idle }, best?.capacity ?? Infinity);
        if (held !== null && isComplete(held)) best = held;
      }
    }
  }
  return best && divided(graph, costs, best);
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

/** A unit that has to be in a part. */
interface Held {
  readonly unit: number;
  readonly part: number;
}

interface Division {
  /** In the network's unit. */
  readonly capacity: number;
  readonly partOf: (unit: number) => number;
}

/**
 * Frontiers as a minimum s-t cut. Each cut is a layer with a vertex for each unit, on the source's side if the unit
 * runs before that cut. A chain of edges through a unit's vertices, from the last layer to the first, holds what it
 * costs in each part: exactly the edge of its part is cut. Edges that are never cut lead from each vertex to the same
 * unit's in the next layer, so that cuts are nested, and to the units it needs, so that frontiers are closed. A value
 * pays once for each cut it crosses, through a vertex of its own between its producer and all its consumers.
 * @source Ishikawa, Exact optimization for Markov random fields with convex priors (2003), of the chain
 */
class Network {
  readonly #network: FlowNetwork;
  readonly #units: number;
  readonly #cuts: number;
  readonly #source: number;
  readonly #sink: number;

  constructor({ units, values }: CutGraph, { parts, crossing }: PartCosts, held: readonly Held[]) {
    const all = [...parts, ...crossing].flat().filter(Number.isFinite);
    const sum = all.reduce((total, cost) => total + cost, 0);
    const integersOnly = sum < STEPS && all.every(Number.isInteger);
    const scale = integersOnly ? 1 : STEPS / Math.max(sum, Number.MIN_VALUE);
    const capacity = (cost: number | undefined): number =>
      cost === undefined || cost === Infinity ? Infinity : Math.round(cost * scale);

    this.#units = units.length;
    this.#cuts = crossing.length;
    const inner = this.#cuts * (units.length + values.length);
    [this.#source, this.#sink] = [inner, inner + 1];
    const network = (this.#network = new FlowNetwork(inner + 2));
    for (const [layer, costOfValue] of crossing.entries()) {
      const isLast = layer === this.#cuts - 1;
      units.forEach(({ predecessors }, unit) => {
        const vertex = this.#vertex(layer, unit);
        const ahead = isLast ? this.#source : this.#vertex(layer + 1, unit);
        network.addEdge(ahead, vertex, capacity(parts[layer + 1]?.[unit]));
        if (layer === 0) network.addEdge(vertex, this.#sink, capacity(parts[0]?.[unit]));
        if (!isLast) network.addEdge(vertex, ahead, Infinity);
        for (const needed of predecessors) network.addEdge(vertex, this.#vertex(layer, needed), Infinity);
      });
      values.forEach(({ producer, consumers }, value) => {
        const vertex = this.#cuts * units.length + layer * values.length + value;
        const from = producer < 0 ? this.#source : this.#vertex(layer, producer);
        network.addEdge(from, vertex, capacity(costOfValue[value]));
        for (const unit of consumers) network.addEdge(vertex, this.#vertex(layer, unit), Infinity);
      });
    }
    for (const each of held)
      for (const [from, to] of this.#edgesThatHold(each)) network.addEdge(from, to, Infinity);
  }

  /** Once, before `solveWith`; null: something must cross that must not. */
  solve(): Division | null {
    return this.#division(this.#network.minimumCut(this.#source, this.#sink));
  }

  /** With one more unit held; null also if that costs no less than `below`. */
  solveWith(held: Held, below: number): Division | null {
    const edges = this.#edgesThatHold(held);
    return this.#division(this.#network.minimumCutWith(edges, this.#source, this.#sink, below));
  }

  #division({ capacity, onSourceSide }: SmallestCut): Division | null {
    if (capacity === Infinity) return null;
    const partOf = (unit: number): number => {
      let part = 0;
      while (part < this.#cuts && onSourceSide[this.#vertex(part, unit)] === 0) part++;
      return part;
    };
    return { capacity, partOf };
  }

  #edgesThatHold({ unit, part }: Held): (readonly [number, number])[] {
    return [
      ...(part < this.#cuts ? [[this.#source, this.#vertex(part, unit)] as const] : []),
      ...(part > 0 ? [[this.#vertex(part - 1, unit), this.#sink] as const] : []),
    ];
  }

  #vertex(layer: number, unit: number): number {
    return layer * this.#units + unit;
  }
}

function divided(graph: CutGraph, costs: PartCosts, { partOf }: Division): MinimumCuts {
  const before = costs.crossing.map((_, cut) =>
    Uint8Array.from(graph.units, (_unit, unit) => (partOf(unit) <= cut ? 1 : 0)),
  );
  return { before, cost: costOfCuts(graph, costs, before) };
}

/** What a frontier costs, in the unit of the costs. */
export function costOf(
  graph: Pick<CutGraph, 'values'>,
  { before, after, crossing }: CutCosts,
  units: UnitsBefore,
): number {
  return costOfCuts(graph, { parts: [before, after], crossing: [crossing] }, [units]);
}

/** What frontiers cost, one inside the other, in the unit of the costs. */
export function costOfCuts(
  { values }: Pick<CutGraph, 'values'>,
  { parts, crossing }: PartCosts,
  cuts: readonly UnitsBefore[],
): number {
  let cost = 0;
  for (let unit = 0; unit < (cuts[0]?.length ?? 0); unit++) {
    const cut = cuts.findIndex((before) => before[unit] === 1);
    cost += parts[cut < 0 ? cuts.length : cut]?.[unit] ?? 0;
  }
  cuts.forEach((before, cut) => {
    values.forEach(({ producer, consumers }, value) => {
      const isThere = producer < 0 || before[producer] === 1;
      if (isThere && consumers.some((unit) => before[unit] === 0)) cost += crossing[cut]?.[value] ?? 0;
    });
  });
  return cost;
}

/**
 * The units that count as work, and those of them where it begins (no other work is needed for them) and ends (no
 * other work needs them).
 */
export function endsOfWork({ units }: CutGraph): { work: number[]; first: number[]; last: number[] } {
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
  const work = units.flatMap((_, unit) => (isWork[unit] ? [unit] : []));
  return {
    work,
    first: work.filter((unit) => workBefore[unit] === 0),
    last: work.filter((unit) => workAfter[unit] === 0),
  };
}
