/** What a study is doing and how far it is. */
export interface StudyProgress {
  readonly step:
    | 'preparing'
    /** Layers are timed in every form to learn which is fast here. */
    | 'comparing-forms'
    /** Images are run to learn the ranges of values. */
    | 'calibrating'
    /** Images are run to learn what channels hold. */
    | 'looking-at-channels'
    /** Images are run through the model, then its exits learn from what they made of them. */
    | 'training-exits'
    | 'building'
    | 'loading'
    | 'warming-up'
    | 'predicting'
    | 'measuring'
    /** Its files are gzipped to learn how large they become. */
    | 'compressing'
    | 'paused';
  /** Name of the strategy at work. */
  readonly strategy: string;
  /** Of the step `measuring`: round from 0; null before. */
  readonly round: number | null;
  readonly rounds: number;
  /** Inferences of all kinds, over the whole study. */
  readonly doneInferences: number;
  readonly totalInferences: number;
  /** Of the steps `calibrating`, `looking-at-channels` and `training-exits`: images done, of how many. */
  readonly images?: { readonly done: number; readonly total: number };
  /** Of the step `comparing-forms`: how much of it is done, from 0 to 1. */
  readonly share?: number;
  /** Null until a first strategy has run. */
  readonly remainingMs: number | null;
}

/** Work that a strategy still needs, and what is known of its speed. */
export interface RemainingWork {
  readonly inferences: number;
  /** On top, where runs go on for a certain time, however many they are. */
  readonly sustainedMs?: number;
  /** Sessions that are still to be made. */
  readonly setups: number;
  /** Null: not run yet. */
  readonly msPerInference: number | null;
}

/**
 * Time left, taking strategies that have not run yet to be like the mean of those that have.
 * @param meanSetupMs building and loading a variant; null: none was yet
 * @returns null if nothing is known yet
 */
export function remainingMs(work: readonly RemainingWork[], meanSetupMs: number | null): number | null {
  const speeds = work.flatMap(({ msPerInference }) => msPerInference ?? []);
  if (speeds.length === 0 || meanSetupMs === null) return null;
  const meanMs = speeds.reduce((sum, speed) => sum + speed, 0) / speeds.length;
  return work.reduce(
    (sum, { inferences, sustainedMs = 0, setups, msPerInference }) =>
      sum + inferences * (msPerInference ?? meanMs) + sustainedMs + setups * meanSetupMs,
    0,
  );
}

/** What profiling is at; `runs` are inferences. */
export type ProfileProgress =
  | { readonly step: 'preparing' | 'loading' }
  | { readonly step: 'running'; readonly runs: number; readonly of: number };
