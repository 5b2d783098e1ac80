import type { HeadlessSummary, ReportName } from '../protocol/headless-api.ts';
import { compareDevices } from '../study/compare/compare-devices.ts';
import { factsOf } from '../study/compare/strategy-facts.ts';
import { comparisonsCsv } from '../study/csv/comparison-columns.ts';
import { samplesCsv, trialsCsv } from '../study/csv/study-csv.ts';
import { type AxisId, defaultVerticalAxis, trialMetrics } from '../study/metrics.ts';
import { frontOfTrials } from '../study/pareto.ts';
import { frontSvg } from '../study/plot-svg.ts';
import { adviceForWishes } from '../study/recommend/advice-text.ts';
import { serialiseStudy } from '../study/study-json.ts';
import type { Study } from '../study/trial.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';

/** The files that every study leaves. */
export function studyReports(study: Study): ReadonlyMap<ReportName, string> {
  const { trials } = study;
  const title = `Accuracy against latency: ${study.modelName}`;
  const subtitle = `${study.datasetName} · ${study.protocol.name} protocol · ${trials[0]?.environment.platform ?? ''}`;
  const y: AxisId = defaultVerticalAxis(trials);
  const facts = trials.map(factsOf);
  const compared = compareDevices(facts, 'holm', y === 'rawBytes' ? null : y);
  return new Map<ReportName, string>([
    ['trials.csv', trialsCsv(trials)],
    ['samples.csv', samplesCsv(trials)],
    ['study.json', serialiseStudy(study)],
    ['front.svg', frontSvg(trials, { x: 'latencyMedianMs', y, title, subtitle })],
    ['comparisons.csv', comparisonsCsv(compared)],
    ['advice.txt', adviceForWishes(facts)],
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
  const quality = trials.some((trial) => trial.accuracy?.top1Correct != null) ? 'accuracyTop1' : 'agreement';
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
