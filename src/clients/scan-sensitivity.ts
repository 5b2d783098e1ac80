import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { FeaturesPass } from '../protocol/engine-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { readProbe, type UnitSensitivity } from '../study/sensitivity.ts';
import type { ScannedPrecision } from '../transforms/quantize/mixed-operator.ts';
import type { SensitivityUnit } from '../transforms/quantize/sensitivity-units.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { inEngine } from './in-engine.ts';

export interface SensitivityScan {
  /** With the model open, and the ranges that the recipe needs. */
  readonly model: ModelApi;
  /** As `recipeToScan` gives it. */
  readonly recipe: Recipe;
  /** What units are put in. */
  readonly precision: ScannedPrecision;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly imageIndices: readonly number[];
  /** False if the model's best score names no class. */
  readonly scoresClasses: boolean;
  /** Of the float model: many units at once need as many copies. */
  readonly weightBytes: number;
  /** What is known already is not looked at again. */
  readonly known: readonly UnitSensitivity[];
}

export interface ScanProgress {
  readonly results: readonly UnitSensitivity[];
  /** Units looked at, of all; while a pass runs, with its part. */
  readonly done: number;
  readonly total: number;
}

/** Units in one probe: each brings its copy of all that follows. */
const MOST_UNITS = 8;
const MOST_WEIGHT_BYTES = 160e6;

/**
 * Quantizes one unit of a model after the other, blocks first, those with the worst weights first, and sees what that
 * does to what the unit makes and to the scores. Several units share a pass over the images, in the runtime on the
 * CPU: what is the same for all of them runs once.
 * @param onProgress told of results as they come
 * @param signal cancels at once; what was told stays true
 */
export async function scanSensitivity(
  scan: SensitivityScan,
  onProgress: (progress: ScanProgress) => void,
  signal: AbortSignal,
): Promise<Result<readonly UnitSensitivity[]>> {
  const units = await scan.model.sensitivityUnits(scan.recipe);
  if (!units.ok) return units;
  const total = units.value.length;
  const known = new Set(scan.known.map(({ unit }) => unit.id));
  const left = units.value.filter(({ id }) => !known.has(id));
  let results = scan.known;
  const atOnce = Math.floor(MOST_WEIGHT_BYTES / Math.max(1, scan.weightBytes));
  const size = Math.min(MOST_UNITS, Math.max(1, atOnce));
  for (let first = 0; first < left.length; first += size) {
    if (signal.aborted) return failed(cancelled);
    const some = left.slice(first, first + size);
    const done = results.length;
    onProgress({ results, done, total });
    const pass = await runProbe(
      scan,
      some,
      (share) => onProgress({ results, done: done + share * some.length, total }),
      signal,
    );
    if (signal.aborted) return failed(cancelled);
    if (!pass.ok) return pass;
    const { rows, imageIndices } = pass.value;
    const { classOffset } = scan.preprocessing;
    const wanted = imageIndices.map((image) => {
      const label = scan.data.dataset.items[image]?.label ?? null;
      return label === null ? null : label + classOffset;
    });
    results = [...results, ...readProbe(some, rows, wanted, scan.scoresClasses)];
    onProgress({ results, done: results.length, total });
  }
  return ok(results);
}

async function runProbe(
  { model, recipe, precision, data, preprocessing, threads, imageIndices }: SensitivityScan,
  units: readonly SensitivityUnit[],
  onShare: (share: number) => void,
  signal: AbortSignal,
): Promise<Result<FeaturesPass>> {
  const built = await model.buildForSensitivity(recipe, precision, units);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const pass = await inEngine(
    { plan, files, provider: 'wasm', threads, data, preprocessing },
    signal,
    cancelled,
    (engine) => engine.features(imageIndices, (done) => onShare(done / imageIndices.length)),
  );
  if (!pass.ok || pass.value.imageIndices.length > 0) return pass;
  return failed(pass.value.undecodable ?? noImages);
}

const noImages: Failure = {
  code: 'no-scan-images',
  message: 'quantize: found no images, wanted some to see what each layer loses',
  hint: 'Open images under Data.',
};

const cancelled = cancellation('The scan');
