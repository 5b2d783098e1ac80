import type { StudyCallbacks } from '../clients/run-study.ts';
import type { HeadlessSummary, ReportName } from '../protocol/headless-api.ts';
import { serialiseCalibrations } from '../study/calibration-json.ts';
import { compareDevices } from '../study/compare/compare-devices.ts';
import { factsOf } from '../study/compare/strategy-facts.ts';
import { comparisonsCsv } from '../study/csv/comparison-columns.ts';
import { predictionsCsv } from '../study/csv/prediction-columns.ts';
import { samplesCsv, trialsCsv } from '../study/csv/study-csv.ts';
import { type AxisId, defaultVerticalAxis, defaultQualityAxis, trialMetrics } from '../study/metrics.ts';
import { frontOfTrials } from '../study/pareto.ts';
import { frontSvg } from '../study/plot-svg.ts';
import { adviceFiles } from '../study/recommend/advice-text.ts';
import type { Asked } from '../study/recommend/wishes.ts';
import { serialiseStatistics } from '../study/statistics-json.ts';
import { serialiseStudy } from '../study/study-json.ts';
import type { Study } from '../study/trial.ts';
import { serialiseHeads, type TrainedHead } from '../transforms/exits/trained-head.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import { type Calibration, keyOfCalibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';

/**
 * The files that every study leaves.
 * @param asked what to advise on; null: each wish, without limits
 */
export function studyReports(study: Study, asked: Asked | null): ReadonlyMap<ReportName, string> {
  const { trials } = study;
  const title = `Accuracy against latency: ${study.modelName}`;
  const subtitle = `${study.datasetName} · ${study.protocol.name} protocol · ${trials[0]?.environment.platform ?? ''}`;
  const y: AxisId = defaultVerticalAxis(trials);
  const facts = trials.map(factsOf);
  const compared = compareDevices(facts, 'holm', y === 'rawBytes' ? null : y);
  const advice = adviceFiles(facts, asked);
  return new Map<ReportName, string>([
    ['trials.csv', trialsCsv(trials)],
    ['samples.csv', samplesCsv(trials)],
    ['study.json', serialiseStudy(study)],
    ['front.svg', frontSvg(trials, { x: 'latencyMedianMs', y, title, subtitle })],
    ['predictions.csv', predictionsCsv(trials, study.classNames)],
    ['comparisons.csv', comparisonsCsv(compared)],
    ['advice.txt', advice.text],
    ['advice.json', advice.json],
  ]);
}

/** What `--recipes` of another study takes, and one of them `--recipe` of `transform`. */
export function recipesText(recipes: readonly NamedRecipe[]): string {
  return JSON.stringify(
    recipes.map(({ name, recipe }) => ({ name, recipe })),
    null,
    2,
  );
}

/** What the command prints of a study. */
export function summaryOf(study: Study, wasCancelled: boolean, elapsedMs: number): HeadlessSummary {
  const { trials } = study;
  const quality = defaultQualityAxis(trials);
  const strategy = trials[0]?.strategy;
  const done = trials.filter((trial) => trial.state.kind === 'done').length;
  const failed = trials.flatMap(({ strategy: { name }, state }) =>
    state.kind === 'failed' ? [{ strategy: name, reason: state.message }] : [],
  );
  return {
    model: study.modelName,
    dataset: study.datasetName,
    preprocessing: trials[0]?.preprocessing ?? null,
    provider: strategy?.provider ?? 'wasm',
    threads: strategy?.threads ?? 1,
    wasCancelled,
    trials: { done, unfinished: trials.length - done - failed.length, failed },
    quality,
    front: frontOfTrials(trials, ['latencyMedianMs', quality]).map((trial) => ({
      strategy: trial.strategy.name,
      latencyMedianMs: trialMetrics(trial).latencyMedianMs?.value ?? Number.NaN,
      quality: trialMetrics(trial)[quality]?.value ?? Number.NaN,
    })),
    elapsedMs,
  };
}

/** Writes down what a study learns on the way, as `transform` takes it. */
export function learntReports(
  write: (name: ReportName, text: string) => void,
): Pick<StudyCallbacks, 'onHeads' | 'onCalibration' | 'onStatistics'> {
  const heads: TrainedHead[] = [];
  const calibrations = new Map<string, Calibration>();
  const statistics: ChannelStatistics[] = [];
  return {
    onHeads: (trained) => {
      heads.push(...trained);
      write('heads.json', serialiseHeads(heads));
    },
    onCalibration: (calibration, { modelId }) => {
      // One that grew takes the place of what it was.
      calibrations.set(`${modelId} ${keyOfCalibration(calibration)}`, calibration);
      write('calibration.json', serialiseCalibrations([...calibrations.values()]));
    },
    onStatistics: (seen) => {
      statistics.push(seen);
      write('statistics.json', serialiseStatistics(statistics));
    },
  };
}
