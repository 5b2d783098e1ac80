import { grouped } from '../../base/grouped.ts';
import type { Trial } from '../trial.ts';
import { CONDITIONS, conditionText, differenceText, workText } from './comparable.ts';
import type { DeviceRun } from './device-runs.ts';

/** Strategies of one device that cannot stand beside anything of another, and why. */
export interface Apart {
  /** The devices of which the same is to be said. */
  readonly here: readonly DeviceRun[];
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
  const pairs = runs.flatMap((here, i) =>
    runs.flatMap((there, j) => {
      const alone = here.trials.filter((trial) => i !== j && !keys.get(there)?.has(keyOf(trial)));
      const told = alone.flatMap((trial) => {
        const difference = nearestDifference(trial, there);
        // What differs is the same from either side.
        if (difference !== null && i > j) return [];
        return [{ trial, reason: difference ?? missingText(trial, there) }];
      });
      return [...grouped(told, ({ reason }) => reason)].map(([reason, some]) => ({
        here,
        there,
        strategies: [...new Set(some.map(({ trial }) => trial.strategy.name))],
        reason,
      }));
    }),
  );
  const alike = grouped(pairs, ({ there, strategies, reason }) =>
    JSON.stringify([there.id, strategies, reason]),
  );
  return [...alike.values()].map((some) => ({
    ...(some[0] as (typeof pairs)[number]),
    here: some.map(({ here }) => here),
  }));
}

/** What is not the same of the nearest that runs the same recipe there; null: nothing does. */
function nearestDifference(trial: Trial, there: DeviceRun): string | null {
  const sameWork = there.trials.filter((each) => workText(each.strategy) === workText(trial.strategy));
  const differences = sameWork.map((each) =>
    CONDITIONS.filter((condition) => conditionText(each, condition) !== conditionText(trial, condition)).map(
      (condition) => differenceText(trial, each, condition),
    ),
  );
  const [nearest] = differences.toSorted((a, b) => a.length - b.length);
  return nearest ? nearest.join('; ') : null;
}

function missingText(trial: Trial, there: DeviceRun): string {
  const namesake = there.trials.find(({ strategy }) => strategy.name === trial.strategy.name);
  if (!namesake) return 'nothing like it';
  const isMoved =
    JSON.stringify(namesake.strategy.recipe) === JSON.stringify(trial.strategy.recipe)
      ? 'another placement, link or tiers'
      : 'another recipe';
  return `${isMoved} under the same name`;
}

/** As a whole sentence: `int8, exit 1 of A and C: B has other images (…).` */
export function apartText({ here, there, strategies, reason }: Apart): string {
  const shown = strategies.slice(0, 4).join(', ');
  const more = strategies.length > 4 ? ` and ${strategies.length - 4} more` : '';
  const [last = '', ...others] = here.map(({ name }) => name).toReversed();
  const owners = others.length === 0 ? last : `${others.toReversed().join('; ')} and ${last}`;
  return `${shown}${more} of ${owners}: ${there.name} has ${reason}.`;
}
