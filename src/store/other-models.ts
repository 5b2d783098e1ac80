import { attempt, InputError } from '../base/result.ts';
import { fetchOwn, ownModelPath } from '../clients/own-files.ts';
import type { LearntFrom } from '../clients/run-study.ts';
import type { StudyModelInputs } from '../clients/study-model.ts';
import { loadCalibrations, saveCalibrations } from '../persist/calibrations.ts';
import { loadStatistics, saveStatistics } from '../persist/channel-statistics.ts';
import { loadHeads, saveHeads } from '../persist/heads.ts';
import { loadModel, type ModelFiles } from '../persist/models.ts';
import type { StudiedModel, Study } from '../study/trial.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { ModelSource } from './model-slice.ts';

/**
 * The files of a model that need not be open: kept on this device, else the lab's own.
 * @throws InputError `model-missing`
 */
export async function filesOf({ modelId, modelName, source }: StudiedModel): Promise<ModelFiles> {
  const kept = await attempt(() => loadModel(modelId));
  if (kept.ok && kept.value) return kept.value;
  const path = source === undefined ? null : ownModelPath(source);
  if (path === null)
    throw new InputError({
      code: 'model-missing',
      message: `${modelName} is not on this device`,
      where: modelName,
      hint: 'Open it once, so that the lab keeps it.',
    });
  return { file: await fetchOwn(path), fileName: modelName, externalFiles: [] };
}

/** Where to open a model from that need not be open: the lab's own, else what is kept on this device. */
export function sourceOf({ modelId, modelName, source }: StudiedModel): ModelSource {
  if (source === 'sample') return { kind: 'sample' };
  if (source?.startsWith('zoo:')) return { kind: 'zoo', name: source.slice('zoo:'.length) };
  return { kind: 'kept', id: modelId, fileName: modelName };
}

/** All models of a study but the first, with what is known of them; those that are not here are left out. */
export async function otherModelsOf(study: Study): Promise<ReadonlyMap<string, StudyModelInputs>> {
  const found = new Map<string, StudyModelInputs>();
  for (const model of study.models ?? []) {
    const like = study.trials.find(({ strategy }) => strategy.modelId === model.modelId);
    if (model.modelId === study.modelId || !like) continue;
    const files = await attempt(() => filesOf(model));
    // Its trials tell that it is missing.
    if (!files.ok) continue;
    const subject = {
      modelId: model.modelId,
      datasetId: study.datasetId,
      preprocessing: like.preprocessing,
    };
    const [heads, calibrations, statistics] = await Promise.all([
      loadHeads(subject),
      loadCalibrations(subject),
      loadStatistics(subject),
    ]);
    const { file: modelFile, fileName, externalFiles } = files.value;
    found.set(model.modelId, { modelFile, fileName, externalFiles, heads, calibrations, statistics });
  }
  return found;
}

/** Keeps what a study learnt of a model that is not open, or at another size of images. */
export async function keepLearnt(
  { datasetId }: Pick<Study, 'datasetId'>,
  subject: LearntFrom,
  learnt:
    | { readonly calibration: Calibration }
    | { readonly statistics: ChannelStatistics }
    | { readonly heads: readonly TrainedHead[] },
): Promise<void> {
  // What cannot be kept is learnt again the next time.
  if ('heads' in learnt) await saveHeads({ ...subject, datasetId }, learnt.heads);
  else if ('calibration' in learnt) await saveCalibrations({ ...subject, datasetId }, [learnt.calibration]);
  else await saveStatistics({ ...subject, datasetId }, [learnt.statistics]);
}
