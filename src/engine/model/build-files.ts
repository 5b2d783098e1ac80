import type { Model } from '../../onnx/model.ts';
import type { BuiltFiles, BuiltVariant } from '../../protocol/model-api.ts';
import { type Heads, NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { NO_STATISTICS, type Statistics } from '../../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../../transforms/quantize/calibrate/calibration.ts';
import { isIdentity, type Recipe } from '../../transforms/recipe.ts';
import type { Parameter } from '../../transforms/variant.ts';
import { nextTask } from '../next-task.ts';
import type { VariantStore } from '../variant-files.ts';
import type { SourceModel } from './open-model.ts';

/** A variant whose parameters have not all been looked at. */
export interface UncountedVariant {
  readonly built: BuiltFiles;
  readonly parameters: readonly Parameter[];
}

/** What a recipe may need besides the model. */
interface Given {
  readonly heads?: Heads;
  readonly calibration?: Pick<Calibration, 'ranges' | 'warnings'> | null;
  readonly statistics?: Statistics;
}

/** Builds a variant and puts its files in the store. */
export async function buildFiles(
  { model, baseName, original, size }: SourceModel,
  recipe: Recipe,
  store: VariantStore,
  { heads = NO_HEADS, calibration = null, statistics = NO_STATISTICS }: Given = {},
): Promise<UncountedVariant> {
  // Not part of what building takes.
  const { buildVariant } = await import('../../transforms/build-variant.ts');
  const startedMs = performance.now();
  const variant = buildVariant(model, recipe, {
    baseName,
    now: () => performance.now(),
    heads,
    ranges: calibration?.ranges ?? null,
    statistics,
    size,
  });
  const isUntouched = isIdentity(recipe);
  const files: { name: string; blob: Blob }[] = [];
  for (const file of variant.files) {
    // Hundreds of megabytes need not be copied to change nothing.
    const blob = isUntouched && original?.size === file.bytes ? original : await store.save(file);
    files.push({ name: file.name, blob });
  }
  // Writing counts: transforms may do their work only when the bytes are asked for.
  const buildMs = performance.now() - startedMs;
  const { plan, params, parameters, macs, cuts } = variant;
  const warnings = [...variant.warnings, ...(calibration?.warnings ?? [])];
  const rawBytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  return { built: { recipe, plan, files, rawBytes, params, macs, cuts, buildMs, warnings }, parameters };
}

/**
 * A model made of the open one, as it is.
 * @param role what it is for: the end of its file's name
 */
export async function wholeFile(
  { baseName, size }: SourceModel,
  model: Model,
  role: string,
  store: VariantStore,
): Promise<BuiltFiles> {
  const whole = { model, baseName: `${baseName}-${role}`, original: null, size };
  return (await buildFiles(whole, [], store)).built;
}

/**
 * Counts the parameters that are not zero: apart from building, which is timed, and tensor by tensor, so that nobody
 * waits for a check of a recipe meanwhile.
 */
export async function counted({ built, parameters }: UncountedVariant): Promise<BuiltVariant> {
  let nonZeroParams = 0;
  for (const { nonZero } of parameters) {
    nonZeroParams += nonZero();
    await nextTask();
  }
  return { ...built, nonZeroParams };
}
