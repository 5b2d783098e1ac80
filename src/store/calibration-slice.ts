import { attempt, cancellation, failed, type Failure, ok, outcomeOf, type Result } from '../base/result.ts';
import type { CalibrationProgress } from '../clients/calibrate.ts';
import { loadCalibrations, saveCalibrations } from '../persist/calibrations.ts';
import {
  type Calibration,
  calibrationsByKey,
  looksAtHeads,
  staticOperatorOf,
} from '../transforms/quantize/calibrate/calibration.ts';
import { imagesPrunedWith } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { headSubjectOf } from './heads-slice.ts';
import type { Slice } from './slice.ts';
import { strategyPlace } from './study-slice.ts';
import { modelWorker } from './workers.ts';

/** Loaded when it is first asked for. */
const calibrating = () => import('../clients/study-calibration.ts');
const lookingAtChannels = () => import('../clients/study-statistics.ts');

export interface CalibrationSlice {
  /** Ranges of the open model's values on the open images, prepared as they are now. */
  readonly calibrations: readonly Calibration[];
  /** The calibration under way outside a study; `progress` is null until it tells something. */
  readonly calibrating: { readonly progress: CalibrationProgress | null } | null;
  /** Why the last one ended without ranges. */
  readonly calibrationProblem: Failure | null;
  /**
   * Learns what a recipe needs from images, ranges of values and statistics of channels, unless it is known;
   * afterwards its files can be built.
   * @param others recipes whose ranges will be asked for, too: one pass may do
   */
  readonly calibrateFor: (recipe: Recipe, others?: readonly Recipe[]) => Promise<Result<null>>;
  readonly cancelCalibration: () => void;
  /** Keeps what a study calibrated. */
  readonly adoptCalibration: (calibration: Calibration) => void;
}

export const createCalibrationSlice: Slice<CalibrationSlice> = (set, get, store) => {
  let control = new AbortController();

  const adopt = async (calibrations: readonly Calibration[]) => {
    set({ calibrations });
    await modelWorker()?.useCalibrations(calibrations);
  };

  store.subscribe((lab, before) => {
    const isSame =
      lab.model === before.model && lab.data === before.data && lab.preprocessing === before.preprocessing;
    if (isSame) {
      // Ranges of an exit's head are of that head.
      if (lab.heads !== before.heads && lab.calibrations.some(looksAtHeads))
        void adopt(lab.calibrations.filter((calibration) => !looksAtHeads(calibration)));
      return;
    }
    get().cancelCalibration();
    set({ calibrationProblem: null });
    const subject = headSubjectOf(lab);
    if (subject === null) return;
    void attempt(() => loadCalibrations(subject)).then((found) => {
      // Another model or other images may have been opened meanwhile.
      if (JSON.stringify(headSubjectOf(get())) === JSON.stringify(subject))
        void adopt(found.ok ? found.value : []);
    });
  });

  return {
    calibrations: [],
    calibrating: null,
    calibrationProblem: null,
    calibrateFor: async (recipe, others = []) => {
      const all = [recipe, ...others];
      const isPrunedOnImages = all.some((each) => imagesPrunedWith(each) > 0);
      if (staticOperatorOf(recipe) === null && !isPrunedOnImages) return ok(null);
      const { model, data, preprocessing, environment, settings, calibrations, statistics, run } = get();
      const worker = modelWorker();
      if (!model || !data || !preprocessing || !environment || !worker)
        return failed(isPrunedOnImages ? noImagesToPruneWith : noImages);
      if (run) return failed(busy);
      get().cancelCalibration();
      const ends = (control = new AbortController());
      set({ calibrating: { progress: null }, calibrationProblem: null });
      const { threads } = strategyPlace(settings, environment, model.view.totals.macs);
      const subject = { modelId: model.view.modelId, data, preprocessing, threads };
      const tell = (progress: CalibrationProgress) => {
        if (!ends.signal.aborted) set({ calibrating: { progress } });
      };
      const outcome = await outcomeOf(async () => {
        if (isPrunedOnImages) {
          const observer = (await lookingAtChannels()).createChannelObserver(subject, statistics, (found) =>
            get().adoptStatistics(found),
          );
          for (const each of all) {
            const seen = await observer.prepare(worker, each, tell, ends.signal);
            if (!seen.ok) return seen;
          }
        }
        const calibrator = (await calibrating()).createCalibrator(subject, calibrations, all, (found) =>
          get().adoptCalibration(found),
        );
        return calibrator.prepare(worker, recipe, tell, ends.signal);
      });
      if (ends.signal.aborted) return failed(cancelled);
      set({ calibrating: null, calibrationProblem: outcome.ok ? null : outcome.failure });
      return outcome.ok ? ok(null) : outcome;
    },
    cancelCalibration: () => {
      control.abort();
      if (get().calibrating) set({ calibrating: null });
    },
    adoptCalibration: (calibration) => {
      const all = [...calibrationsByKey([...get().calibrations, calibration]).values()];
      void adopt(all);
      const subject = headSubjectOf(get());
      // Heads are trained anew without their ranges being told.
      if (subject === null || looksAtHeads(calibration)) return;
      void saveCalibrations(subject, [calibration]).then((saved) => {
        if (!saved.ok) get().reportFailure('The calibration is not kept', saved.failure);
      });
    },
  };
};

const noImages: Failure = {
  code: 'no-calibration-images',
  message: 'static int8 needs the ranges of values on images, and none are open',
  hint: 'Open images under Data.',
};

const noImagesToPruneWith: Failure = {
  code: 'no-images-to-prune-with',
  message: 'pruning by what channels hold on images needs images, and none are open',
  hint: 'Open images under Data, or rank by weights.',
};

const busy: Failure = {
  code: 'busy',
  message: 'a study is running, which calibrates what it needs',
  hint: 'Wait for it, or cancel it first.',
};

const cancelled = cancellation('The calibration');
