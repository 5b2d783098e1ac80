import { InputError, orThrow } from '../base/result.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { DesignRecipe, PlaceOf } from '../study/design/design.ts';
import { type DesignFacts, refusalKey } from '../study/design/excluded-cells.ts';
import type { Environment, StudiedModel } from '../study/trial.ts';
import { chooseProvider, chooseThreads } from './capabilities.ts';
import { findPreprocessing } from './find-preprocessing.ts';
import { type ModelClient, openModelClient } from './model-client.ts';
import type { StudyModelInputs } from './study-model.ts';

/** A model of a plan, open in a worker of its own. */
interface PlannedModel {
  readonly client: ModelClient;
  readonly view: GraphView;
  /** At the size that suits model and images. */
  readonly preprocessing: Preprocessing;
}

/**
 * Opens a model of a plan and finds out how its images are prepared.
 * @param model with an empty id where any version will do
 * @throws InputError `model-differs`, as `describeMisfit` tells, or as of opening
 */
export async function openPlannedModel(
  model: StudiedModel,
  { modelFile, fileName, externalFiles }: StudyModelInputs,
  { data, environment }: { readonly data: LoadedDataset; readonly environment: Environment },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<PlannedModel> {
  const client = openModelClient();
  try {
    const view = orThrow(await client.api.open(modelFile, fileName, externalFiles));
    if (model.modelId !== '' && view.modelId !== model.modelId) throw new InputError(differs(model, view));
    const subject = { view, data, model: client.api, threads: chooseThreads(environment), size: {} };
    const { preprocessing } = await findPreprocessing(subject, tell, signal);
    const misfit = describeMisfit(view, data.dataset, preprocessing);
    if (misfit) throw new InputError(misfit);
    const isCounted = isCountedAt(view, preprocessing);
    return {
      client,
      view: isCounted ? view : orThrow(await client.api.countAt(preprocessing)),
      preprocessing,
    };
  } catch (thrown) {
    client.terminate();
    throw thrown;
  }
}

/** That a model is not the one of a plan, though it may be called like it. */
export function differs({ modelId, modelName }: StudiedModel, found: GraphView) {
  return {
    code: 'model-differs',
    message: `found ${found.fileName} with fingerprint ${found.modelId}, wanted ${modelName} with ${modelId}: it is another model`,
    hint: 'Open the model that the plan was made for.',
  };
}

/** What a model says to recipes of a plan that are meant for it: why not, or null; by `refusalKey`. */
export async function askAboutRecipes(
  api: ModelApi,
  modelId: string,
  recipes: readonly DesignRecipe[],
): Promise<ReadonlyMap<string, string | null>> {
  const meant = recipes.filter(({ modelIds }) => modelIds?.includes(modelId) ?? true);
  const answers = meant.map(async ({ recipe }) => {
    const checked = await api.check(recipe);
    // Exits that nobody trained yet are trained by the study.
    const isFit = checked.ok || checked.failure.code === 'exit-not-trained';
    return [refusalKey(modelId, recipe), isFit ? null : checked.failure.message] as const;
  });
  return new Map(await Promise.all(answers));
}

/**
 * What decides about the cells of a plan on this device.
 * @param problems why models are not here, by id
 */
export function designFacts(
  environment: Environment,
  models: ReadonlyMap<
    string,
    { readonly view: GraphView; readonly refusals: ReadonlyMap<string, string | null> }
  >,
  problems: ReadonlyMap<string, string>,
): DesignFacts {
  const views = new Map([...models].map(([id, { view }]) => [id, view]));
  const refusals = new Map<string, string>();
  for (const model of models.values())
    for (const [key, reason] of model.refusals) if (reason !== null) refusals.set(key, reason);
  const placeOf: PlaceOf = ({ model, provider, threads }) => ({
    provider:
      provider === 'auto'
        ? chooseProvider(environment, views.get(model.modelId)?.totals.macs ?? 0)
        : provider,
    threads: threads === 'auto' ? chooseThreads(environment) : threads,
  });
  return { environment, views, problems, refusals, placeOf };
}
