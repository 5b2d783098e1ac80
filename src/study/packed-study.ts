import { type PackedSamples, packSamples, unpackSamples } from './packed-samples.ts';
import type { Study, Trial } from './trial.ts';

/** A study whose samples are columns: it crosses to another thread without holding that up. */
export type PackedStudy = Omit<Study, 'trials'> & {
  readonly trials: readonly (Omit<Trial, 'samples'> & { readonly samples: PackedSamples })[];
};

/** The study with its samples as columns; `unpackTrial` gives back each of its trials. */
export function packStudy(study: Study): PackedStudy {
  return {
    ...study,
    trials: study.trials.map((trial) => ({ ...trial, samples: packSamples(trial.samples) })),
  };
}

/** A trial as it was before it was packed. */
export function unpackTrial(trial: PackedStudy['trials'][number]): Trial {
  return { ...trial, samples: unpackSamples(trial.samples) };
}
