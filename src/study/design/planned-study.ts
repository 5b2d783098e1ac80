import type { Strategy } from '../trial.ts';
import type { StudyDesign } from './design.ts';
import { type DesignFacts, plannedCells, type PlannedCell } from './excluded-cells.ts';
import { expectedPreparations, type Preparation, type PreparationSources } from './expected-preparation.ts';
import {
  expectedStudyMs,
  type InferenceTime,
  inferenceTimes,
  meanSetupMs,
  type TimeBasis,
  type TimeSources,
} from './expected-time.ts';
import { inInformationOrder } from './information-order.ts';

/** What a plan comes to on a device. */
export interface PlannedStudy {
  readonly cells: readonly PlannedCell[];
  /** In the order of the study; those beyond the budget are not among them. */
  readonly strategies: readonly Strategy[];
  /** How many the budget leaves out. */
  readonly beyondBudget: number;
  /** With preparations. */
  readonly expectedMs: number;
  /** What is learnt or compared before anything can be measured. */
  readonly preparations: readonly Preparation[];
  /** What the times of inferences rest on, and of how many strategies; the most frequent first. */
  readonly bases: readonly { readonly basis: TimeBasis; readonly strategies: number }[];
}

export interface PlanSources extends TimeSources, PreparationSources {
  /** Images that are timed. */
  readonly images: number;
  /** Images of an accuracy pass over these strategies. */
  readonly evaluated: (strategies: readonly Strategy[]) => number;
}

/** The strategies of a plan in their order, within its budget, and how long they are expected to take. */
export function planOf(design: StudyDesign, facts: DesignFacts, sources: PlanSources): PlannedStudy {
  const cells = plannedCells(design, facts);
  const listed = cells.flatMap(({ state }) => (state.kind === 'measured' ? [state.strategy] : []));
  const times = inferenceTimes(listed, sources);
  const timeOf = ({ id }: Strategy): InferenceTime => times.get(id) ?? { ms: 0, basis: 'assumed' };
  const ordered =
    design.order === 'information' ? inInformationOrder(listed, (strategy) => timeOf(strategy).ms) : listed;
  const setupMs = meanSetupMs(sources.trials, sources.environment);
  const evaluated = sources.evaluated(ordered);
  const preparationsOf = (strategies: readonly Strategy[]): readonly Preparation[] =>
    expectedPreparations(strategies, (strategy) => timeOf(strategy).ms, sources);
  const takeMs = (strategies: readonly Strategy[]): number =>
    preparationsOf(strategies).reduce(
      (sum, { ms }) => sum + ms,
      expectedStudyMs(design.protocol, strategies.map(timeOf), sources.images, evaluated, setupMs),
    );
  const { budgetMs } = design;
  let count = ordered.length;
  if (budgetMs !== null) while (count > 1 && takeMs(ordered.slice(0, count)) > budgetMs) count--;
  const strategies = ordered.slice(0, count);
  return {
    cells,
    strategies,
    beyondBudget: ordered.length - count,
    expectedMs: takeMs(strategies),
    preparations: preparationsOf(strategies),
    bases: countBases(strategies.map(timeOf)),
  };
}

function countBases(times: readonly InferenceTime[]): PlannedStudy['bases'] {
  const counts = new Map<TimeBasis, number>();
  for (const { basis } of times) counts.set(basis, (counts.get(basis) ?? 0) + 1);
  return [...counts]
    .map(([basis, strategies]) => ({ basis, strategies }))
    .sort((a, b) => b.strategies - a.strategies);
}
