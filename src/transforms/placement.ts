import type { GraphView } from '../onnx/graph-view.ts';
import { type SkipPlacement, skipsOf } from './exits/skip-placement.ts';
import { type CutScope } from './cuts/cut-graph.ts';
import type { TierModel } from './cuts/resolve-cut.ts';
import { normaliseRecipe } from './parse-recipe.ts';
import { canCross, cutNames, type PlacedCut, placeCuts } from './cuts/placed-cut.ts';
import type {
  AutomaticCut,
  ExistingExitOperator,
  ExitDecision,
  Operator,
  PartitionOperator,
  Recipe,
} from './recipe.ts';

/**
 * Where a recipe's exits and cut lie on a graph: the bridge between the recipe's JSON and the objects on the
 * canvas. Reading a placement never changes a recipe; each edit touches the one operator concerned and leaves
 * the others, and their order, as they are.
 */
export interface Placement {
  /** The line of the first cut lies after this node (topological position); null: no cut, or none that this graph has. */
  readonly cut: number | null;
  /** All cuts, in order of the graph: none, one, or two for three tiers. */
  readonly cuts: readonly PlacedCut[];
  readonly exit: ExitPlacement;
  /** What is left out, by value; see `skip-placement.ts` for blocks. */
  readonly skips: readonly SkipPlacement[];
  /** What in the recipe does not fit this graph, one sentence each. */
  readonly problems: readonly string[];
}

export type ExitPlacement =
  | { readonly kind: 'none' }
  /** Inference always stops at this exit (index in `GraphView.exits`). */
  | { readonly kind: 'fixed'; readonly exit: number }
  /** Inference may stop at any of these exits but the last, which always takes part; one threshold for each exit before it. */
  | { readonly kind: 'dynamic'; readonly exits: readonly number[]; readonly thresholds: readonly number[] };

/** The confidence at which inference stops unless another is chosen. */
export const DEFAULT_EXIT_THRESHOLD = 0.8;

/** Finds a recipe's cut and exits on a graph. Total: what does not fit is reported in `problems`. */
export function placementOf(recipe: Recipe, view: GraphView): Placement {
  const problems: string[] = [];
  const partitions = recipe.filter(isPartition);
  const earlyExits = recipe.filter(isEarlyExit);
  if (partitions.length > 1) problems.push(`The recipe has ${partitions.length} cuts; the first is shown.`);
  if (earlyExits.length > 1)
    problems.push(`The recipe has ${earlyExits.length} early-exit steps; the first is shown.`);
  const exit = exitPlacement(earlyExits[0], view, problems);
  const { skips, problem } = skipsOf(recipe, view);
  if (problem !== null) problems.push(problem);
  const cuts = cutPlacements(partitions[0], cutScope({ exit, skips }, view), view, problems);
  const cut = cuts[0]?.afterNode ?? null;
  return { cut, cuts, exit, skips, problems };
}

/**
 * Moves, adds (last) or removes the cut.
 * @param afterNode topological position of a legal frontier, or null for no cut
 */
export function withCut(recipe: Recipe, view: GraphView, afterNode: number | null): Recipe {
  return withCuts(recipe, afterNode === null ? [] : [view.frontiers[afterNode]?.crossing ?? []]);
}

/**
 * Puts cuts where they are named, or removes them.
 * @param cuts what crosses each: none, one, or two in order of the graph
 */
export function withCuts(recipe: Recipe, cuts: readonly (readonly string[])[]): Recipe {
  const [first, second] = cuts.map(cutNames);
  if (first === undefined) return recipe.filter((operator) => !isPartition(operator));
  return withPartition(
    recipe,
    second === undefined ? { op: 'partition', cut: first } : { op: 'partition', cuts: [first, second] },
  );
}

/**
 * Leaves the place of one cut to the lab, or of two.
 * @param tiers for `fastest`: what differs from the defaults
 */
export function withAutomaticCut(
  recipe: Recipe,
  kind: AutomaticCut,
  tiers: Partial<TierModel> = {},
  cuts: 1 | 2 = 1,
): Recipe {
  const place = cuts === 1 ? { cut: kind } : { cuts: kind };
  if (kind !== 'fastest') return withPartition(recipe, { op: 'partition', ...place });
  const { middleSpeed: _speed, tailBandwidthMbps: _bandwidth, tailRttMs: _rtt, ...two } = tiers;
  const [operator] = normaliseRecipe([{ op: 'partition', ...place, ...(cuts === 1 ? two : tiers) }]);
  return operator !== undefined && isPartition(operator) ? withPartition(recipe, operator) : recipe;
}

function withPartition(recipe: Recipe, operator: PartitionOperator): Recipe {
  return edited(
    recipe,
    isPartition,
    // How values cross does not depend on where.
    ({ transfer }) => (transfer ? { ...operator, transfer } : operator),
    (rest) => [...rest, operator],
  );
}

/** Makes inference always stop at one exit. */
export function withFixedExit(recipe: Recipe, exit: number): Recipe {
  return withEarlyExit(recipe, { op: 'early-exit', kind: 'existing', exit });
}

/**
 * Makes inference stop at the first of these exits that is confident enough.
 * @param exits indices in `GraphView.exits`, in any order; fewer than two leave nothing to choose, so the step is removed
 * @param threshold confidence from which an exit is taken; one for all or one for each exit but the last
 */
export function withDynamicExits(
  recipe: Recipe,
  exits: readonly number[],
  threshold: number | readonly number[],
): Recipe {
  const sorted = [...new Set(exits)].toSorted((a, b) => a - b);
  if (sorted.length < 2) return withoutExits(recipe);
  return withEarlyExit(recipe, { op: 'early-exit', kind: 'existing', threshold, exits: sorted });
}

/** Removes the early-exit step. */
export function withoutExits(recipe: Recipe): Recipe {
  return recipe.filter((operator) => !isEarlyExit(operator));
}

function cutPlacements(
  partition: PartitionOperator | undefined,
  scope: CutScope,
  view: GraphView,
  problems: string[],
): readonly PlacedCut[] {
  if (!partition) return [];
  const placed = placeCuts(view, partition, scope);
  problems.push(...placed.problems);
  for (const { crossing } of placed.cuts) {
    const strange = crossing.filter((name) => !canCross(view, name));
    if (strange.length > 0) problems.push(`The model cannot be cut at ${strange.join(', ')}.`);
  }
  return placed.cuts;
}

/** What exits and skipped blocks leave of the graph for cuts. */
export function cutScope({ exit, skips }: Pick<Placement, 'exit' | 'skips'>, view: GraphView): CutScope {
  const kept = exit.kind === 'fixed' ? [exit.exit] : exit.kind === 'dynamic' ? exit.exits : null;
  return {
    ...(kept !== null && { outputs: kept.flatMap((index) => view.exits[index]?.output ?? []) }),
    skips: skips.map(({ from, to }) => ({ from, to })),
  };
}

function exitPlacement(
  operator: ExistingExitOperator | undefined,
  view: GraphView,
  problems: string[],
): ExitPlacement {
  if (!operator) return { kind: 'none' };
  const last = view.exits.length - 1;
  if (operator.exit !== undefined) {
    if (view.exits[operator.exit]) return { kind: 'fixed', exit: operator.exit };
    problems.push(`Exit ${operator.exit + 1} is wanted, but the model has ${view.exits.length}.`);
    return { kind: 'none' };
  }
  const wanted = operator.exits ?? view.exits.map((exit) => exit.index);
  const missing = wanted.filter((index) => !view.exits[index]);
  if (missing.length > 0) {
    const names = missing.map((index) => index + 1).join(', ');
    problems.push(`Exit ${names} is wanted, but the model has ${view.exits.length}.`);
  }
  const present = new Set(wanted.filter((index) => view.exits[index]));
  present.add(last);
  const exits = [...present].toSorted((a, b) => a - b);
  if (exits.length < 2) return { kind: 'none' };
  const given = operator.threshold ?? DEFAULT_EXIT_THRESHOLD;
  const thresholds = exits
    .slice(0, -1)
    .map((_, i) => (typeof given === 'number' ? given : (given[i] ?? DEFAULT_EXIT_THRESHOLD)));
  return { kind: 'dynamic', exits, thresholds };
}

function withEarlyExit(recipe: Recipe, operator: ExistingExitOperator): Recipe {
  // Exits come before what changes weights or splits files, so that later steps see what remains of the model.
  return edited(
    recipe,
    isEarlyExit,
    (old) => withDecision(operator, old),
    (rest) => {
      const at = rest.findIndex(({ op }) => op !== 'identity');
      const position = at < 0 ? rest.length : at;
      return [...rest.slice(0, position), operator, ...rest.slice(position)];
    },
  );
}

/** Moving a threshold does not change what it is compared with, nor the form. */
function withDecision(operator: ExistingExitOperator, old: ExitDecision): ExistingExitOperator {
  if (operator.threshold === undefined) return operator;
  const { confidence = old.confidence, form = old.form } = operator;
  return {
    ...operator,
    ...(confidence !== undefined && { confidence }),
    ...(form !== undefined && { form }),
  };
}

/** Replaces the first matching operator (dropping further ones), or inserts a new one. */
function edited<T extends Operator>(
  recipe: Recipe,
  matches: (operator: Operator) => operator is T,
  replace: (old: T) => Operator,
  insert: (rest: Recipe) => Recipe,
): Recipe {
  const first = recipe.find(matches);
  if (!first) return insert(recipe);
  const result: Operator[] = [];
  for (const operator of recipe) {
    if (operator === first) result.push(replace(first));
    else if (!matches(operator)) result.push(operator);
  }
  return result;
}

function isPartition(operator: Operator): operator is PartitionOperator {
  return operator.op === 'partition';
}

function isEarlyExit(operator: Operator): operator is ExistingExitOperator {
  return operator.op === 'early-exit' && operator.kind === 'existing';
}
