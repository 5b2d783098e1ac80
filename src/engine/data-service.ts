import { transfer } from 'comlink';
import { defined } from '../base/assert.ts';
import { attempt, InputError } from '../base/result.ts';
import type { Dataset } from '../data/dataset.ts';
import { seenByNetwork, tensorFacts, thumbnail } from '../data/input-preview.ts';
import { openDataset, type OpenedDataset } from '../data/open-dataset.ts';
import type { DataApi, InputPreview } from '../protocol/data-api.ts';
import { blobSource } from './blob-source.ts';
import { decodeImage } from './decode-image.ts';

const PREVIEW_SIDE = 256;

/** Opens datasets and shows what a network will see of their images. Keeps nothing between calls. */
export function createDataService(): DataApi {
  return {
    open: (files, name, onProgress) =>
      attempt(async () => {
        const sources = files.map(({ path, file }) => ({ path, source: blobSource(file) }));
        const opened = openDataset(sources, name, onProgress);
        // The bytes are ours and whole: a blob takes them without another copy in this worker.
        const pack = new Blob(opened.chunks as Uint8Array<ArrayBuffer>[]);
        return { dataset: await withMaskFacts(opened, onProgress), pack };
      }),

    mask: ({ dataset, pack }, imageIndex) =>
      attempt(async () => {
        const range = dataset.items[imageIndex]?.mask;
        if (!range) return null;
        const { readMask } = await import('../data/masks/read-mask.ts');
        const bytes = await pack.slice(range.offset, range.offset + range.length).arrayBuffer();
        return readMask(
          new Uint8Array(bytes),
          range.name,
          dataset.masks ?? { codes: null, isColoured: false },
        );
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

/** Most datasets have no masks, so what reads them comes when the first does. */
async function withMaskFacts(
  { dataset, chunks }: OpenedDataset,
  onProgress: (done: number, total: number) => void,
): Promise<Dataset> {
  if (!dataset.items.some(({ mask }) => mask)) return dataset;
  const { describeMasks } = await import('../data/masks/describe-masks.ts');
  const chunkAt = new Map<number, Uint8Array>();
  let offset = 0;
  for (const chunk of chunks) {
    chunkAt.set(offset, chunk);
    offset += chunk.length;
  }
  return describeMasks(dataset, (range) => defined(chunkAt.get(range.offset), 'a chunk'), onProgress);
}
