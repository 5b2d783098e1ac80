import { batteryPercentPerThousand } from '../measuring/battery-use.ts';
import { interferenceOf } from '../measuring/interference.ts';
import { trialMetrics } from '../metrics.ts';
import type { Trial } from '../trial.ts';
import { type Column, rounded } from './column.ts';
import type { TrialRow } from './trial-columns.ts';

/** How well it could be measured. */
export const MEASURING_COLUMNS: readonly Column<TrialRow>[] = [
  {
    name: 'warm_up_runs',
    description: 'Inferences of its warm-ups',
    cell: ({ trial }) => trial.samples.filter(({ warmUp }) => warmUp).length,
  },
  {
    name: 'warm_up',
    description:
      'How its sessions warmed up, separated by spaces: `steady`, `never-steady` or `fixed` (a fixed number of runs), then after how many runs latency was steady',
    cell: ({ trial }) => warmUpsText(trial),
  },
  {
    name: 'far_outlier_share',
    description: 'Share of inferences that took far longer than the others: other work on the device',
    cell: ({ trial }) => rounded(interferenceOf(trial)?.outlierShare ?? null, 6),
  },
  {
    name: 'second_level_ratio',
    description: 'Where times jump between two levels: the slower to the faster; empty if they do not',
    cell: ({ trial }) => rounded(interferenceOf(trial)?.secondLevelRatio ?? null, 6),
  },
  {
    name: 'round_spread',
    description:
      'Standard deviation of the rounds’ medians, as a share, beyond what single inferences explain',
    cell: ({ trial }) => rounded(interferenceOf(trial)?.roundSpread ?? null, 6),
  },
  {
    name: 'battery_percent_per_1000',
    description:
      'Coarse: percent of the battery for a thousand inferences, from what the whole study took per hour; empty if the browser told too little',
    cell: ({ trial, batterySharePerHour }) => {
      const totalMs = trialMetrics(trial).totalMedianMs?.value;
      return batterySharePerHour == null || totalMs === undefined
        ? null
        : rounded(batteryPercentPerThousand(batterySharePerHour, totalMs), 6);
    },
  },
  {
    name: 'accuracy_runs_mean',
    description: 'Mean of the accuracies of accuracy_runs; empty where the protocol does not repeat them',
    cell: ({ trial }) => rounded(meanAccuracy(trial), 6),
  },
  {
    name: 'accuracy_runs',
    description:
      'Top-1 accuracy of each accuracy pass, separated by spaces, where the protocol repeats it; empty otherwise',
    cell: ({ trial }) =>
      (trial.accuracyRuns ?? [])
        .map(({ top1Correct, labelledImages }) =>
          top1Correct === null ? '-' : rounded(top1Correct / labelledImages, 6),
        )
        .join(' '),
  },
];

function meanAccuracy({ accuracyRuns = [] }: Trial): number | null {
  const shares = accuracyRuns.flatMap(({ top1Correct, labelledImages }) =>
    top1Correct === null ? [] : [top1Correct / labelledImages],
  );
  return shares.length === 0 ? null : shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function warmUpsText({ warmUps = [] }: Trial): string {
  return warmUps
    .map(({ state, steadyFrom }) => (steadyFrom === null ? state : `${state}:${steadyFrom}`))
    .join(' ');
}
