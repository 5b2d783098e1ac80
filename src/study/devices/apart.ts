import { grouped } from '../../base/grouped.ts';
import type { Trial } from '../trial.ts';
import { CONDITIONS, conditionText, differenceText, workText } from './comparable.ts';
import type { DeviceRun } from './device-runs.ts';

/** Strategies of one device that cannot stand beside anything of another, and why. */
export interface Apart {
  readonly here: DeviceRun;
  readonly there: DeviceRun;
  /** Names of the strategies. */
  readonly strategies: readonly string[];
  /** Ends a sentence: what is different there. */
  readonly reason: string;
}

/**
 * What each device has that another has not, with the nearest it has instead.
 * @param keyOf the same for trials that are comparable
 */
export function whatStandsApart(
  runs: readonly DeviceRun[],
  keyOf: (trial: Trial) => string,
): readonly Apart[] {
  const keys = new Map(runs.map((run) => [run, new Set(run.trials.map(keyOf))]));
  return runs.flatMap((here) =>
    runs.flatMap((there) => {
      const alone = here.trials.filter((trial) => here !== there && !keys.get(there)?.has(keyOf(trial)));
      const byReason = grouped(alone, (trial) => reasonOf(trial, there));
      return [...byReason].map(([reason, trials]) => ({
        here,
        there,
        strategies: [...new Set(trials.map(({ strategy }) => strategy.name))],
        reason,
      }));
    }),
  );
}

function reasonOf(trial: Trial, there: DeviceRun): string {
  const sameWork = there.trials.filter((each) => workText(each.strategy) === workText(trial.strategy));
  const differences = sameWork.map((each) =>
    CONDITIONS.filter((condition) => conditionText(each, condition) !== conditionText(trial, condition)).map(
      (condition) => differenceText(trial, each, condition),
    ),
  );
  const [nearest] = differences.toSorted((a, b) => a.length - b.length);
  if (nearest) return nearest.join('; ');
  const namesake = there.trials.find(({ strategy }) => strategy.name === trial.strategy.name);
  if (!namesake) return 'nothing like it';
  const isMoved =
    JSON.stringify(namesake.strategy.recipe) === JSON.stringify(trial.strategy.recipe)
      ? 'another placement, link or tiers'
      : 'another recipe';
  return `${isMoved} under the same name`;
}

/** `On B, int8 and exit 1 were measured with other images (…)`, as a whole sentence. */
export function apartText({ here, there, strategies, reason }: Apart): string {
  const shown = strategies.slice(0, 4).join(', ');
  const more = strategies.length > 4 ? ` and ${strategies.length - 4} more` : '';
  return `${shown}${more} of ${here.name}: ${there.name} has ${reason}.`;
}
