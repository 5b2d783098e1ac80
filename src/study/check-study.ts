import { refuse } from './json-reader.ts';
import { tiersOfPlacement } from './placement/tiers.ts';
import type { Accuracy, Study, Trial } from './trial.ts';

/**
 * Checks what single fields cannot tell: that the parts of a study fit together.
 * @throws InputError `study-invalid` naming the path of what does not
 */
export function checkStudy(study: Study): void {
  const models = new Set([study.modelId, ...(study.models ?? []).map(({ modelId }) => modelId)]);
  const ids = new Map<string, number>();
  const strategyIds = new Map<string, number>();
  study.trials.forEach((trial, index) => {
    const path = `trials[${index}]`;
    const { strategy, studyId } = trial;
    if (studyId !== study.id) refuse(studyId, `${path}.studyId`, `the study's ${study.id}`);
    if (!models.has(strategy.modelId))
      refuse(strategy.modelId, `${path}.strategy.modelId`, `a model of the study: ${[...models].join(', ')}`);
    refuseTwin(ids, trial.id, index, `${path}.id`);
    refuseTwin(strategyIds, strategy.id, index, `${path}.strategy.id`);
    checkSamples(trial, path);
    if (trial.accuracy) checkAccuracy(trial.accuracy, `${path}.accuracy`);
    trial.accuracyRuns?.forEach((run, at) => checkAccuracy(run, `${path}.accuracyRuns[${at}]`));
  });
}

/** Two trials of one id would overwrite each other. */
function refuseTwin(seen: Map<string, number>, id: string, index: number, path: string): void {
  const before = seen.get(id);
  if (before !== undefined) refuse(id, path, `an id of its own: trials[${before}] has the same`);
  seen.set(id, index);
}

function checkSamples({ strategy, samples }: Trial, path: string): void {
  const tiers = strategy.placement ? tiersOfPlacement(strategy.placement.name).length : 0;
  samples.forEach(({ emulated }, at) => {
    if (!emulated) return;
    if (tiers === 0)
      refuse('emulated times', `${path}.samples[${at}].emulated`, 'none: the strategy has no placement');
    const { tierMs } = emulated;
    if (tierMs && tierMs.length !== tiers)
      refuse(
        tierMs.length,
        `${path}.samples[${at}].emulated.tierMs`,
        `a time for each of its ${tiers} tiers`,
      );
  });
}

function checkAccuracy(accuracy: Accuracy, path: string): void {
  const { images, labelledImages, top1Correct, top5Correct, agreeing } = accuracy;
  const counts = [
    ['labelledImages', labelledImages, images],
    ['top1Correct', top1Correct, labelledImages],
    ['top5Correct', top5Correct, labelledImages],
    ['agreeing', agreeing, images],
  ] as const;
  for (const [name, found, most] of counts)
    if (found !== null && found > most) refuse(found, `${path}.${name}`, `at most ${most}`);
}
