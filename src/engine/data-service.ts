import { transfer } from 'comlink';
import { attempt, InputError } from '../base/result.ts';
import { seenByNetwork, tensorFacts, thumbnail } from '../data/input-preview.ts';
import { openDataset } from '../data/open-dataset.ts';
import type { DataApi, InputPreview } from '../protocol/data-api.ts';
import { blobSource } from './blob-source.ts';
import { decodeImage } from './decode-image.ts';

const PREVIEW_SIDE = 256;

/** Opens datasets and shows what a network will see of their images. Keeps nothing between calls. */
export function createDataService(): DataApi {
  return {
    open: (files, name, onProgress) =>
      attempt(() => {
        const sources = files.map(({ path, file }) => ({ path, source: blobSource(file) }));
        const { dataset, chunks } = openDataset(sources, name, onProgress);
        // The bytes are ours and whole: a blob takes them without another copy in this worker.
        return { dataset, pack: new Blob(chunks as Uint8Array<ArrayBuffer>[]) };
      }),

    preview: async ({ dataset, pack }, imageIndex, preprocessing) => {
      const result = await attempt(async (): Promise<InputPreview> => {
        const item = dataset.items[imageIndex];
        if (item === undefined) {
          throw new InputError({
            code: 'image-missing',
            message: `image ${imageIndex} does not exist; ${dataset.name} has ${dataset.items.length}`,
          });
        }
        const image = await decodeImage(pack, item);
        return {
          imageName: item.name,
          label: item.label,
          original: thumbnail(image, PREVIEW_SIDE),
          seen: seenByNetwork(image, preprocessing),
          tensor: tensorFacts(image, preprocessing),
        };
      });
      if (!result.ok) return result;
      const { original, seen } = result.value;
      return transfer(result, [original.rgba.buffer, seen.rgba.buffer]);
    },
  };
}
