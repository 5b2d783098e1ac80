import type { GraphView } from '../../onnx/graph-view.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { Operator, Recipe, TrainedExitOperator } from '../recipe.ts';
import { poolingOf } from './pooling.ts';

/** Confidence at which a trained exit stops unless another is chosen. */
const DEFAULT_THRESHOLD = 0.8;

/** A place for a trained exit: a value that everything after it needs. */
export interface TapPlace {
  readonly value: ValueName;
  /** Topological position of the frontier that this value alone crosses. */
  readonly afterNode: number;
}

const placesOf = new WeakMap<GraphView, readonly TapPlace[]>();

/**
 * Where exits can be dropped, in order of the graph: values that cross a legal frontier alone, can be pooled, and lie
 * early enough that what comes after is more work than a head. None for models that are no classifiers. A recipe may name other values, too.
 */
export function tapPlaces(view: GraphView): readonly TapPlace[] {
  const known = placesOf.get(view);
  if (known !== undefined) return known;
  // A value may cross several frontiers alone, where heads of exits hang on it; the last is shown.
  const places = new Map<ValueName, TapPlace>();
  for (const { afterNode, crossing, legal, macsBefore } of view.frontiers) {
    const [value, ...others] = crossing;
    if (!legal || value === undefined || others.length > 0 || macsBefore === 0) continue;
    if (canTap(view, value) && macsBefore + mostHeadMacs(view, value) < view.totals.macs) {
      places.delete(value);
      places.set(value, { value, afterNode });
    }
  }
  const found = [...places.values()];
  placesOf.set(view, found);
  return found;
}

/**
 * The node behind which an exit on a value is shown: that of its place; in a branch, where no place is, the one that
 * makes the value.
 * @returns its `NodeView.index`, -1 if there is no such value
 */
export function nodeOfTap(view: GraphView, value: string): number {
  const place = tapPlaces(view).find((each) => each.value === value);
  return place?.afterNode ?? view.nodes.findIndex(({ outputs }) => outputs.some((each) => each === value));
}

/** Whether an exit can be trained on a value, wherever it is. */
export function canTap(view: GraphView, value: ValueName): boolean {
  const facts = view.values.get(value);
  if (facts === undefined || view.inputs.includes(value) || view.outputs.includes(value)) return false;
  const isFloat = facts.dataType === 'float32' || facts.dataType === 'float16';
  return isFloat && poolingOf(facts.shape) !== null && isClassifier(view);
}

/** Multiply-accumulates of a head on a value; a sequence may have a class token beside its mean. */
function mostHeadMacs(view: GraphView, value: ValueName): number {
  const shape = view.values.get(value)?.shape ?? null;
  const layout = shape?.length === 3 ? { featuresLast: true, hasClassToken: true } : undefined;
  return (poolingOf(shape, layout)?.width ?? 0) * (classesOf(view) ?? 0);
}

/** Whether the final output is one score for each class. */
export function isClassifier(view: GraphView): boolean {
  return classesOf(view) !== null;
}

function classesOf(view: GraphView): number | null {
  const output = view.exits.at(-1)?.output;
  const shape = output === undefined ? null : (view.values.get(output)?.shape ?? null);
  const [classes, ...others] = (shape ?? []).slice(1).filter((dim) => dim !== 1);
  return others.length === 0 && typeof classes === 'number' ? classes : null;
}

/** The recipe's trained exits; undefined if it has none. */
export function trainedExitsOf(recipe: Recipe): TrainedExitOperator | undefined {
  return recipe.find(isTrained);
}

/** Whether accuracy may be told only on images that no exit was trained on. */
export function hasTrainedExits(recipe: Recipe): boolean {
  return recipe.some(isTrained);
}

/**
 * Adds a trained exit; it replaces an operator on exits that the model has, since inference stops in one way only.
 * Values stay in order of the graph.
 */
export function withTap(recipe: Recipe, view: GraphView, value: string): Recipe {
  const old = trainedExitsOf(recipe);
  if (old?.at.includes(value)) return recipe;
  return withTaps(recipe, view, [...(old?.at ?? []), value]);
}

/** Moves a trained exit to another value. */
export function withTapMoved(recipe: Recipe, view: GraphView, from: string, to: string): Recipe {
  const old = trainedExitsOf(recipe);
  if (old === undefined || from === to) return recipe;
  if (old.at.includes(to)) return withoutTap(recipe, view, from);
  return withTaps(
    recipe,
    view,
    old.at.map((value) => (value === from ? to : value)),
  );
}

/** Removes a trained exit; with the last one the operator goes. */
export function withoutTap(recipe: Recipe, view: GraphView, value: string): Recipe {
  const old = trainedExitsOf(recipe);
  const left = old?.at.filter((each) => each !== value) ?? [];
  return left.length === 0 ? recipe.filter((operator) => !isTrained(operator)) : withTaps(recipe, view, left);
}

/** The exits on these values; how they stop is kept as far as it still has a meaning. */
function withTaps(recipe: Recipe, view: GraphView, values: readonly string[]): Recipe {
  const old = trainedExitsOf(recipe);
  const { threshold = old?.exit === undefined ? DEFAULT_THRESHOLD : undefined, exit } = old ?? {};
  const at = values.toSorted((a, b) => nodeOfTap(view, a) - nodeOfTap(view, b));
  const first = typeof threshold === 'number' ? threshold : (threshold?.[0] ?? DEFAULT_THRESHOLD);
  const next: TrainedExitOperator = {
    op: 'early-exit',
    kind: 'trained',
    at,
    ...(exit !== undefined
      ? { exit: Math.min(exit, at.length - 1) }
      : {
          threshold:
            typeof threshold === 'number'
              ? threshold
              : at.map((value) => threshold?.[old?.at.indexOf(value) ?? -1] ?? first),
        }),
    ...(old?.seed === undefined ? {} : { seed: old.seed }),
  };
  if (old !== undefined) return recipe.map((operator) => (operator === old ? next : operator));
  const rest = recipe.filter((operator) => !(operator.op === 'early-exit' && operator.kind === 'existing'));
  const position = rest.findIndex(({ op }) => op !== 'identity');
  return rest.toSpliced(position < 0 ? rest.length : position, 0, next);
}

function isTrained(operator: Operator): operator is TrainedExitOperator {
  return operator.op === 'early-exit' && operator.kind === 'trained';
}
