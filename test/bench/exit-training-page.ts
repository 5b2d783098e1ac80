// Runs in the page: heads are trained in the app's own worker, as the app trains them.
import { seededRandom } from '../../src/base/random.ts';
import { openTrainClient } from '../../src/clients/train-client.ts';
import type { TrainingSet } from '../../src/transforms/exits/train-head.ts';

export interface HeadTraining {
  readonly seconds: number;
  /** Of the chosen decay. */
  readonly steps: number;
  readonly validationAccuracy: number;
}

/** Trains a head, worker and runtime started for it. */
export async function trainOne(
  images: number,
  width: number,
  classes: number,
  threads: number,
): Promise<HeadTraining> {
  const set = clouds(images, width, classes);
  const startedMs = performance.now();
  const client = openTrainClient();
  const outcome = await client.api.train(set, { seed: 1, threads }, () => {});
  const seconds = (performance.now() - startedMs) / 1000;
  client.terminate();
  if (!outcome.ok) throw new Error(outcome.failure.message);
  const { curve, best } = outcome.value;
  return { seconds, steps: curve.length, validationAccuracy: best.validationAccuracy };
}

/** A cloud of features around a centre for each class. */
function clouds(images: number, width: number, classes: number): TrainingSet {
  const random = seededRandom(images);
  const centres = Float32Array.from({ length: classes * width }, () => random() - 0.5);
  const targets = Int32Array.from({ length: images }, (_, image) => image % classes);
  const features = Float32Array.from({ length: images * width }, (_, at) => {
    const centre = centres[(targets[Math.floor(at / width)] ?? 0) * width + (at % width)] ?? 0;
    return centre + 4 * (random() + random() - 1);
  });
  return { features, width, targets, classCount: classes, fewImages: 'refuse' };
}
