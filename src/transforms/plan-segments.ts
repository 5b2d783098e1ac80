import { defined } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import type { GraphIndex } from '../onnx/graph-index.ts';
import type { Graph, ValueName } from '../onnx/model.ts';
import type { ConfidenceMeasure } from './exits/confidence.ts';
import { nodesBetween } from './extract.ts';
import { nearestNames } from './nearest-name.ts';
import type { Tier } from './variant.ts';

/** An exit where inference may stop, in order of work; the last one is the final exit. */
export interface ExitStop {
  readonly exitIndex: number;
  readonly output: ValueName;
  readonly threshold: number;
  /** What the threshold is compared with; `max-softmax` when left out. */
  readonly confidence?: ConfidenceMeasure;
}

/** What a variant's segments are to be. */
export interface SegmentRequest {
  /** The outputs to keep. */
  readonly outputs: readonly ValueName[];
  /** Empty: nothing stops before the end. Else the outputs of these are `outputs`. */
  readonly stops: readonly ExitStop[];
  /** The values that cross from the mobile to the edge tier, and from there to the cloud; none: no cut. */
  readonly cuts: readonly (readonly ValueName[])[];
}

/** The nodes of one segment and the values it exchanges, as names of the whole graph. */
export interface SegmentNodes {
  readonly nodes: ReadonlySet<number>;
  readonly inputs: readonly ValueName[];
  readonly outputs: readonly ValueName[];
  readonly tier: Tier;
  readonly stop: ExitStop | null;
}

const TIERS: readonly Tier[] = ['mobile', 'edge', 'cloud'];

/**
 * Divides a graph at exits and cuts. Each segment has the nodes that its boundary needs and no earlier segment
 * has, so that running all of them is running every node once. Nodes that no kept output needs are left out;
 * nodes that compute with constants only go to every segment that uses their values, which never cross.
 *
 * @throws InputError `cut-unknown-value`, `cut-not-a-frontier`, `cut-at-edge`, `cuts-cross`, `exit-without-work`
 */
export function planSegments(graph: Graph, index: GraphIndex, request: SegmentRequest): SegmentNodes[] {
  const { outputs, stops, cuts } = request;
  const constants = computedConstants(graph, index, outputs);
  const live = nodesBetween(index, constants, outputs);
  const partEnds = cuts.map((cut) => nodesBeforeCut(graph, index, constants, live, outputs, cut));
  checkNested(partEnds, cuts);

  const groups: { nodes: Set<number>; tier: Tier; stop: ExitStop | null }[] = [];
  const done = new Set<number>();
  const addGroup = (wanted: Iterable<number>, tier: Tier, stop: ExitStop | null): void => {
    const nodes = new Set([...wanted].filter((node) => !done.has(node)));
    for (const node of nodes) done.add(node);
    if (nodes.size > 0) groups.push({ nodes, tier, stop });
    else if (stop !== null) throw exitWithoutWork(stop);
  };

  let waiting = stops.map((stop) => ({ stop, nodes: nodesBetween(index, constants, [stop.output]) }));
  [...partEnds, live].forEach((end, part) => {
    const tier = defined(TIERS[part], `tier ${part}`);
    const inPart = waiting.filter(({ nodes }) => isSubset(nodes, end));
    waiting = waiting.filter((each) => !inPart.includes(each));
    for (const { stop, nodes } of inPart) addGroup(nodes, tier, stop);
    addGroup(end, tier, null);
  });
  return withBoundaries(graph, index, constants, groups, outputs);
}

/** Each cut must leave something between it and the one before. */
function checkNested(
  partEnds: readonly ReadonlySet<number>[],
  cuts: readonly (readonly ValueName[])[],
): void {
  const [first, second] = partEnds;
  if (first === undefined || second === undefined) return;
  const [firstNames, secondNames] = cuts.map((names) => names.map((name) => JSON.stringify(name)).join(', '));
  const where = `${firstNames} | ${secondNames}`;
  if (!isSubset(first, second)) {
    const swapped = isSubset(second, first);
    throw new InputError({
      code: 'cuts-cross',
      message: `partition: the cut at ${secondNames} ${swapped ? 'lies before' : 'crosses'} the one at ${firstNames}, wanted it behind`,
      where,
      hint: swapped
        ? 'Swap the two cuts.'
        : 'Move one of them until all before the first is before the second.',
    });
  }
  if (second.size > first.size) return;
  throw new InputError({
    code: 'cuts-cross',
    message: `partition: nothing is left between the cuts at ${firstNames} and ${secondNames}, wanted work on all three tiers`,
    where,
    hint: 'Move one of the cuts, or leave one out.',
  });
}

/**
 * Values that nodes compute from constants alone: some exporters make weights that way. Not the kept outputs,
 * and nothing random, which would differ where it is computed twice.
 */
function computedConstants(graph: Graph, index: GraphIndex, outputs: readonly ValueName[]): Set<ValueName> {
  const constants = new Set<ValueName>();
  for (const node of index.order) {
    const { opType = '', outputs: made = [] } = graph.nodes[node] ?? {};
    const isConstant = index.inputsOf(node).every((name) => index.isConstant(name) || constants.has(name));
    if (!isConstant || RANDOM_OPERATORS.test(opType) || made.some((name) => outputs.includes(name))) continue;
    for (const name of made) constants.add(name);
  }
  return constants;
}

const RANDOM_OPERATORS = /^(Random|Bernoulli|Multinomial)/;

/** What crosses from the segments up to `last` to those after it, model inputs that are still needed included. */
export function crossingAfter(segments: readonly SegmentNodes[], last: number): ValueName[] {
  const later = segments.slice(last + 1);
  const madeLater = new Set(later.flatMap(({ outputs }) => outputs));
  const neededLater = new Set(later.flatMap(({ inputs }) => inputs));
  return [...neededLater].filter((name) => !madeLater.has(name));
}

/**
 * The head's nodes: all that does not come after a crossing value. An exit's head that hangs on the crossing
 * values alone belongs to it too, so that an exit at the cut is decided before anything is sent.
 */
function nodesBeforeCut(
  graph: Graph,
  index: GraphIndex,
  constants: ReadonlySet<ValueName>,
  live: ReadonlySet<number>,
  outputs: readonly ValueName[],
  cut: readonly ValueName[],
): Set<number> {
  const crossing = new Set(cut.filter((name) => !constants.has(name)));
  for (const name of crossing) checkCutValue(graph, index, live, name);

  const ancestors = nodesBetween(index, constants, crossing);
  const after = new Set<number>();
  for (const node of index.order) {
    if (!live.has(node) || ancestors.has(node)) continue;
    const isAfter = index.inputsOf(node).some((name) => {
      const producer = index.producer.get(name);
      return crossing.has(name) || (producer !== undefined && after.has(producer));
    });
    if (isAfter) after.add(node);
  }
  for (const node of exitHeads(index, constants, outputs, after)) after.delete(node);

  const before = new Set([...live].filter((node) => !after.has(node)));
  checkFrontier(index, constants, before, after, crossing);
  return before;
}

/** Nodes after the cut that the final output does not need, nor they anything after the cut but each other. */
function exitHeads(
  index: GraphIndex,
  constants: ReadonlySet<ValueName>,
  outputs: readonly ValueName[],
  after: ReadonlySet<number>,
): Set<number> {
  const trunk = nodesBetween(index, constants, outputs.slice(-1));
  const heads = new Set<number>();
  for (const node of index.order) {
    if (!after.has(node) || trunk.has(node)) continue;
    const isReady = index.inputsOf(node).every((name) => {
      const producer = constants.has(name) ? undefined : index.producer.get(name);
      return producer === undefined || !after.has(producer) || heads.has(producer);
    });
    if (isReady) heads.add(node);
  }
  return heads;
}

function checkCutValue(graph: Graph, index: GraphIndex, live: ReadonlySet<number>, name: ValueName): void {
  const producer = index.producer.get(name);
  const isInput = !index.isConstant(name) && graph.inputs.some((input) => input.name === name);
  if (isInput || (producer !== undefined && live.has(producer))) return;
  const known = graph.nodes.flatMap(({ outputs }) => outputs).filter((output) => output !== '');
  const near = nearestNames(name, known);
  const reason =
    producer !== undefined
      ? 'no output needs it'
      : index.isConstant(name)
        ? 'it is a weight, not a value computed on the way'
        : 'there is no value of this name';
  throw new InputError({
    code: 'cut-unknown-value',
    message: `partition: cannot cut at "${name}": ${reason}`,
    where: name,
    ...(producer !== undefined || near.length === 0
      ? {}
      : { hint: `The nearest names are ${near.map((each) => JSON.stringify(each)).join(', ')}.` }),
  });
}

function checkFrontier(
  index: GraphIndex,
  constants: ReadonlySet<ValueName>,
  before: ReadonlySet<number>,
  after: ReadonlySet<number>,
  crossing: ReadonlySet<ValueName>,
): void {
  const names = [...crossing].map((name) => JSON.stringify(name)).join(', ');
  if (before.size === 0 || after.size === 0) {
    throw new InputError({
      code: 'cut-at-edge',
      message: `partition: nothing is left ${before.size === 0 ? 'before' : 'after'} the cut at ${names}, wanted work on both sides`,
      where: names,
      hint: 'Choose a value between the first and the last operator.',
    });
  }
  const missing = new Set<ValueName>();
  for (const node of after) {
    for (const name of index.inputsOf(node)) {
      const producer = index.producer.get(name);
      const isMadeAfter = producer !== undefined && after.has(producer);
      const isGiven = crossing.has(name) || index.isConstant(name) || constants.has(name);
      if (!isMadeAfter && !isGiven) missing.add(name);
    }
  }
  if (missing.size === 0) return;
  const listed = [...missing].slice(0, 3).map((name) => JSON.stringify(name));
  const more = missing.size > 3 ? ` and ${missing.size - 3} more` : '';
  throw new InputError({
    code: 'cut-not-a-frontier',
    message: `partition: ${names} is not a whole cut: ${listed.join(', ')}${more} ${missing.size === 1 ? 'crosses' : 'cross'} it too`,
    where: names,
    hint: `List every value that crosses: "cut": ${JSON.stringify([...crossing, ...missing].slice(0, 8))}.`,
  });
}

function exitWithoutWork({ exitIndex, output }: ExitStop): InputError {
  return new InputError({
    code: 'exit-without-work',
    message: `early-exit: exit ${exitIndex} ("${output}") needs nothing that the exits before it have not computed`,
    where: output,
    hint: 'Leave it out of "exits".',
  });
}

/** Inputs and outputs of each group, from who makes and who uses a value. */
function withBoundaries(
  graph: Graph,
  index: GraphIndex,
  constants: ReadonlySet<ValueName>,
  groups: readonly { nodes: Set<number>; tier: Tier; stop: ExitStop | null }[],
  kept: readonly ValueName[],
): SegmentNodes[] {
  const groupOfNode = new Map<number, number>();
  groups.forEach(({ nodes }, group) => {
    for (const node of nodes) groupOfNode.set(node, group);
  });
  const groupOfValue = (name: ValueName): number | undefined => {
    const producer = index.producer.get(name);
    return producer === undefined ? undefined : groupOfNode.get(producer);
  };
  const inputs = groups.map(() => new Set<ValueName>());
  const usedConstants = groups.map(() => new Set<ValueName>());
  const leaving = new Set<ValueName>(kept);
  for (const node of index.order) {
    const group = groupOfNode.get(node);
    if (group === undefined) continue;
    for (const name of index.inputsOf(node)) {
      if (constants.has(name)) usedConstants[group]?.add(name);
      if (groupOfValue(name) === group || index.isConstant(name) || constants.has(name)) continue;
      inputs[group]?.add(name);
      leaving.add(name);
    }
  }
  // The model's own outputs first, in its order: who runs it may know them by their places.
  const ordered = new Set([
    ...graph.outputs.map(({ name }) => name),
    ...index.order.flatMap((node) => graph.nodes[node]?.outputs ?? []),
  ]);
  return groups.map(({ nodes, tier, stop }, group) => ({
    nodes: new Set([...nodes, ...nodesBetween(index, new Set(), usedConstants[group] ?? [])]),
    tier,
    stop,
    inputs: [...(inputs[group] ?? [])],
    outputs: [...ordered].filter((name) => name !== '' && leaving.has(name) && groupOfValue(name) === group),
  }));
}

function isSubset(some: ReadonlySet<number>, all: ReadonlySet<number>): boolean {
  for (const each of some) if (!all.has(each)) return false;
  return true;
}
