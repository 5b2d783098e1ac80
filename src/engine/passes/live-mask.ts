import type { DecodedImage } from '../../data/dataset.ts';
import type { ClassMask } from '../../study/segmentation/packed-mask.ts';
import type { Inference } from '../segment-runner.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';
import { answerOf, mapsOf } from './mask-answers.ts';

/** More is not seen over a moving picture, and takes longer than many a model. */
const MOST_PIXELS = 100_000;

/**
 * The classes of a frame's pixels, in the frame's proportions; none where a crop did not show them to the model.
 * @throws InputError `not-segmentation`
 */
export function liveMask(inference: Inference, engine: LoadedStrategy, frame: DecodedImage): ClassMask {
  const { preprocessing, data } = engine.request;
  const maps = mapsOf(inference, engine, data.dataset.masks !== undefined);
  const scale = Math.min(
    1,
    Math.sqrt(Math.min(MOST_PIXELS, maps.width * maps.height) / (frame.width * frame.height)),
  );
  const size = {
    width: Math.max(1, Math.round(scale * frame.width)),
    height: Math.max(1, Math.round(scale * frame.height)),
  };
  return answerOf(inference, maps, preprocessing, size, frame);
}
