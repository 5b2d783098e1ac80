import { ok, outcomeOf, type Result } from '../../base/result.ts';
import { useLab } from '../../store/lab.ts';
import { modelWorker } from '../../store/workers.ts';
import type { TierPlacement } from '../../study/placement/tiers.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { saveFile } from './save-file.ts';
import { zipFiles } from './zip-files.ts';

/**
 * Makes the ONNX files of a recipe for the open model and offers them as a download: one file, or a zip of several with
 * a plan.json that says how they follow each other.
 * @param label names the zip, beside the model
 * @param placement where the parts are to run; left out: nothing is said of that
 */
export async function saveVariant(
  recipe: Recipe,
  label: string,
  placement?: TierPlacement,
): Promise<Result<void>> {
  return outcomeOf(async () => {
    const worker = modelWorker();
    if (!worker) return ok(undefined);
    const { model, calibrateFor } = useLab.getState();
    const calibrated = await calibrateFor(recipe);
    if (!calibrated.ok) return calibrated;
    const built = await worker.build(recipe.length === 0 ? [{ op: 'identity' }] : recipe);
    if (!built.ok) return built;
    const { files, plan } = built.value;
    const [first, ...others] = files;
    if (first && others.length === 0) return ok(saveFile(first.name, first.blob));
    const about = new Blob([JSON.stringify({ recipe, ...(placement && { placement }), plan }, null, 2)]);
    const zip = await zipFiles([...files, { name: 'plan.json', blob: about }]);
    return ok(saveFile(`${model?.name ?? 'model'}-${label}.zip`, zip));
  });
}
