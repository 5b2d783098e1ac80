import { failed, type Failure, ok, type Result } from '../base/result.ts';
import { type LiveEngines, openLiveEngines } from '../clients/live-engines.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import { filesOfShots, type Shot } from '../study/live/captured-set.ts';
import type { Trial } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { useLab } from './lab.ts';
import { strategyPlace } from './study-slice.ts';
import { busyDevice, busyStudy } from './work-under-way.ts';
import { dataWorker, modelWorker } from './workers.ts';

/**
 * Starts what is to answer frames: a recipe on the open model, and the model as it is beside it.
 * @param place where a trial ran; null: where the next study will
 * @param signal ends it, at any time
 */
export async function startLive(
  recipes: readonly Recipe[],
  place: Pick<Trial['strategy'], 'provider' | 'threads'> | null,
  signal: AbortSignal,
): Promise<Result<LiveEngines>> {
  const lab = useLab.getState();
  const { model, preprocessing, environment, settings } = lab;
  const worker = modelWorker();
  if (!model || !worker || !environment || !preprocessing) return failed(lab.preprocessingProblem ?? noModel);
  if (preprocessing.random) return failed(noPictures);
  const busy = busyDevice(lab);
  if (busy) return failed(busy);
  for (const recipe of recipes) {
    const known = await lab.calibrateFor(recipe, recipes);
    if (!known.ok) return known;
  }
  const { provider, threads } = place ?? strategyPlace(settings, environment, model.view.totals.macs);
  return openLiveEngines(
    { model: worker, recipes, provider, threads, preprocessing, masks: lab.data?.dataset.masks },
    signal,
  );
}

/** Opens captured images in place of the present ones; classes keep their names, and images are prepared as they were. */
export async function openShots(shots: readonly Shot[]): Promise<Result<LoadedDataset>> {
  const lab = useLab.getState();
  const busy = busyStudy(lab);
  if (busy) return failed(busy);
  const { preprocessing } = lab;
  const classNames = lab.data?.dataset.classNames ?? [];
  const { images, labelsCsv } = filesOfShots(shots, classNames);
  const files = images.map(({ name, blob }) => ({ path: name, file: blob }));
  if (labelsCsv !== null) files.push({ path: 'labels.csv', file: new Blob([labelsCsv]) });
  const opened = await dataWorker().open(files, 'camera', () => {});
  if (!opened.ok) return opened;
  const { dataset, pack } = opened.value;
  const named = {
    ...dataset,
    name: 'Camera',
    classNames: classNames.length >= dataset.classNames.length ? classNames : dataset.classNames,
  };
  const loaded = { dataset: named, pack };
  await lab.adoptData(loaded);
  if (preprocessing) {
    lab.stopTryingNormalisations();
    useLab.setState({ preprocessing, preprocessingEdited: true });
  }
  return ok(loaded);
}

const noModel: Failure = {
  code: 'nothing-open',
  message: 'no model is open that takes images',
  hint: 'Open a model, then come back.',
};

const noPictures: Failure = {
  code: 'not-classification',
  message: 'this model takes no pictures, which is what a camera gives',
  hint: 'Open a classifier, or a model that names the class of every pixel.',
};
