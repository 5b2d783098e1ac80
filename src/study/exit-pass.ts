import type { GraphView } from '../onnx/graph-view.ts';
import { type ConfidenceMeasure, DEFAULT_CONFIDENCE } from '../transforms/exits/confidence.ts';
import { allExits } from '../transforms/exits/threshold-recipe.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { placementOf } from '../transforms/placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { exitShares } from './metrics.ts';
import { expectedWork } from './placement/expected-work.ts';
import {
  evaluateThresholds,
  type ExitScores,
  NEVER,
  type ThresholdTable,
  thresholdTable,
} from './thresholds.ts';
import type { Trial } from './trial.ts';

/** Every exit's scores of the images. */
export interface ExitPass {
  /** With all exits, none chosen: as `recipeOfPass` gives it. */
  readonly recipe: Recipe;
  readonly scores: ExitScores;
  /** Right class of each image in the model's numbering; null without any label. */
  readonly truth: readonly (number | null)[] | null;
}

/** What has to run once to know all about the exits of a recipe: a cut changes where it runs, not what it says. */
export function recipeOfPass(recipe: Recipe): Recipe {
  return normaliseRecipe(allExits(withoutCuts(recipe)));
}

/** Sliders ask at every movement. */
const tables = new WeakMap<ExitPass, Map<ConfidenceMeasure, ThresholdTable>>();

/** The pass made ready for evaluating thresholds. */
export function tableOf(pass: ExitPass, measure: ConfidenceMeasure): ThresholdTable {
  const known = tables.get(pass) ?? new Map<ConfidenceMeasure, ThresholdTable>();
  tables.set(pass, known);
  let table = known.get(measure);
  if (!table) known.set(measure, (table = thresholdTable(pass.scores, measure, pass.truth)));
  return table;
}

/**
 * Share of the images that leave at each of a recipe's exits: as a trial with the same exits measured it, else as the
 * pass over all exits tells; null if neither is there.
 */
export function knownShares(
  view: GraphView,
  recipe: Recipe,
  pass: ExitPass | null,
  trials: readonly Trial[],
): ReadonlyMap<number, number> | null {
  if (expectedWork(view, recipe).stops.length === 0) return new Map();
  const uncut = normaliseRecipe(withoutCuts(recipe));
  const measured = trials.find(
    (trial) =>
      trial.strategy.modelId === view.modelId &&
      trial.samples.length > 0 &&
      same(normaliseRecipe(withoutCuts(trial.strategy.recipe)), uncut),
  );
  if (measured) return exitShares(measured);
  if (pass === null || !same(recipeOfPass(recipe), pass.recipe)) return null;
  const { exits } = pass.scores;
  const thresholdOf = thresholdsOf(view, uncut);
  const { shares } = evaluateThresholds(
    tableOf(pass, confidenceOf(uncut)),
    exits.slice(0, -1).map(({ index, output }) => thresholdOf.get(output) ?? thresholdOf.get(index) ?? NEVER),
  );
  return new Map(exits.map(({ index }, at) => [index, shares[at] ?? 0]));
}

function withoutCuts(recipe: Recipe): Recipe {
  return recipe.filter(({ op }) => op !== 'partition');
}

function same(a: Recipe, b: Recipe): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Thresholds of a recipe's exits: of the model's own by index, of trained ones by the name of their output. */
function thresholdsOf(view: GraphView, recipe: Recipe): ReadonlyMap<number | string, number> {
  const { exit } = placementOf(recipe, view);
  const trained = trainedExitsOf(recipe);
  if (trained) {
    const { at, threshold } = trained;
    return new Map(
      at.map((value, position) => [
        `exit_${value}`,
        typeof threshold === 'number' ? threshold : (threshold?.[position] ?? NEVER),
      ]),
    );
  }
  if (exit.kind !== 'dynamic') return new Map();
  return new Map(exit.thresholds.map((threshold, position) => [exit.exits[position] ?? -1, threshold]));
}

function confidenceOf(recipe: Recipe): ConfidenceMeasure {
  const step = recipe.find((operator) => operator.op === 'early-exit' && operator.kind !== 'skip');
  return step?.confidence ?? DEFAULT_CONFIDENCE;
}
