import { type Failure, InputError, type Remedy } from '../base/result.ts';
import type { ValueName } from '../onnx/model.ts';
import type { AnalysedModel } from './analyse-model.ts';
import { applyRecipe } from './apply-recipe.ts';
import type { CutGraph } from './cuts/cut-graph.ts';
import { costOfFrontier, crossingNames, frontierOfValues, type UnitsBefore } from './cuts/frontier.ts';
import { cutNames } from './cuts/placed-cut.ts';
import { automaticCutOf, namedCutsOf } from './cuts/resolve-cut.ts';
import { FrontierCounter } from './cuts/walk-frontiers.ts';
import type { PlannedDraft } from './draft.ts';
import { cutGraphOfDraft } from './draft-cuts.ts';
import { canBypass, nearestSkip } from './exits/skip-blocks.ts';
import type { Heads } from './exits/trained-head.ts';
import { nearestNames } from './nearest-name.ts';
import type { BlockPruneOperator } from './prune/prune-operator.ts';
import type {
  CutNames,
  ExistingExitOperator,
  Operator,
  PartitionOperator,
  Recipe,
  SkipExitOperator,
  TrainedExitOperator,
} from './recipe.ts';

/** Each is tried on the model, which takes milliseconds. */
const mostCandidates = 8;

/** What a recipe that does not fit was applied to. */
interface Attempted {
  readonly analysed: AnalysedModel;
  readonly recipe: Recipe;
  readonly heads: Heads;
  readonly failure: Failure;
}

/**
 * The nearest recipe that fits where one does not: the cut moved to the nearest frontier there is, the exit to the
 * nearest value, fewer blocks skipped; where nothing of the kind is possible, the recipe without the operator that
 * does not fit, and without what does not fit of the rest.
 * @param steps so many operators may still be mended one after another
 * @returns null if nothing near works either
 */
export function remedyFor(attempted: Attempted, steps = attempted.recipe.length): Remedy | null {
  const { failure: refused } = attempted;
  // Operators in the wrong order come with their right one.
  if (refused.code === 'recipe-sequence' && refused.remedy)
    return followed(attempted, refused.remedy as Candidate, steps);
  const at = concernedIndex(attempted.recipe, refused);
  let tried = 0;
  let last: Candidate | null = null;
  let mended: Candidate | null = null;
  for (const candidate of candidatesFor(attempted)) {
    if (tried++ >= mostCandidates) break;
    if (fits(attempted, candidate.recipe)) return candidate;
    const next = failureOf(attempted, candidate.recipe);
    if (next && concernedIndex(candidate.recipe, next) !== at) mended ??= candidate;
    last = candidate;
  }
  // What is wrong with another operator is the next step.
  if (mended !== null && steps > 0) return followed(attempted, mended, steps - 1);
  // Each step has an operator less, so this ends.
  if (last === null || last.recipe.length >= attempted.recipe.length) return null;
  return followed(attempted, last, steps);
}

/** A step and, if the model refuses what it leads to, the next one. */
function followed(attempted: Attempted, step: Candidate, steps: number): Remedy | null {
  if (fits(attempted, step.recipe)) return step;
  const failure = failureOf(attempted, step.recipe);
  const rest = failure && remedyFor({ ...attempted, recipe: step.recipe, failure }, steps);
  return rest && { label: `${step.label}; ${lowerFirst(rest.label)}`, recipe: rest.recipe };
}

interface Candidate extends Remedy {
  readonly recipe: Recipe;
}

/** Heads that are not trained yet are the next step, not an obstacle. */
function fits(attempted: Attempted, recipe: Recipe): boolean {
  const failure = failureOf(attempted, recipe);
  return failure === null || failure.code === 'exit-not-trained';
}

function failureOf({ analysed, heads }: Attempted, recipe: Recipe): Failure | null {
  try {
    applyRecipe(analysed, recipe, 'check', heads);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    return thrown.failure;
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function draftOf(analysed: AnalysedModel, recipe: Recipe, heads: Heads): PlannedDraft | 'untrained' | null {
  try {
    return applyRecipe(analysed, recipe, 'check', heads);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    return thrown.failure.code === 'exit-not-trained' ? 'untrained' : null;
  }
}

function* candidatesFor(attempted: Attempted): Generator<Candidate> {
  const { recipe, failure } = attempted;
  const at = concernedIndex(recipe, failure);
  const operator = recipe[at];
  if (operator === undefined || failure.code === 'exit-not-trained') return;
  const instead = (label: string, ...operators: readonly Operator[]): Candidate => ({
    label,
    recipe: recipe.toSpliced(at, 1, ...operators),
  });
  switch (operator.op) {
    case 'partition':
      yield* otherCuts(attempted, operator, instead);
      yield instead('Leave the cut out');
      break;
    case 'early-exit':
      if (operator.kind === 'skip') yield* otherSkips(attempted, operator, instead);
      else if (operator.kind === 'trained') yield* otherTaps(attempted, operator, instead);
      else yield* otherExits(attempted, operator, instead);
      yield instead(operator.kind === 'skip' ? 'Skip nothing' : 'Leave the exit out');
      break;
    case 'prune':
      if (attempted.failure.code === 'prune-all-protected' && operator.kind !== 'block')
        yield instead('Protect the first and the last layer only', {
          ...operator,
          protect: ['first', 'last'],
        });
      if (operator.kind === 'block') yield* fewerBlocks(attempted, operator, instead);
      yield instead('Leave pruning out');
      break;
    case 'prepare':
      yield instead('Leave the preparation out');
      break;
    case 'quantize':
      yield instead('Leave quantization out');
      break;
    case 'identity':
      break;
  }
}

type Instead = (label: string, ...operators: readonly Operator[]) => Candidate;

function concernedIndex(recipe: Recipe, failure: Failure): number {
  return recipe.findIndex((operator) => isConcerned(operator, failure));
}

/** Which operator a failure is about. */
function isConcerned(operator: Operator, { code, message }: Failure): boolean {
  switch (operator.op) {
    case 'partition':
      return (
        /^(cut|no-cut)/.test(code) ||
        message.startsWith('partition') ||
        (code === 'opset-too-old' && operator.transfer === 'uint8')
      );
    case 'early-exit':
      if (operator.kind === 'skip') return /^(bypass-|no-skippable)/.test(code);
      return /exit|head-mismatch|threshold-count/.test(code) && !code.startsWith('cut');
    case 'quantize':
      return code === 'nothing-to-quantize' || code === 'opset-too-old';
    case 'prune':
      return /^(nothing-to-prune|prune-)/.test(code);
    case 'prepare':
      return code === 'nothing-to-prepare' || code === 'opset-too-old';
    case 'identity':
      return false;
  }
}

/** Those of the blocks that can be left out. */
function* fewerBlocks(
  { analysed }: Attempted,
  operator: BlockPruneOperator,
  instead: Instead,
): Generator<Candidate> {
  if (typeof operator.blocks === 'number') return;
  const legal = operator.blocks.filter((block) => canBypass(analysed, block));
  if (legal.length > 0 && legal.length < operator.blocks.length)
    yield instead('Remove only the blocks that can go', { ...operator, blocks: legal });
}

function* otherCuts(
  { analysed, recipe, heads, failure }: Attempted,
  operator: PartitionOperator,
  instead: Instead,
): Generator<Candidate> {
  const { cut: _cut, cuts: _cuts, ...rest } = operator;
  const cutAt = (label: string, cuts: readonly (readonly string[])[]): Candidate => {
    const [first, second] = cuts.map(cutNames);
    const where: Pick<PartitionOperator, 'cut' | 'cuts'> =
      second === undefined ? { cut: first as CutNames } : { cuts: [first as CutNames, second] };
    return instead(label, { ...rest, ...where });
  };
  if (failure.code === 'opset-too-old' && operator.transfer === 'uint8')
    yield instead('Send values as float16', { ...operator, transfer: 'float16' });
  const { nodeMicroseconds: _times, ...untimed } = operator;
  if (failure.code === 'times-of-another-model')
    yield instead('Estimate times from multiply-accumulates', untimed);
  if (automaticCutOf(operator) !== null) return;
  const named = namedCutsOf(operator);
  if (failure.code === 'cuts-cross' && named.length === 2) {
    yield cutAt('Swap the cuts', named.toReversed());
    yield cutAt('Keep the first cut only', named.slice(0, 1));
    return;
  }
  const reduced = draftOf(
    analysed,
    recipe.filter((each) => each !== operator),
    heads,
  );
  if (reduced === null || reduced === 'untrained') return;
  const graph = cutGraphOfDraft(reduced);
  const whole = cutGraphOfDraft({ analysed, stops: [] });
  const read = (name: string): string => reduced.standIns.get(name as ValueName) ?? name;
  const near = named.map((names) => nearestFrontier(graph, whole, [...new Set(names.map(read))]));
  if (near.every((names) => names !== null)) yield cutAt('Cut at the nearest place there is', near);
  const known = [...graph.valueIds.keys()];
  for (const name of nearestNames(named[0]?.[0] ?? '', known))
    yield cutAt('Cut at the nearest name', [[name]]);
  yield instead('Cut into parts of equal size', { ...rest, cut: 'equal-size' });
}

/**
 * The frontier of a graph that is nearest to some values: the one that they belong to, or that has as much work
 * before it as they have in the whole model; of these rather one that a single value crosses.
 */
function nearestFrontier(
  graph: CutGraph,
  whole: CutGraph,
  names: readonly string[],
): readonly ValueName[] | null {
  const found = frontierOfValues(graph, names);
  if (found.kind === 'frontier') return crossingNames(graph, found.before);
  if (found.kind === 'incomplete') return found.nearest;
  const place = frontierOfValues(whole, names);
  if (place.kind === 'unknown') return null;
  if (place.kind === 'incomplete') return nearestFrontier(graph, whole, place.nearest);
  const wantedMacs =
    place.kind === 'frontier'
      ? costOfFrontier(whole, place.before).macsBefore
      : place.side === 'before'
        ? 0
        : Infinity;
  const counter = new FrontierCounter(graph);
  let best: { readonly before: UnitsBefore; readonly distance: number; readonly isSingle: boolean } | null =
    null;
  const totalMacs = graph.units.reduce((sum, { macs }) => sum + macs, 0);
  for (let unit = 0; unit < graph.units.length - 1; unit++) {
    counter.join(unit);
    const { macsBefore, crossingValues, crossingUnknown } = counter;
    const divides = totalMacs === 0 || (macsBefore > 0 && macsBefore < totalMacs);
    if (!divides || crossingValues === 0 || crossingUnknown > 0) continue;
    const isSingle = crossingValues === 1;
    const distance = Math.abs(Math.min(wantedMacs, totalMacs) - macsBefore);
    const isNearer = best === null || (isSingle === best.isSingle ? distance < best.distance : isSingle);
    if (isNearer) best = { before: counter.before.slice(), distance, isSingle };
  }
  return best === null ? null : crossingNames(graph, best.before);
}

function* otherSkips(
  { analysed }: Attempted,
  operator: SkipExitOperator,
  instead: Instead,
): Generator<Candidate> {
  const { bypass = [] } = operator;
  const values = analysed.model.graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '');
  const known = new Set<string>([...values, ...analysed.inputs]);
  const renamed = (name: string): string => (known.has(name) ? name : (nearestNames(name, known)[0] ?? name));
  if (bypass.some(({ from, to }) => !known.has(from) || !known.has(to))) {
    const near = bypass.map(({ from, to }) => ({ from: renamed(from), to: renamed(to) }));
    yield instead('Skip between the nearest names', { ...operator, bypass: near });
  }
  for (const { from, to } of bypass) {
    const touched = analysed.skippable.flatMap(({ blocks }) =>
      blocks.filter((block) => block.from === from || block.to === to),
    );
    for (const block of touched.slice(0, 2)) {
      const whole = bypass.map((each) => (each.to === to ? { from: block.from, to: block.to } : each));
      yield instead('Skip the block there', { ...operator, bypass: whole });
    }
  }
  const nearest = nearestSkip(analysed);
  if (nearest?.blocks !== undefined) {
    const count = Math.min(nearest.blocks, operator.blocks ?? 2);
    yield instead(count === 1 ? 'Skip 1 block' : `Skip ${count} blocks`, { ...nearest, blocks: count });
  } else if (nearest !== null) {
    yield instead('Let one layer stand in for the next', nearest);
  }
}

function* otherTaps(
  { analysed, recipe, heads, failure }: Attempted,
  operator: TrainedExitOperator,
  instead: Instead,
): Generator<Candidate> {
  const { at, threshold, exit } = operator;
  if (failure.code === 'threshold-count' && typeof threshold === 'object')
    yield instead('Use one threshold', { ...operator, threshold: threshold[0] ?? 0.8 });
  if (failure.code === 'no-such-exit' && exit !== undefined)
    yield instead('Stop at the last of the exits', { ...operator, exit: at.length - 1 });
  if (failure.code === 'exit-not-class-scores') {
    yield instead('Skip blocks instead', { op: 'early-exit', kind: 'skip', blocks: 2 });
    yield instead('Skip a block instead', { op: 'early-exit', kind: 'skip', blocks: 1 });
  }
  const lost = at.indexOf(failure.where ?? '');
  if (lost < 0) return;
  const others = at.filter((_, position) => position !== lost);
  const values = analysed.model.graph.nodes.flatMap(({ outputs }) => outputs).filter((name) => name !== '');
  if (failure.code === 'exit-unknown-value') {
    const near = nearestNames(at[lost] ?? '', values).find((name) => !at.includes(name));
    if (near !== undefined)
      yield instead('Move the exit to the nearest name', { ...operator, at: at.with(lost, near) });
  }
  if (failure.code === 'exit-in-skipped-blocks') {
    const others = recipe.filter((each) => each !== operator);
    const skipped = draftOf(analysed, others, heads);
    const before = skipped === 'untrained' ? undefined : skipped?.standIns.get(at[lost] as ValueName);
    if (before !== undefined && !at.includes(before))
      yield instead('Move the exit before what is skipped', { ...operator, at: at.with(lost, before) });
  }
  if (others.length === 0) return;
  yield instead('Leave this exit out', {
    ...operator,
    at: others,
    ...(typeof threshold === 'object' && { threshold: threshold.filter((_, position) => position !== lost) }),
    ...(exit !== undefined && { exit: Math.min(exit, others.length - 1) }),
  });
}

function* otherExits(
  { analysed, failure }: Attempted,
  operator: ExistingExitOperator,
  instead: Instead,
): Generator<Candidate> {
  const last = analysed.exits.length - 1;
  const { exit, exits, threshold } = operator;
  switch (failure.code) {
    case 'no-such-exit':
      if (exit !== undefined) yield instead('Stop at the last early exit', { ...operator, exit: last - 1 });
      if (exits !== undefined) {
        const { exits: _, ...all } = operator;
        const there = exits.filter((each) => each <= last);
        const [first = 0.8] = typeof threshold === 'object' ? threshold : [threshold];
        yield instead('Use the exits there are', { ...operator, exits: there, threshold: first });
        yield instead('Use all exits', { ...all, threshold: first });
      }
      break;
    case 'no-early-exits': {
      const { exits: _, ...all } = operator;
      if (exits !== undefined) yield instead('Use all exits', all);
      yield instead('Skip blocks instead', { op: 'early-exit', kind: 'skip', blocks: 2 });
      yield instead('Skip a block instead', { op: 'early-exit', kind: 'skip', blocks: 1 });
      break;
    }
    case 'threshold-count':
      if (typeof threshold === 'object')
        yield instead('Use one threshold', { ...operator, threshold: threshold[0] ?? 0.8 });
      break;
    case 'exit-not-class-scores': {
      yield instead('Always stop at the first exit', { op: 'early-exit', kind: 'existing', exit: 0 });
      break;
    }
    case 'exit-without-work': {
      const lost = analysed.exits.find(({ output }) => output === failure.where)?.index;
      const used = (exits ?? analysed.exits.map(({ index }) => index)).filter((each) => each !== lost);
      const [first = 0.8] = typeof threshold === 'object' ? threshold : [threshold];
      yield instead('Leave this exit out', { ...operator, exits: used, threshold: first });
      break;
    }
  }
}
