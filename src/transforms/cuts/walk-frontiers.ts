import { defined } from '../../base/assert.ts';
import type { CutGraph, CutUnit } from './cut-graph.ts';
import type { UnitsBefore } from './frontier.ts';

/** A frontier under way, with its counts; valid only during the visit. */
export interface WalkState {
  readonly before: UnitsBefore;
  readonly unitsBefore: number;
  /** Of the values that cross with known size. */
  readonly crossingBytes: number;
  readonly crossingValues: number;
  /** Values of unknown size, or no tensors, that cross. */
  readonly crossingUnknown: number;
  readonly macsBefore: number;
  /** Weights of the parts; those that both need count in both. */
  readonly weightBytesBefore: number;
  readonly weightBytesAfter: number;
}

/** More frontiers than this are not all visited: parallel branches multiply. */
export const MOST_FRONTIERS = 200_000;

/**
 * Visits every frontier of a graph once, the empty and the full one among them, counting as it goes: each costs the
 * edges of one unit. Units join in ascending order, which reaches each closed set in exactly one way.
 * @returns false if there are more than `limit`, and not all were visited
 */
export function walkFrontiers(
  graph: CutGraph,
  visit: (state: WalkState) => void,
  limit = MOST_FRONTIERS,
): boolean {
  const counter = new FrontierCounter(graph);
  visit(counter);
  let visited = 1;
  // Each level holds the units that may join next, ascending; a level ends when all were tried.
  const levels: { readonly choices: readonly number[]; next: number }[] = [
    { choices: counter.startingUnits(), next: 0 },
  ];
  const joined: number[] = [];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const unit = level.choices[level.next];
    if (unit === undefined) {
      levels.pop();
      const last = joined.pop();
      if (last !== undefined) counter.leave(last);
      continue;
    }
    level.next++;
    if (visited++ >= limit) return false;
    const opened = counter.join(unit);
    joined.push(unit);
    visit(counter);
    levels.push({ choices: merged(level.choices, level.next, opened), next: 0 });
  }
  return true;
}

/** A frontier to which units join, and which they leave, one at a time; the counts follow. */
export class FrontierCounter implements WalkState {
  readonly before: UnitsBefore;
  unitsBefore = 0;
  crossingBytes = 0;
  crossingValues = 0;
  crossingUnknown = 0;
  macsBefore = 0;
  weightBytesBefore = 0;
  weightBytesAfter = 0;
  readonly #graph: CutGraph;
  /** Predecessors of each unit that have not joined. */
  readonly #missing: Int32Array;
  /** Consumers of each value that have not joined. */
  readonly #waiting: Int32Array;
  readonly #weightUsersBefore: Int32Array;
  readonly #weightUsersAfter: Int32Array;

  /** Begins with nothing before the cut. */
  constructor(graph: CutGraph) {
    const { units, values, weightBytes } = graph;
    this.#graph = graph;
    this.before = new Uint8Array(units.length);
    this.#missing = Int32Array.from(units, ({ predecessors }) => predecessors.length);
    this.#waiting = Int32Array.from(values, ({ consumers }) => consumers.length);
    this.#weightUsersBefore = new Int32Array(weightBytes.length);
    this.#weightUsersAfter = new Int32Array(weightBytes.length);
    for (const { weights } of units)
      for (const weight of weights) this.#countUser(weight, this.#weightUsersAfter);
    for (const bytes of weightBytes) this.weightBytesAfter += bytes;
    values.forEach(({ producer }, value) => {
      if (producer < 0) this.#cross(value, 1);
    });
  }

  startingUnits(): number[] {
    return this.#graph.units.flatMap((_, unit) => (this.#missing[unit] === 0 ? [unit] : []));
  }

  canJoin(unit: number): boolean {
    return this.before[unit] === 0 && this.#missing[unit] === 0;
  }

  canLeave(unit: number): boolean {
    return this.before[unit] === 1 && this.#unit(unit).successors.every((other) => this.before[other] === 0);
  }

  /** @returns the units that can join from now on, ascending */
  join(unit: number): number[] {
    const { inputs, outputs, successors, weights, macs } = this.#unit(unit);
    this.before[unit] = 1;
    this.unitsBefore++;
    this.macsBefore += macs;
    for (const value of inputs) if (this.#add(this.#waiting, value, -1) === 0) this.#cross(value, -1);
    for (const value of outputs) this.#cross(value, 1);
    for (const weight of weights) {
      const bytes = this.#graph.weightBytes[weight] as number;
      if (this.#add(this.#weightUsersBefore, weight, 1) === 1) this.weightBytesBefore += bytes;
      if (this.#add(this.#weightUsersAfter, weight, -1) === 0) this.weightBytesAfter -= bytes;
    }
    const opened: number[] = [];
    for (const other of successors) if (this.#add(this.#missing, other, -1) === 0) opened.push(other);
    return opened.sort((a, b) => a - b);
  }

  /** Undoes a join; nothing that needs the unit may be before. */
  leave(unit: number): void {
    const { inputs, outputs, successors, weights, macs } = this.#unit(unit);
    this.before[unit] = 0;
    this.unitsBefore--;
    this.macsBefore -= macs;
    for (const value of outputs) this.#cross(value, -1);
    for (const value of inputs) if (this.#add(this.#waiting, value, 1) === 1) this.#cross(value, 1);
    for (const weight of weights) {
      const bytes = this.#graph.weightBytes[weight] as number;
      if (this.#add(this.#weightUsersBefore, weight, -1) === 0) this.weightBytesBefore -= bytes;
      if (this.#add(this.#weightUsersAfter, weight, 1) === 1) this.weightBytesAfter += bytes;
    }
    for (const other of successors) this.#add(this.#missing, other, 1);
  }

  #unit(unit: number): CutUnit {
    return defined(this.#graph.units[unit], `unit ${unit}`);
  }

  #cross(value: number, direction: 1 | -1): void {
    const bytes = this.#graph.values[value]?.bytes ?? null;
    this.crossingValues += direction;
    if (bytes === null) this.crossingUnknown += direction;
    else this.crossingBytes += direction * bytes;
  }

  #countUser(weight: number, users: Int32Array): void {
    users[weight] = (users[weight] as number) + 1;
  }

  #add(counts: Int32Array, at: number, change: number): number {
    const count = (counts[at] as number) + change;
    counts[at] = count;
    return count;
  }
}

/** The rest of one ascending list and another, ascending. */
function merged(first: readonly number[], from: number, second: readonly number[]): readonly number[] {
  if (second.length === 0 && from >= first.length) return [];
  return [...first.slice(from), ...second].sort((a, b) => a - b);
}
