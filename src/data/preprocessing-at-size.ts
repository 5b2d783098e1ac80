import type { CountedSize } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Dataset } from './dataset.ts';
import { guessPreprocessing } from './guess-preprocessing.ts';
import type { Preprocessing } from './preprocessing.ts';

/**
 * How images are prepared at another size of an input that leaves it open: cropped or stretched as suits that size,
 * with numbers as they are known.
 * @throws InputError `model-no-image-input`
 */
export function preprocessingAtSize(
  view: GraphView,
  dataset: Dataset,
  known: Preprocessing,
  size: CountedSize,
): Preprocessing {
  const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null, size);
  const { scale, mean, std, dataType, channelOrder, invert, classOffset } = known;
  return { ...preprocessing, scale, mean, std, dataType, channelOrder, invert, classOffset };
}
