import type { Result } from '../base/result.ts';
import type { Dataset } from '../data/dataset.ts';
import type { Mask } from '../data/masks/read-mask.ts';
import type { Preprocessing } from '../data/preprocessing.ts';

/** A dataset with its bytes: what engines need to read images. */
export interface LoadedDataset {
  readonly dataset: Dataset;
  readonly pack: Blob;
}

/** What the network will see of one image. */
export interface InputPreview {
  readonly imageName: string;
  readonly label: number | null;
  /** The original, at most 256 pixels a side. */
  readonly original: {
    readonly width: number;
    readonly height: number;
    readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  };
  /** After fit, channel order and inversion, shown as pixels again (normalisation mapped back to 0..255 by the tensor's own range). */
  readonly seen: {
    readonly width: number;
    readonly height: number;
    readonly rgba: Uint8ClampedArray<ArrayBuffer>;
  };
  readonly tensor: {
    readonly dims: readonly number[];
    readonly min: number;
    readonly max: number;
    readonly mean: number;
  };
}

/** Served by `workers/data.ts` (implementation `src/engine/data-service.ts`). */
export interface DataApi {
  /** A zip, the files of a folder (paths in `name`), IDX files (gzipped or not), or single images, with an optional labels CSV among them. */
  open(
    files: readonly { readonly path: string; readonly file: Blob }[],
    name: string,
    onProgress: (done: number, total: number) => void,
  ): Promise<Result<LoadedDataset>>;
  /** The classes that an image's mask gives to its pixels; null where it has none. */
  mask(loaded: LoadedDataset, imageIndex: number): Promise<Result<Mask | null>>;
  preview(
    loaded: LoadedDataset,
    imageIndex: number,
    preprocessing: Preprocessing,
  ): Promise<Result<InputPreview>>;
}
