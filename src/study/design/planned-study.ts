import type { Strategy, Trial } from '../trial.ts';
import type { StudyDesign } from './design.ts';
import { type DesignFacts, plannedCells, type PlannedCell } from './excluded-cells.ts';
import { expectedPreparations, type Preparation, type PreparationSources } from './expected-preparation.ts';
import { ASSUMED_SESSION, expectedStudyMs, type SessionCosts, sessionCosts } from './expected-study.ts';
import {
  type InferenceTime,
  inferenceTimes,
  type TimeBasis,
  type TimeSources,
  trialsOfDevice,
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
  /** Between which it likely is, by what it rests on. */
  readonly likelyMs: readonly [low: number, high: number];
  /** What is learnt or compared before anything can be measured. */
  readonly preparations: readonly Preparation[];
  /** What the times of inferences rest on, and of how many strategies; the most frequent first. */
  readonly bases: readonly { readonly basis: TimeBasis; readonly strategies: number }[];
}

export interface PlanSources extends TimeSources, Omit<PreparationSources, 'setupMs'> {
  /** Of a session tried here for a moment; null: none was. */
  readonly triedSession: SessionCosts | null;
  /** Of a model's file. */
  readonly bytesOf: (modelId: string) => number;
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
  const workOf = (strategy: Strategy) => ({
    ms: timeOf(strategy).ms,
    bytes: sources.bytesOf(strategy.modelId),
  });
  const ordered =
    design.order === 'information' ? inInformationOrder(listed, (strategy) => timeOf(strategy).ms) : listed;
  const session = sessionCosts(trialsHere(sources)) ?? sources.triedSession ?? ASSUMED_SESSION;
  const evaluated = sources.evaluated(ordered);
  const preparationsOf = (strategies: readonly Strategy[]): readonly Preparation[] =>
    expectedPreparations(strategies, (strategy) => timeOf(strategy).ms, {
      ...sources,
      setupMs: session.setupMs,
    });
  const takeMs = (strategies: readonly Strategy[]): number =>
    preparationsOf(strategies).reduce(
      (sum, { ms }) => sum + ms,
      expectedStudyMs(design.protocol, strategies.map(workOf), sources.images, evaluated, session),
    );
  const { budgetMs } = design;
  let count = ordered.length;
  if (budgetMs !== null) while (count > 1 && takeMs(ordered.slice(0, count)) > budgetMs) count--;
  const strategies = ordered.slice(0, count);
  const expectedMs = takeMs(strategies);
  const bases = countBases(strategies.map(timeOf));
  const factor = bases[0] ? LIKELY_FACTOR[bases[0].basis] : 1;
  return {
    cells,
    strategies,
    beyondBudget: ordered.length - count,
    expectedMs,
    likelyMs: [expectedMs / factor, expectedMs * factor],
    preparations: preparationsOf(strategies),
    bases,
  };
}

/**
 * By what factor the expected time may be off, either way. Judged by a handful of studies that were timed on one
 * machine while other work went on there: a rule of thumb, not an interval of statistics.
 */
const LIKELY_FACTOR: Readonly<Record<TimeBasis, number>> = {
  measured: 1.3,
  predicted: 1.5,
  tried: 1.5,
  scaled: 2,
  assumed: 4,
};

/** The trials of this device, the same list as long as it is asked about the same trials. */
function trialsHere({ trials, environment }: PlanSources): readonly Trial[] {
  const kept = ofDevice.get(trials) ?? trialsOfDevice(trials, environment);
  ofDevice.set(trials, kept);
  return kept;
}
const ofDevice = new WeakMap<readonly Trial[], readonly Trial[]>();

function countBases(times: readonly InferenceTime[]): PlannedStudy['bases'] {
  const counts = new Map<TimeBasis, number>();
  for (const { basis } of times) counts.set(basis, (counts.get(basis) ?? 0) + 1);
  return [...counts]
    .map(([basis, strategies]) => ({ basis, strategies }))
    .sort((a, b) => b.strategies - a.strategies);
}
