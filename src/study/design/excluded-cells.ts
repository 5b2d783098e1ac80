import { unreachable } from '../../base/assert.ts';
import { openSizes } from '../../onnx/counted-size.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { canHold, tiersOfPlacement } from '../placement/tiers.ts';
import type { Environment, Strategy } from '../trial.ts';
import {
  type Cell,
  cellsOf,
  isMeantFor,
  modelTitle,
  partsOf,
  type PlaceOf,
  strategyOf,
  type StudyDesign,
} from './design.ts';

/** What is known of this device and of the models that are here. */
export interface DesignFacts {
  readonly environment: Environment;
  /** Of the models that are here, by id. */
  readonly views: ReadonlyMap<string, GraphView>;
  /** Why others are not, by id; left out: nothing is known. */
  readonly problems?: ReadonlyMap<string, string>;
  /** Why models refuse recipes, by `refusalKey`; others fit. */
  readonly refusals: ReadonlyMap<string, string>;
  readonly placeOf: PlaceOf;
}

/** Whether a cell is measured, and why not. */
export type CellState =
  | { readonly kind: 'measured'; readonly strategy: Strategy }
  /** By the user. */
  | { readonly kind: 'excluded' }
  | ({ readonly kind: 'impossible' } & Obstacle);

/** Why a cell cannot be measured. */
interface Obstacle {
  readonly reason: string;
  /** Where many cells have obstacles of one sort that differ in names alone. */
  readonly sort?:
    | { readonly is: 'made-for-another' }
    | { readonly is: 'same-as-another' }
    | { readonly is: 'parts'; readonly taken: number; readonly had: number };
}

export interface PlannedCell {
  readonly cell: Cell;
  readonly state: CellState;
}

/** Names a recipe on a model, for `DesignFacts.refusals`. */
export function refusalKey(modelId: string, recipe: Recipe): string {
  return `${modelId} ${JSON.stringify(normaliseRecipe(recipe))}`;
}

/** Every cell of a plan in order of its axes, with whether it is measured. */
export function plannedCells(design: StudyDesign, facts: DesignFacts): readonly PlannedCell[] {
  const excluded = new Set(design.excluded);
  const firstOf = new Map<string, Strategy>();
  return cellsOf(design).map((cell): PlannedCell => {
    const obstacle = whyImpossible(cell, facts);
    if (obstacle !== null) return { cell, state: { kind: 'impossible', ...obstacle } };
    if (excluded.has(cell.key)) return { cell, state: { kind: 'excluded' } };
    const strategy = strategyOf(cell, design, facts.placeOf);
    const same = firstOf.get(strategy.id);
    if (same !== undefined) {
      const reason = `it is the same as ${same.name}`;
      return { cell, state: { kind: 'impossible', reason, sort: { is: 'same-as-another' } } };
    }
    firstOf.set(strategy.id, strategy);
    return { cell, state: { kind: 'measured', strategy } };
  });
}

/** Why a cell cannot be measured on this device; null if it can, as far as is known before it is tried. */
function whyImpossible(cell: Cell, { environment, views, refusals, problems }: DesignFacts): Obstacle | null {
  const { model, recipe, placement, inputSize } = cell;
  if (!isMeantFor(recipe, model))
    return { reason: `${recipe.name} was made for another model`, sort: { is: 'made-for-another' } };
  const view = views.get(model.modelId);
  if (view === undefined)
    return { reason: problems?.get(model.modelId) ?? `${model.modelName} is not here: open it` };
  const refusal = refusals.get(refusalKey(model.modelId, recipe.recipe));
  if (refusal !== undefined) return { reason: refusal };
  const parts = partsOf(recipe.recipe);
  if (placement !== null && !canHold(placement.name, parts)) {
    const taken = tiersOfPlacement(placement.name).length;
    const reason = `${placement.name} takes ${taken} parts, ${recipe.name} has ${parts}`;
    return { reason, sort: { is: 'parts', taken, had: parts } };
  }
  if (inputSize !== null) {
    const open = openSizes(view);
    if (!open.includes('height') || !open.includes('width'))
      return { reason: `${modelTitle(model)} takes images of one size only` };
  }
  const reason = whyNoPlace(cell, environment);
  return reason === null ? null : { reason };
}

function whyNoPlace({ provider, threads }: Cell, { wasm, webgpu, webnn }: Environment): string | null {
  const isShared = threads === 'auto' || threads === 1 || wasm.threads;
  const threadsProblem = isShared ? null : 'this page has one thread: its memory cannot be shared';
  switch (provider) {
    case 'auto':
    case 'wasm':
      return threadsProblem;
    case 'webgpu':
      return webgpu.available ? threadsProblem : `no WebGPU here: ${webgpu.reason}`;
    case 'webnn':
      return webnn.available ? threadsProblem : `no WebNN here: ${webnn.reason}`;
    default:
      return unreachable(provider);
  }
}
