import { InputError } from '../../base/result.ts';
import type { Dataset } from '../../data/dataset.ts';
import { type Mask, readMask } from '../../data/masks/read-mask.ts';
import { seenPart } from '../../data/preprocess.ts';
import type { Preprocessing } from '../../data/preprocessing.ts';
import { answerMask, type ClassMaps, classMapsOf } from '../../study/segmentation/class-maps.ts';
import { countPixels } from '../../study/segmentation/class-pixels.ts';
import { type ClassMask, NO_ANSWER, packMask } from '../../study/segmentation/packed-mask.ts';
import type { ClassPixels, MaskAnswers, PackedMask } from '../../study/trial.ts';
import type { Inference } from '../segment-runner.ts';
import { forEachImage } from './each-image.ts';
import { itemAt, requireImages } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/**
 * The classes that a strategy gives to pixels, see `EngineApi.answerMasks`. Answers are made as large as the image's
 * mask, from interpolated scores; without one they keep their own size.
 */
export async function answerAllMasks(
  engine: LoadedStrategy,
  imageIndices: readonly number[],
  isLabelled: boolean,
  onProgress: (done: number) => void,
): Promise<MaskAnswers> {
  requireImages(engine);
  const { preprocessing, data } = engine.request;
  const exitIndex: (number | null)[] = [];
  const counts: (ClassPixels | null)[] = [];
  const masks: (PackedMask | null)[] = [];
  await forEachImage(engine, engine.run, imageIndices, onProgress, async (inference, image, position) => {
    const item = itemAt(engine.request, imageIndices[position] as number);
    const maps = mapsOf(inference, engine, data.dataset.masks !== undefined);
    const label = isLabelled && item.mask ? await maskOf(data, item.mask) : null;
    const answer = answerOf(inference, maps, preprocessing, label ?? maps, label && image);
    exitIndex.push(inference.exitIndex);
    masks.push(packMask(answer));
    counts.push(label && countPixels(label.classes, answer.classes, askedLabels(maps, preprocessing)));
  });
  return { imageIndices, exitIndex, counts, masks };
}

/** @throws InputError `not-segmentation` */
export function mapsOf(
  { outputDims, outputName, scores }: Inference,
  { request: { preprocessing } }: LoadedStrategy,
  known: boolean,
): ClassMaps {
  const maps = classMapsOf(outputDims, scores, preprocessing, known);
  if (maps !== null) return maps;
  throw new InputError({
    code: 'not-segmentation',
    message: `Output ${outputName} has shape [${outputDims.join(', ')}], which is neither one score per class nor a class for each pixel.`,
    where: outputName,
    hint: 'Latency and size can be measured; accuracy needs a classifier or a model that names the class of every pixel.',
  });
}

async function maskOf(
  { dataset, pack }: { readonly dataset: Dataset; readonly pack: Blob },
  { name, offset, length }: { readonly name: string; readonly offset: number; readonly length: number },
): Promise<Mask> {
  const bytes = new Uint8Array(await pack.slice(offset, offset + length).arrayBuffer());
  return readMask(bytes, name, dataset.masks ?? { codes: null, isColoured: false });
}

/** Labels that the model has a class for. */
function askedLabels(maps: ClassMaps, { ignoredLabel, classOffset }: Preprocessing) {
  const ignored = ignoredLabel ?? null;
  const first = Math.max(0, -classOffset);
  switch (maps.kind) {
    case 'scores':
      return { ignored, first, end: maps.classes - classOffset };
    case 'one-score':
      return { ignored, first, end: 2 - classOffset };
    case 'numbers':
      return { ignored, first, end: null };
  }
}

/**
 * The answer in the labels' numbering.
 * @param shown the image that a mask belongs to; null: the answer is the picture that the model saw
 */
export function answerOf(
  { scores }: Inference,
  maps: ClassMaps,
  preprocessing: Preprocessing,
  { width, height }: Size,
  shown: Size | null,
): ClassMask {
  const { classOffset, ignoredLabel } = preprocessing;
  const share = shown === null ? WHOLE : seenPart(shown, preprocessing);
  const part = {
    left: share.left * width,
    top: share.top * height,
    width: share.width * width,
    height: share.height * height,
  };
  const never = ignoredLabel === undefined ? null : ignoredLabel + classOffset;
  const answer = answerMask(maps, scores, { width, height }, part, never);
  if (classOffset === 0) return answer;
  const classes = answer.classes.map((each) =>
    each === NO_ANSWER || each < classOffset ? NO_ANSWER : each - classOffset,
  );
  return { ...answer, classes };
}

interface Size {
  readonly width: number;
  readonly height: number;
}

const WHOLE = { left: 0, top: 0, width: 1, height: 1 };
