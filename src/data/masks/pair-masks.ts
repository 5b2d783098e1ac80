/** A file of a dataset, in memory. */
export interface NamedFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface PairedMasks {
  /** Images, without the files that are masks. */
  readonly images: readonly NamedFile[];
  /** Mask of each image; null where it has none. */
  readonly masks: readonly (NamedFile | null)[];
  readonly warnings: readonly string[];
}

/**
 * Finds the masks among pictures: in a folder beside the images' one (`masks`, `annotations`, `SegmentationClass`, …),
 * or beside each image by their names (`street_mask.png`). They belong to the image of the same folder and stem, or,
 * where that is unique, of the same stem.
 * @returns null if no picture looks like a mask
 */
export function pairMasks(pictures: readonly NamedFile[]): PairedMasks | null {
  const isMask = maskTest(pictures);
  const candidates = pictures.filter(({ path }) => isMask(path));
  const images = pictures.filter(({ path }) => !isMask(path));
  if (candidates.length === 0 || images.length === 0) return null;
  const byKey = new Map<string, NamedFile>();
  const byStem = new Map<string, NamedFile | null>();
  for (const mask of candidates) {
    byKey.set(keyOf(mask.path), mask);
    const stem = stemOf(mask.path);
    byStem.set(stem, byStem.has(stem) ? null : mask);
  }
  const stems = new Map<string, number>();
  for (const { path } of images) stems.set(stemOf(path), (stems.get(stemOf(path)) ?? 0) + 1);
  const masks = images.map(({ path }) => {
    const same = byKey.get(keyOf(path));
    const stem = stemOf(path);
    return same ?? (stems.get(stem) === 1 ? (byStem.get(stem) ?? null) : null);
  });
  const used = new Set(masks);
  const without = images.filter((_, at) => masks[at] === null);
  const left = candidates.filter((mask) => !used.has(mask));
  return {
    images,
    masks,
    warnings: [
      ...(used.size === (used.has(null) ? 1 : 0)
        ? [`none of the ${candidates.length} masks has the name of an image, so the images are unlabelled`]
        : []),
      ...counted(without, 'images without a mask of the same name'),
      ...counted(left, 'masks without an image of the same name, left out'),
    ],
  };
}

const IMAGE_FOLDERS = new Set(['images', 'image', 'imgs', 'img', 'jpegimages', 'leftimg8bit', 'photos']);
const MASK_FOLDERS = new Set([
  'masks',
  'mask',
  'annotations',
  'annotation',
  'annots',
  'segmentationclass',
  'segmentationclassaug',
  'segmentations',
  'gt',
  'gtfine',
  'groundtruth',
  'ground_truth',
  'labels',
  'label',
]);
/** Folders of masks beside one of images for each part of a data set: `val_labels`, `testannot`. */
const SPLIT_MASKS =
  /^(train|training|val|valid|validation|test|testing)[_-]?(masks?|annot|annotations?|labels?|gt)$/;

function isMaskFolder(folder: string): boolean {
  return MASK_FOLDERS.has(folder) || SPLIT_MASKS.test(folder);
}

/** What names of masks end in, and what those of images may. */
const MASK_ENDING =
  /[_-](masks?|gt|seg|segmentation|annotation|labels?|labelids|gtfine_labelids|gtfine_labeltrainids|labeltrainids|l)$/i;
const IMAGE_ENDING = /[_-](leftimg8bit|image|img|rgb)$/i;

/** Which paths are masks: those in a folder of masks, where there are others, or those named like one beside its image. */
function maskTest(pictures: readonly NamedFile[]): (path: string) => boolean {
  const folders = (path: string): readonly string[] => path.toLowerCase().split('/').slice(0, -1);
  const inMasks = (path: string): boolean =>
    folders(path).some(isMaskFolder) && !folders(path).some((folder) => IMAGE_FOLDERS.has(folder));
  const keys = new Set(pictures.filter(({ path }) => !inMasks(path)).map(({ path }) => plainKey(path)));
  // A class may be called `label`: only a folder that has something to belong to is one of masks.
  const stems = new Set(pictures.filter(({ path }) => !inMasks(path)).map(({ path }) => stemOf(path)));
  const hasFolder =
    pictures.some(({ path }) => folders(path).some((folder) => IMAGE_FOLDERS.has(folder))) ||
    pictures.some(({ path }) => inMasks(path) && stems.has(stemOf(path)));
  return (path) =>
    (hasFolder && inMasks(path)) ||
    (/\.png$/i.test(path) && MASK_ENDING.test(bare(path)) && keys.has(keyOf(path)));
}

function bare(path: string): string {
  return path.replace(/\.[^./]+$/, '');
}

/** The path without its ending, and without folders that only tell images from masks. */
function plainKey(path: string): string {
  return bare(path)
    .toLowerCase()
    .split('/')
    .map((part, at, parts) => (at === parts.length - 1 ? part : part.replace(SPLIT_MASKS, '$1')))
    .filter(
      (part, at, parts) => at === parts.length - 1 || !(IMAGE_FOLDERS.has(part) || MASK_FOLDERS.has(part)),
    )
    .join('/')
    .replace(IMAGE_ENDING, '');
}

function keyOf(path: string): string {
  return plainKey(path).replace(MASK_ENDING, '');
}

function stemOf(path: string): string {
  return (keyOf(path).split('/').at(-1) as string).trim();
}

function counted(files: readonly NamedFile[], what: string): readonly string[] {
  if (files.length === 0) return [];
  const names = files.slice(0, 3).map(({ path }) => path);
  return [`${files.length} ${what}: ${names.join(', ')}${files.length > 3 ? ', …' : ''}`];
}
