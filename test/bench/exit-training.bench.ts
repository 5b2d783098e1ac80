import { seededRandom } from '../../src/base/random.ts';
import { evaluateThresholds, learnThresholds, thresholdTable } from '../../src/study/thresholds.ts';
import { trainHead, type TrainingSet } from '../../src/transforms/exits/train-head.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';

/** Heads are trained and thresholds tried in plain TypeScript, so this needs no page. */
export const bench: Bench = async () => [headTraining(), ...thresholdRows()];

function headTraining(): BenchRow {
  const set = clouds(2000, 512, 10);
  const seconds = medianMs(3, () => trainHead(set, { seed: 1 })) / 1000;
  return {
    name: 'a head of 2,000 images x 512 features x 10 classes, all decays tried',
    value: `${seconds.toFixed(2)} s`,
    target: '< 3 s',
    ok: seconds < 3,
  };
}

function thresholdRows(): BenchRow[] {
  const [exits, images, classCount] = [4, 2000, 10];
  const random = seededRandom(1);
  const table = thresholdTable(
    {
      imageIndices: Array.from({ length: images }, (_, image) => image),
      classCount,
      exits: Array.from({ length: exits }, (_, index) => ({
        index,
        output: `exit${index}`,
        kind: 'logits',
        scores: Float32Array.from({ length: images * classCount }, () => 4 * (index + 1) * random()),
        latencyMs: index + 1,
      })),
    },
    'max-softmax',
    Array.from({ length: images }, (_, image) => image % classCount),
  );
  const moveMs = medianMs(200, () => evaluateThresholds(table, [random(), random(), random()]));
  const learnMs = medianMs(1, () => learnThresholds(table, 1));
  return [
    {
      name: `a move of a slider: thresholds of ${exits} exits on ${images} images`,
      value: `${moveMs.toFixed(2)} ms`,
      target: '< 16 ms with drawing, so < 2 ms alone',
      ok: moveMs < 2,
    },
    {
      name: `learning thresholds of ${exits} exits on ${images} images`,
      value: `${learnMs.toFixed(0)} ms`,
      target: '< 3,000 ms',
      ok: learnMs < 3000,
    },
  ];
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

function medianMs(repetitions: number, work: () => unknown): number {
  const times = Array.from({ length: repetitions }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return quantile(times, 0.5);
}
