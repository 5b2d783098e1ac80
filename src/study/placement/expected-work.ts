import type { GraphView } from '../../onnx/graph-view.ts';
import { type ValueName, valueName } from '../../onnx/model.ts';
import type { CutGraph, CutScope } from '../../transforms/cuts/cut-graph.ts';
import { crossingNames } from '../../transforms/cuts/frontier.ts';
import { cutGraphFor, type PlacedCut, placeCuts } from '../../transforms/cuts/placed-cut.ts';
import { skipsOf } from '../../transforms/exits/skip-placement.ts';
import { trainedExitsOf } from '../../transforms/exits/trained-placement.ts';
import { cutScope, placementOf } from '../../transforms/placement.ts';
import type { Recipe, TrainedExitOperator } from '../../transforms/recipe.ts';
import { type TransferType, transferredBytes } from '../../transforms/transfer.ts';
import { type HeadWork, headWork } from './head-work.ts';

/** What a recipe leaves of a model to compute, and where inference may stop; cuts come on top. */
export interface ExpectedWork {
  readonly view: GraphView;
  readonly scope: CutScope;
  readonly graph: CutGraph;
  /** Early exits in order of work, the end not among them. */
  readonly stops: readonly ExpectedStop[];
  /** One file decides inside where to stop: there is a single segment. */
  readonly isNested: boolean;
  /** Heads of trained exits that run at the end. */
  readonly endHeads: readonly HeadWork[];
}

export interface ExpectedStop {
  /** As in `Sample.exitIndex`. */
  readonly exitIndex: number;
  /** 1 for each node that it needs, by `NodeView.index`. */
  readonly needs: Uint8Array;
  /** Of a trained exit, as far as it is known. */
  readonly heads: readonly HeadWork[];
}

/** A part of a model that runs at once: what a segment of the built variant will be. */
export interface ExpectedSegment {
  /** The part between two cuts that it belongs to, from 0. */
  readonly part: number;
  /** By `NodeView.index`; the added heads of trained exits are none of them. */
  readonly nodes: readonly number[];
  /** Heads of trained exits that run in it. */
  readonly heads: readonly HeadWork[];
  /** Where inference may stop after it, as in `Sample.exitIndex`; null: it goes on. */
  readonly exitIndex: number | null;
  /** Bytes of the values that it takes from segments before; those of unknown size count 0. */
  readonly takenBytes: number;
}

/** A cut as far as it matters for what runs before it. */
export type CutPlace = Pick<PlacedCut, 'graph' | 'before'>;

/** What a recipe leaves to compute, whatever it says about cuts. */
export function expectedWork(view: GraphView, recipe: Recipe): ExpectedWork {
  const uncut = recipe.filter(({ op }) => op !== 'partition');
  const { exit } = placementOf(uncut, view);
  const trained = trainedExitsOf(uncut);
  const tap = trained?.exit === undefined ? undefined : trained.at[trained.exit];
  const whole = cutScope({ exit, skips: skipsOf(uncut, view).skips }, view);
  const scope = tap === undefined ? whole : { ...whole, outputs: [valueName(tap)] };
  const own = exit.kind === 'dynamic' ? exit.exits.slice(0, -1) : [];
  const needs = nodesNeeded(view, scope);
  const stops =
    trained?.threshold === undefined
      ? own.map((index) => ({ exitIndex: index, needs: needs(view.exits[index]?.output), heads: [] }))
      : trainedStops(view, trained, needs);
  const operator = uncut.find((step) => step.op === 'early-exit' && step.kind !== 'skip');
  return {
    view,
    scope,
    graph: cutGraphFor(view, scope),
    stops,
    isNested: operator?.form === 'if',
    endHeads: headsOf(
      view,
      trained?.threshold === undefined ? (tap === undefined ? (trained?.at ?? []) : [tap]) : [],
    ),
  };
}

/** A recipe's cuts on what it leaves, in order; `problem` says what does not fit. */
export function expectedCuts(
  { view, scope }: ExpectedWork,
  recipe: Recipe,
): { readonly cuts: readonly PlacedCut[]; readonly problem: string | null } {
  const partition = recipe.find((operator) => operator.op === 'partition');
  if (!partition) return { cuts: [], problem: null };
  const { cuts, problems } = placeCuts(view, partition, scope);
  return { cuts, problem: problems[0] ?? null };
}

/**
 * The segments of what a recipe leaves, with these cuts: the same division as `planSegments` makes of the file's graph.
 * @param cuts in order of the graph, each behind the one before
 */
export function expectedSegments(
  { view, scope, graph, stops, isNested, endHeads }: ExpectedWork,
  cuts: readonly CutPlace[],
): readonly ExpectedSegment[] {
  const partOfNode = view.nodes.map(({ index }) =>
    (graph.unitOfNode[index] ?? -1) < 0 ? -1 : partOf(index, cuts),
  );
  const segments: Omit<ExpectedSegment, 'takenBytes'>[] = [];
  const isDone = new Uint8Array(view.nodes.length);
  const add = (
    part: number,
    exitIndex: number | null,
    heads: readonly HeadWork[],
    belongs: (node: number) => boolean,
  ): void => {
    const nodes = partOfNode.flatMap((own, node) =>
      own >= 0 && own <= part && isDone[node] === 0 && belongs(node) ? [node] : [],
    );
    for (const node of nodes) isDone[node] = 1;
    if (nodes.length > 0 || exitIndex !== null) segments.push({ part, nodes, exitIndex, heads });
  };
  let waiting = isNested ? [] : stops;
  for (let part = 0; part <= cuts.length; part++) {
    const isHere = ({ needs }: ExpectedStop): boolean =>
      partOfNode.every((own, node) => needs[node] === 0 || own <= part);
    const here = waiting.filter(isHere);
    waiting = waiting.filter((stop) => !here.includes(stop));
    for (const { exitIndex, needs, heads } of here) add(part, exitIndex, heads, (node) => needs[node] === 1);
    add(part, null, part === cuts.length ? endHeads : [], () => true);
  }
  return withTakenBytes(view, scope, segments);
}

function withTakenBytes(
  view: GraphView,
  { skips = [] }: CutScope,
  segments: readonly Omit<ExpectedSegment, 'takenBytes'>[],
): readonly ExpectedSegment[] {
  const standIns = new Map<string, ValueName>(skips.map(({ from, to }) => [to, valueName(from)]));
  const madeBefore = new Set<ValueName>();
  return segments.map((segment) => {
    const nodes = segment.nodes.flatMap((node) => view.nodes[node] ?? []);
    const read = nodes.flatMap(({ inputs }) => inputs.map((name) => standIns.get(name) ?? name));
    const taken = [...new Set(read)].filter((name) => madeBefore.has(name));
    for (const { outputs } of nodes) for (const name of outputs) madeBefore.add(name);
    return {
      ...segment,
      takenBytes: taken.reduce((sum, name) => sum + (view.values.get(name)?.bytes ?? 0), 0),
    };
  });
}

/**
 * Share of the images for which each segment runs.
 * @param shares share of the images that leave at each exit
 */
export function segmentShares(
  segments: readonly ExpectedSegment[],
  shares: ReadonlyMap<number, number>,
): readonly number[] {
  let remaining = 1;
  return segments.map(({ exitIndex }) => {
    const share = remaining;
    if (exitIndex !== null) remaining = Math.max(0, remaining - (shares.get(exitIndex) ?? 0));
    return share;
  });
}

/** Share of the images that reach each node, by `NodeView.index`; 0 for what never runs. */
export function nodeShares(work: ExpectedWork, shares: ReadonlyMap<number, number>): Float64Array {
  const segments = expectedSegments({ ...work, isNested: false }, []);
  const ofSegment = segmentShares(segments, shares);
  const reach = new Float64Array(work.view.nodes.length);
  segments.forEach(({ nodes }, at) => {
    for (const node of nodes) reach[node] = ofSegment[at] ?? 0;
  });
  return reach;
}

/** Bytes that cross a cut, converted as asked; null: unknown. */
export function crossingBytes(
  view: GraphView,
  { graph, before }: CutPlace,
  transfer: TransferType,
): number | null {
  return bytesOfValues(view, crossingNames(graph, before), transfer);
}

/** Bytes of values on their way; null: unknown. */
export function bytesOfValues(
  view: GraphView,
  names: readonly ValueName[],
  transfer: TransferType,
): number | null {
  return names.reduce<number | null>((sum, name) => {
    const value = view.values.get(name);
    const bytes = value ? transferredBytes(value, transfer) : null;
    return sum === null || bytes === null ? null : sum + bytes;
  }, 0);
}

/** How values cross a recipe's cuts. */
export function transferOf(recipe: Recipe): TransferType {
  return recipe.find((operator) => operator.op === 'partition')?.transfer ?? 'float32';
}

function partOf(node: number, cuts: readonly CutPlace[]): number {
  const part = cuts.findIndex(({ graph, before }) => before[graph.unitOfNode[node] ?? -1] === 1);
  return part < 0 ? cuts.length : part;
}

function trainedStops(
  view: GraphView,
  { at }: TrainedExitOperator,
  needs: (name: ValueName | undefined) => Uint8Array,
): readonly ExpectedStop[] {
  const taps = at.map((name) => {
    const needed = needs(valueName(name));
    return {
      name,
      needed,
      macs: view.nodes.reduce((sum, { macs }, node) => sum + (needed[node] ? macs : 0), 0),
    };
  });
  // In the grown model exits are counted in order of work, heads of the model's own among them.
  return taps
    .toSorted((a, b) => a.macs - b.macs)
    .map(({ name, needed, macs }, position) => ({
      exitIndex: position + view.exits.filter((own) => own.macs <= macs).length,
      needs: needed,
      heads: headsOf(view, [name]),
    }));
}

function headsOf(view: GraphView, names: readonly string[]): readonly HeadWork[] {
  return names.flatMap((name) => headWork(view, name) ?? []);
}

/** The nodes that a value needs, where blocks are left out. */
function nodesNeeded(view: GraphView, { skips = [] }: CutScope): (name: ValueName | undefined) => Uint8Array {
  const standIns = new Map<string, ValueName>(skips.map(({ from, to }) => [to, valueName(from)]));
  const producer = new Map<ValueName, number>();
  for (const { index, outputs } of view.nodes) for (const name of outputs) producer.set(name, index);
  return (wanted) => {
    const found = new Uint8Array(view.nodes.length);
    const open = wanted === undefined ? [] : [wanted];
    for (let name = open.pop(); name !== undefined; name = open.pop()) {
      const standIn = standIns.get(name);
      const node = standIn === undefined ? producer.get(name) : undefined;
      if (standIn !== undefined) open.push(standIn);
      if (node === undefined || found[node] === 1) continue;
      found[node] = 1;
      open.push(...(view.nodes[node]?.inputs ?? []));
    }
    return found;
  };
}
