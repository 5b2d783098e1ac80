import { seededRandom } from '../base/random.ts';
import type { Dataset, DatasetItem, ImageSize } from './dataset.ts';

/**
 * Unlabelled images of uniform noise, for measuring the latency and size of a model one has no images for. What a
 * model says about noise is worth nothing, and the dataset's warnings say so.
 * @returns the dataset and its pack
 */
export function noiseDataset(
  { width, height, channels }: ImageSize,
  count = 16,
): { dataset: Dataset; pack: Uint8Array<ArrayBuffer> } {
  const length = width * height * channels;
  const pack = new Uint8Array(length * count);
  const random = seededRandom(1);
  for (let i = 0; i < pack.length; i++) pack[i] = random() * 256;
  const items = Array.from(
    { length: count },
    (_, index): DatasetItem => ({
      name: `noise ${index}`,
      label: null,
      offset: index * length,
      length,
      encoding: { kind: 'pixels', width, height, channels },
    }),
  );
  const dataset: Dataset = {
    id: `noise-${width}x${height}x${channels}-${count}`,
    name: `random noise (${count} images)`,
    items,
    classNames: [],
    labelSource: 'none',
    imageSize: { width, height, channels },
    warnings: [
      'These images are synthetic noise: latency and size are real, accuracy and agreement mean nothing.',
    ],
  };
  return { dataset, pack };
}
