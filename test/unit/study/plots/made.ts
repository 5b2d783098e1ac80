import type { FrontAxes } from '../../../../src/study/front-layout.ts';
import { expect } from 'vitest';
import { csvText } from '../../../../src/study/csv-text.ts';
import { finish } from '../../../../src/base/finish.ts';
import type { Picture } from '../../../../src/study/plots/picture.ts';
import { PICTURES } from '../../../../src/study/plots/pictures.ts';
import type { Limits } from '../../../../src/study/plots/parallel.ts';
import type { Trial } from '../../../../src/study/trial.ts';
import { readCsv } from '../../../fixtures/read-csv.ts';
import { makeSample, makeTrial } from '../trials.ts';

/** A trial with these latencies, one a second, the first at `fromMs`. */
export function trialOf(
  name: string,
  latencies: readonly number[],
  change: Partial<Trial> = {},
  fromMs = 1_700_000_000_000,
): Trial {
  const samples = latencies.map((computeMs, at) =>
    makeSample({
      computeMs,
      segmentMs: [computeMs],
      sequence: at,
      round: at,
      startedAtMs: fromMs + 1000 * at,
    }),
  );
  return makeTrial(name, { samples, ...change });
}

/** Predictions of these images, right where `isRight` says so. */
export function answered(isRight: readonly boolean[]): Pick<Trial, 'predictions' | 'accuracy'> {
  const labels = isRight.map((_, image) => image % 3);
  const top1 = labels.map((label, image) => (isRight[image] ? label : label + 1));
  const right = isRight.filter(Boolean).length;
  return {
    predictions: {
      imageIndices: labels.map((_, image) => image),
      top1,
      top5: top1.map((best) => [best]),
      confidence: top1.map(() => 1),
      exitIndex: top1.map(() => null),
      labels,
    },
    accuracy: {
      images: isRight.length,
      labelledImages: isRight.length,
      top1Correct: right,
      top5Correct: null,
      agreeing: right,
    },
  };
}

/** The picture of this id, made at once. */
export function pictureOf(
  id: string,
  trials: readonly Trial[],
  limits: Limits = new Map(),
  axes?: FrontAxes,
): Picture {
  const kind = PICTURES.find((each) => each.id === id);
  const made = kind && finish(kind.make(trials, limits, axes));
  expect(made?.ok, made && !made.ok ? made.failure.message : id).toBe(true);
  if (!made?.ok) throw new Error('no picture');
  return made.value;
}

/** The rows of a picture's CSV file, read again by column. */
export function csvOf(picture: Picture): ReadonlyMap<string, string>[] {
  return readCsv(csvText(picture.rows));
}
