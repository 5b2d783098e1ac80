import { preparedKey } from '../study/design/expected-preparation.ts';
import { packingMs } from '../study/design/expected-study.ts';
import { type PreparationsLeft, preparationsLeft } from '../study/design/preparations-left.ts';
import { imagesToTrainWith } from '../study/evaluation-images.ts';
import type { StudyProgress } from '../study/progress.ts';
import type { Strategy, Trial } from '../study/trial.ts';
import { keyOfCalibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { StudyInputs } from './run-study.ts';

/** See `openTimeAround`. */
export type TimeAround = ReturnType<typeof openTimeAround>;

/** What a running study is at. */
type Now = { readonly strategy: Strategy } & Pick<StudyProgress, 'step' | 'images' | 'share'>;

/** What is known of the strategies by now. */
interface Known {
  /** What an inference takes. */
  readonly msOf: (strategy: Strategy) => number;
  /** What a session takes to be made. */
  readonly setupMs: number;
  readonly isBuilt: (strategy: Strategy) => boolean;
}

/** The time of a running study that is not for inferences: learning what variants need, and gzipping them. */
export function openTimeAround(inputs: StudyInputs) {
  const labels = inputs.data.dataset.items.map(({ label }) => label);
  const models = [inputs, ...(inputs.otherModels?.values() ?? [])];
  const sources = {
    environment: inputs.environment,
    openImages: labels.length,
    trainingImages: imagesToTrainWith(labels).length,
    heads: models.flatMap(({ heads = [] }) => heads),
    calibrated: new Set(
      models.flatMap(({ calibrations = [] }) =>
        calibrations.map((each) => preparedKey({ modelId: each.modelId }, keyOfCalibration(each))),
      ),
    ),
    forms: inputs.forms ?? [],
  };
  // Progress is told image by image, what is to be prepared changes with steps alone.
  let told = { key: '', left: { othersMs: 0, stepMs: 0, laterMs: 0 } satisfies PreparationsLeft };

  function preparationsAt({ strategy, step }: Now, trials: readonly Trial[], known: Known): PreparationsLeft {
    const key = JSON.stringify([strategy.id, step]);
    if (told.key === key) return told.left;
    // Of those that ran before it was kept what they need.
    const isPrepared = (trial: Trial): boolean => known.isBuilt(trial.strategy) || trial.samples.length > 0;
    const prepared = trials.filter(isPrepared);
    const open = trials.filter(
      (trial) => trial.state.kind === 'queued' && trial.strategy.id !== strategy.id && !isPrepared(trial),
    );
    const left = preparationsLeft(
      { current: strategy, step },
      open.map((trial) => trial.strategy),
      prepared.map((trial) => trial.strategy),
      known.msOf,
      { ...sources, trials: prepared, setupMs: known.setupMs },
    );
    told = { key, left };
    return left;
  }

  return {
    /** How long all of it still takes, in milliseconds. @param trials all of the study */
    leftMs: (now: Now, trials: readonly Trial[], known: Known): number => {
      const { othersMs, stepMs, laterMs } = preparationsAt(now, trials, known);
      const { images, share = images ? images.done / images.total : 0 } = now;
      const sizes = trials.flatMap(({ size }) => (size ? [size.rawBytes] : []));
      const meanBytes = sizes.reduce((sum, bytes) => sum + bytes, 0) / Math.max(1, sizes.length);
      const toPack = trials.filter(({ state, size }) => state.kind !== 'failed' && size?.gzipBytes == null);
      const packMs = toPack.reduce((sum, { size }) => sum + packingMs(size?.rawBytes ?? meanBytes), 0);
      return othersMs + (1 - share) * stepMs + laterMs + packMs;
    },
  };
}
