import type { StudyProgress } from '../progress.ts';
import type { Strategy } from '../trial.ts';
import { expectedPreparations, type Preparation, type PreparationSources } from './expected-preparation.ts';

/** In the order in which a strategy needs them. */
const STEPS: readonly { readonly step: StudyProgress['step']; readonly what: Preparation['what'] }[] = [
  { step: 'looking-at-channels', what: 'looking at channels' },
  { step: 'training-exits', what: 'training exits' },
  { step: 'comparing-forms', what: 'comparing forms' },
  { step: 'calibrating', what: 'calibrating' },
];

/** What is to be learnt or compared before the rest of a study can be measured, in milliseconds. */
export interface PreparationsLeft {
  /** For all that are not being prepared. */
  readonly othersMs: number;
  /** For the one at work: all of the step it is at, and what follows that. */
  readonly stepMs: number;
  readonly laterMs: number;
}

/**
 * Expects the preparations that a running study has still to make. What strategies share is made for the first.
 * @param current the strategy at work; past the steps of preparation it is prepared, paused it may not be
 * @param open others, of which nothing was built yet
 * @param prepared those for which all was learnt that they need
 * @param msOf what an inference of a strategy takes
 */
export function preparationsLeft(
  { current, step }: { readonly current: Strategy; readonly step: StudyProgress['step'] },
  open: readonly Strategy[],
  prepared: readonly Strategy[],
  msOf: (strategy: Strategy) => number,
  sources: PreparationSources,
): PreparationsLeft {
  const expected = (strategies: readonly Strategy[]) => expectedPreparations(strategies, msOf, sources);
  const before = expected(prepared);
  const withCurrent = expected([...prepared, current]);
  const own = (what: Preparation['what']): number => msAt(withCurrent, what) - msAt(before, what);
  const at = step === 'paused' ? 0 : STEPS.findIndex((each) => each.step === step);
  const [now, ...later] = at < 0 ? [] : STEPS.slice(at);
  return {
    othersMs: sumMs(expected([...prepared, current, ...open])) - sumMs(withCurrent),
    stepMs: now ? own(now.what) : 0,
    laterMs: later.reduce((sum, { what }) => sum + own(what), 0),
  };
}

function msAt(preparations: readonly Preparation[], what: Preparation['what']): number {
  return preparations.find((each) => each.what === what)?.ms ?? 0;
}

function sumMs(preparations: readonly Preparation[]): number {
  return preparations.reduce((sum, { ms }) => sum + ms, 0);
}
