import type { Preprocessing } from '../../data/preprocessing.ts';
import { answerMask, classMapsOf } from '../../study/segmentation/class-maps.ts';
import type { Inference } from '../segment-runner.ts';

/** Names the class of each pixel of an output that scores them, as large as it is; nothing of others. */
export function classesOfPixels({ scores, outputDims }: Inference, preprocessing: Preprocessing): void {
  const maps = classMapsOf(outputDims, scores, preprocessing, false);
  if (maps === null) return;
  const { width, height } = maps;
  answerMask(maps, scores, maps, { left: 0, top: 0, width, height }, null);
}
