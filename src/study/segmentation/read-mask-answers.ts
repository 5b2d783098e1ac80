import {
  count,
  exitPlace,
  imagePlace,
  list,
  nullable,
  object,
  optional,
  type Reader,
  refuse,
  text,
} from '../json-reader.ts';
import type { ClassPixels, MaskAnswers, PackedMask } from '../trial.ts';
import { unpackMask } from './packed-mask.ts';

/** Four numbers a class, of pixels that cannot be more than there are. */
const readClassPixels: Reader<ClassPixels> = (json, path) => {
  const pixels = list(count)(json, path);
  for (let at = 0; at < pixels.length; at += 4) {
    const [, both = 0, answered = -1, labelled = -1] = pixels.slice(at, at + 4);
    if (both > Math.min(answered, labelled))
      refuse(both, path, 'at most the pixels answered and labelled so');
  }
  return pixels;
};

const readPackedMask: Reader<PackedMask> = (json, path) => {
  const mask = object<PackedMask>({ width: count, height: count, runs: text })(json, path);
  if (unpackMask(mask) === null)
    refuse(mask.runs.length, path, `runs of ${mask.width} x ${mask.height} pixels`);
  return mask;
};

const readMaskLists = object<MaskAnswers>({
  imageIndices: list(imagePlace),
  exitIndex: list(nullable(exitPlace)),
  counts: list(nullable(readClassPixels)),
  agreement: optional(list(nullable(readClassPixels))),
  masks: list(nullable(readPackedMask)),
});

/** The answers of a trial that names classes of pixels. */
export const readMaskAnswers: Reader<MaskAnswers> = (json, path) => {
  const answers = readMaskLists(json, path);
  const { imageIndices, exitIndex, counts, agreement = counts, masks } = answers;
  for (const column of [exitIndex, counts, agreement, masks]) {
    if (column.length !== imageIndices.length) refuse(column.length, path, `lists of ${imageIndices.length}`);
  }
  return answers;
};
