import { leavesBlocksOut } from '../../order-of-effect.ts';
import { normaliseRecipe } from '../../parse-recipe.ts';
import type { Operator, Recipe } from '../../recipe.ts';
import type { Ranges } from '../quantization.ts';
import { precisionsOf } from '../mixed-operator.ts';
import { type CalibratedOperator, STATIC_DEFAULTS } from '../quantize-operator.ts';
import { type RangeMethod, rangeMethod } from './range-method.ts';

/**
 * The ranges of a model's values on some images: what static quantization needs besides its recipe. Kept next to the
 * recipe, which stays small, so that running it again does not calibrate again.
 */
export interface Calibration {
  /** See `GraphView.modelId`. */
  readonly modelId: string;
  readonly datasetId: string;
  /** What was done to the model before, see `calibratedKey`; empty: nothing. */
  readonly before: string;
  readonly method: RangeMethod;
  /** How many images were asked for. */
  readonly samples: number;
  /** How many there were. */
  readonly images: number;
  /** How long it took to look at them, in milliseconds. */
  readonly elapsedMs?: number;
  /** Of the values that were asked for, those that held finite numbers only. */
  readonly ranges: Ranges;
  /** Values that held others: they cannot be quantized. */
  readonly notFinite: readonly string[];
  /** What to know about it. */
  readonly warnings: readonly string[];
}

/** The operator of a recipe that needs ranges; null if none does. */
export function staticOperatorOf(recipe: Recipe): CalibratedOperator | null {
  const operator = recipe.find(({ op }) => op === 'quantize');
  if (operator?.op !== 'quantize') return null;
  const isMixed = operator.mode === 'mixed' && precisionsOf(operator).has('int8');
  return operator.mode === 'static' || isMixed ? operator : null;
}

/**
 * The float model that a recipe calibrates: what stands before its quantize operator and changes values. Cuts and
 * stops change none, and of trained exits only where they hang matters. They are left out, and their heads stay float,
 * where blocks are skipped later: their heads were trained for another model than this.
 */
export function recipeToCalibrate(recipe: Recipe): Recipe {
  const quantize = recipe.findIndex(({ op }) => op === 'quantize');
  const before = quantize < 0 ? recipe : recipe.slice(0, quantize);
  const isSkippedLater = recipe.slice(before.length).some(leavesBlocksOut);
  return before.flatMap((operator): readonly Operator[] => {
    if (operator.op === 'identity' || operator.op === 'partition') return [];
    if (operator.op !== 'early-exit' || operator.kind === 'skip') return [operator];
    if (operator.kind === 'existing' || isSkippedLater) return [];
    const { op, kind, at, seed } = operator;
    return [{ op, kind, at, ...(seed !== undefined && { seed }) }];
  });
}

/** Names the model that a recipe calibrates among those made from one; empty: the model as it is. */
export function calibratedKey(recipe: Recipe): string {
  const before = recipeToCalibrate(recipe);
  return before.length === 0 ? '' : JSON.stringify(normaliseRecipe(before));
}

/** The name of a calibration among those of its model and dataset. */
export function keyOfCalibration({
  before,
  method,
  samples,
}: Pick<Calibration, 'before' | 'method' | 'samples'>): string {
  return JSON.stringify([before, method, samples]);
}

/** The name of the calibration that a recipe needs. */
export function calibrationKey(recipe: Recipe, operator: CalibratedOperator): string {
  const { samples = STATIC_DEFAULTS.samples } = operator;
  return keyOfCalibration({ before: calibratedKey(recipe), method: rangeMethod(operator), samples });
}

/** Calibrations by `keyOfCalibration`; those of one key are one. */
export type Calibrations = ReadonlyMap<string, Calibration>;

/** Nothing was calibrated. */
export const NO_CALIBRATIONS: Calibrations = new Map();

/** Those of one key merged, later ones over earlier. */
export function calibrationsByKey(all: Iterable<Calibration>): Calibrations {
  const found = new Map<string, Calibration>();
  for (const calibration of all) {
    const key = keyOfCalibration(calibration);
    const older = found.get(key);
    found.set(key, older === undefined ? calibration : mergedCalibration(older, calibration));
  }
  return found;
}

/** What was calibrated for a recipe; null if it needs nothing or nothing was. */
export function calibrationFor(recipe: Recipe, calibrations: Calibrations): Calibration | null {
  const operator = staticOperatorOf(recipe);
  return operator === null ? null : (calibrations.get(calibrationKey(recipe, operator)) ?? null);
}

/** Whether values of exits' heads were looked at, which are others when the exits are trained again. */
export function looksAtHeads({ before }: Calibration): boolean {
  return before.includes('"trained"');
}

/** Two calibrations of one key, whose recipes asked for other values of the same model. */
export function mergedCalibration(older: Calibration, newer: Calibration): Calibration {
  return {
    ...newer,
    ranges: new Map([...older.ranges, ...newer.ranges]),
    notFinite: [...new Set([...older.notFinite, ...newer.notFinite])],
  };
}
