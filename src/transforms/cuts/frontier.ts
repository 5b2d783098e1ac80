import { defined } from '../../base/assert.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { CutGraph } from './cut-graph.ts';

/**
 * The units before a cut: 1 for each unit of the graph that runs before, 0 for each that runs after. *Closed*: a
 * unit is before only if all it needs is. Every closed set is a frontier, and the values that cross it name it.
 */
export type UnitsBefore = Uint8Array;

/** What a frontier means. */
export interface FrontierCost {
  /** Of the values that cross, each sent once; null if any is unknown. */
  readonly crossingBytes: number | null;
  readonly macsBefore: number;
  /** Weights of the parts; those that both need count in both. */
  readonly weightBytesBefore: number;
  readonly weightBytesAfter: number;
}

/** What a list of names is as a cut. */
export type NamedFrontier =
  | { readonly kind: 'frontier'; readonly before: UnitsBefore }
  /** Values that nothing makes or that no output needs. */
  | { readonly kind: 'unknown'; readonly names: readonly string[] }
  /** Other values cross as well; with them it is the nearest frontier. */
  | {
      readonly kind: 'incomplete';
      readonly missing: readonly ValueName[];
      readonly nearest: readonly ValueName[];
    }
  /** Nothing is left on one side. */
  | { readonly kind: 'empty'; readonly side: 'before' | 'after' };

/**
 * The frontier that exactly these values cross: before it is what they need, and whatever needs none of them.
 * @param names in any order; those that never cross are left out
 */
export function frontierOfValues(graph: CutGraph, names: readonly string[]): NamedFrontier {
  const { units, values, valueIds, inner } = graph;
  const wanted = names.filter((name) => !inner.has(name));
  const unknown = wanted.filter((name) => !valueIds.has(name));
  if (unknown.length > 0) return { kind: 'unknown', names: unknown };
  const crossing = new Set(wanted.map((name) => defined(valueIds.get(name), name)));

  const needed = ancestorsOf(
    graph,
    [...crossing].map((value) => values[value]?.producer ?? -1),
  );
  const before = new Uint8Array(units.length);
  units.forEach(({ inputs, predecessors, isTrunk }, unit) => {
    const isAfter =
      (isTrunk && inputs.some((value) => crossing.has(value))) ||
      predecessors.some((other) => before[other] === 0);
    before[unit] = needed[unit] === 1 || !isAfter ? 1 : 0;
  });
  if (!before.includes(1)) return { kind: 'empty', side: 'before' };
  if (!before.includes(0)) return { kind: 'empty', side: 'after' };
  const found = crossingOf(graph, before);
  const missing = found.filter((value) => !crossing.has(value));
  if (missing.length === 0) return { kind: 'frontier', before };
  return {
    kind: 'incomplete',
    missing: missing.map((value) => nameOf(graph, value)),
    nearest: found.map((value) => nameOf(graph, value)),
  };
}

/** Ids of the values that cross: made before, or given, and needed after. */
export function crossingOf({ values }: CutGraph, before: UnitsBefore): number[] {
  const crossing: number[] = [];
  values.forEach(({ producer, consumers }, value) => {
    const isThere = producer < 0 || before[producer] === 1;
    if (isThere && consumers.some((unit) => before[unit] === 0)) crossing.push(value);
  });
  return crossing;
}

/** The same by name, as a recipe lists them. */
export function crossingNames(graph: CutGraph, before: UnitsBefore): ValueName[] {
  return crossingOf(graph, before).map((value) => nameOf(graph, value));
}

/** Counts a frontier's bytes, work and weights. */
export function costOfFrontier(graph: CutGraph, before: UnitsBefore): FrontierCost {
  let crossingBytes: number | null = 0;
  for (const value of crossingOf(graph, before)) {
    const bytes: number | null = graph.values[value]?.bytes ?? null;
    crossingBytes = crossingBytes === null || bytes === null ? null : crossingBytes + bytes;
  }
  const [first, second] = [new Set<number>(), new Set<number>()];
  let macsBefore = 0;
  graph.units.forEach(({ macs, weights }, unit) => {
    const isBefore = before[unit] === 1;
    if (isBefore) macsBefore += macs;
    for (const weight of weights) (isBefore ? first : second).add(weight);
  });
  const bytesOf = (weights: ReadonlySet<number>): number =>
    [...weights].reduce((sum, weight) => sum + (graph.weightBytes[weight] ?? 0), 0);
  return { crossingBytes, macsBefore, weightBytesBefore: bytesOf(first), weightBytesAfter: bytesOf(second) };
}

/** The units at topological positions up to `afterNode`: always closed. */
export function unitsUpTo(graph: CutGraph, afterNode: number): UnitsBefore {
  return Uint8Array.from(graph.units, ({ nodes }) => ((nodes[0] as number) <= afterNode ? 1 : 0));
}

/** Units that can join a frontier's first part one at a time, and those that can leave it. */
export function neighboursOf(
  { units }: CutGraph,
  before: UnitsBefore,
): { readonly canJoin: readonly number[]; readonly canLeave: readonly number[] } {
  const canJoin: number[] = [];
  const canLeave: number[] = [];
  units.forEach(({ predecessors, successors }, unit) => {
    if (before[unit] === 0) {
      if (predecessors.every((other) => before[other] === 1)) canJoin.push(unit);
    } else if (successors.every((other) => before[other] === 0)) canLeave.push(unit);
  });
  return { canJoin, canLeave };
}

/** Whether all that is before the first cut is before the second. */
export function isNested(first: UnitsBefore, second: UnitsBefore): boolean {
  return first.every((isBefore, unit) => isBefore === 0 || second[unit] === 1);
}

/** A place of a cut on one of the branches it crosses. */
export interface BranchPlace {
  readonly before: UnitsBefore;
  /** The value that crosses this branch there. */
  readonly value: number;
}

/**
 * The places to which a cut can be moved along one branch while its other branches stay where they are: down until
 * the branches meet or part, and up likewise. In order of the graph; the present place is among them.
 * @param value one that crosses
 */
export function placesOnBranch(graph: CutGraph, before: UnitsBefore, value: number): readonly BranchPlace[] {
  const up: BranchPlace[] = [];
  for (let place: BranchPlace | null = { before, value }; place !== null; ) {
    place = stepUp(graph, place);
    if (place !== null) up.push(place);
  }
  const down: BranchPlace[] = [];
  for (let place: BranchPlace | null = { before, value }; place !== null; ) {
    place = stepDown(graph, place);
    if (place !== null) down.push(place);
  }
  return [...up.toReversed(), { before, value }, ...down];
}

/** Takes the one unit that still needs the branch's value to the other side, if it needs nothing else from there. */
function stepDown({ units, values }: CutGraph, { before, value }: BranchPlace): BranchPlace | null {
  const waiting = values[value]?.consumers.filter((unit) => before[unit] === 0) ?? [];
  const [unit] = waiting;
  if (unit === undefined || waiting.length > 1) return null;
  const { predecessors, inputs, outputs } = defined(units[unit], `unit ${unit}`);
  const [output] = outputs;
  if (output === undefined || outputs.length > 1) return null;
  const isReady = predecessors.every((other) => before[other] === 1);
  // A join with a branch that crosses elsewhere would move that one's end, too.
  const endsOthers = inputs.some(
    (other) =>
      other !== value && values[other]?.consumers.every((user) => user === unit || before[user] === 1),
  );
  return isReady && !endsOthers ? { before: before.with(unit, 1), value: output } : null;
}

/** Gives the unit that made the branch's value back, if nothing else before needs it. */
function stepUp({ units, values }: CutGraph, { before, value }: BranchPlace): BranchPlace | null {
  const unit = values[value]?.producer ?? -1;
  const made = units[unit];
  if (made === undefined || made.outputs.length > 1) return null;
  if (made.successors.some((other) => before[other] === 1)) return null;
  // What starts to cross instead: values that did not cross before.
  const starting = made.inputs.filter((input) =>
    values[input]?.consumers.every((user) => before[user] === 1),
  );
  const [only] = starting;
  if (only === undefined || starting.length > 1) return null;
  return before.reduce((sum, each) => sum + each, 0) > 1
    ? { before: before.with(unit, 0), value: only }
    : null;
}

function ancestorsOf({ units }: CutGraph, of: readonly number[]): Uint8Array {
  const found = new Uint8Array(units.length);
  const open = of.filter((unit) => unit >= 0);
  for (let unit = open.pop(); unit !== undefined; unit = open.pop()) {
    if (found[unit] === 1) continue;
    found[unit] = 1;
    open.push(...(units[unit]?.predecessors ?? []));
  }
  return found;
}

function nameOf({ values }: CutGraph, value: number): ValueName {
  return defined(values[value], `value ${value}`).name;
}
