import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import { memorySource, type ByteSource } from '../onnx/byte-source.ts';
import { ARCHIVE_LIMITS, isClutter, isZip, openZip } from './archive.ts';
import type { Dataset, DatasetItem, ImageSize } from './dataset.ts';
import { idxImageSize, isIdx, parseIdx, type IdxFile } from './idx.ts';
import { gunzip } from './inflate.ts';
import { labelsFromCsv, labelsFromFolders, sharedFolders, type Labels } from './labels.ts';
import { type ClassList, isClassListName, parseClassList } from './masks/class-list.ts';
import { type NamedFile, pairMasks } from './masks/pair-masks.ts';
import { compareNaturally } from './natural-order.ts';
import { imageSizeFromHeader, sniffImage } from './sniff-image.ts';

export interface OpenedDataset {
  readonly dataset: Dataset;
  /** The pack's bytes, in order: `items[i]` is a range of their concatenation. */
  readonly chunks: readonly Uint8Array[];
}

/**
 * Recognises images and labels in what a user gave: a zip or the files of a folder with one folder per class
 * or a CSV of file and label, MNIST's IDX files (gzipped or not), or plain images. Formats are told by their
 * magic bytes, not their names.
 * @param files paths with forward slashes
 * @param name of the dataset, for people
 * @param onProgress files read so far, of how many
 * @throws InputError `dataset-empty`, `dataset-no-images`, `dataset-too-big`, those of archives, labels and IDX
 */
export function openDataset(
  files: readonly { readonly path: string; readonly source: ByteSource }[],
  name: string,
  onProgress: (done: number, total: number) => void = () => {},
): OpenedDataset {
  const listed = listFiles(files);
  const found = readFiles(listed.files, onProgress);
  const warnings = [...listed.warnings, ...found.warnings];
  const opened = found.idx.length > 0 ? fromIdx(found.idx) : fromImages(found.images, found.tables, name);
  const { items, chunks } = opened;
  const { classColours } = opened;
  const dataset: Dataset = {
    id: contentId(items, chunks, classColours),
    name,
    items,
    classNames: opened.classNames,
    ...(classColours && { classColours }),
    labelSource: opened.labelSource,
    warnings: [...warnings, ...opened.warnings],
    imageSize: firstImageSize(items, chunks),
  };
  return { dataset, chunks };
}

/** One file among many, read only when asked. */
interface ListedFile {
  readonly path: string;
  readonly bytes: number;
  readonly read: () => Uint8Array;
}

interface Found {
  readonly images: readonly NamedFile[];
  readonly tables: readonly NamedFile[];
  readonly idx: readonly { readonly path: string; readonly file: IdxFile }[];
  readonly warnings: readonly string[];
}

/** A dataset without its name and id. */
interface Opened {
  readonly items: readonly DatasetItem[];
  readonly chunks: readonly Uint8Array[];
  readonly classNames: readonly string[];
  readonly classColours?: readonly number[];
  readonly labelSource: Dataset['labelSource'];
  readonly warnings: readonly string[];
}

/** All files, those inside zips and gzips included, in natural order of their paths. */
function listFiles(files: readonly { readonly path: string; readonly source: ByteSource }[]): {
  files: readonly ListedFile[];
  warnings: readonly string[];
} {
  const listed: ListedFile[] = [];
  const warnings: string[] = [];
  for (const { path, source } of files) {
    if (isClutter(path)) continue;
    if (isZip(source)) {
      const archive = openZip(source, path);
      warnings.push(...archive.warnings);
      // Several archives side by side: each one's name is a folder, so that equal paths stay apart.
      const folder = files.length === 1 ? '' : `${path.replace(/\.zip$/i, '')}/`;
      for (const entry of archive.entries) listed.push({ ...entry, path: folder + entry.path });
    } else {
      listed.push({ path, bytes: source.size, read: () => source.read(0, source.size) });
    }
  }
  const totalBytes = listed.reduce((sum, file) => sum + file.bytes, 0);
  if (totalBytes > ARCHIVE_LIMITS.maxTotalBytes) {
    throw new InputError({
      code: 'dataset-too-big',
      message: `the images hold ${formatBytes(totalBytes)}, more than the limit of ${formatBytes(ARCHIVE_LIMITS.maxTotalBytes)}`,
      hint: 'Open a part of them: a few hundred images are enough for a study.',
    });
  }
  if (listed.length === 0) {
    throw new InputError({
      code: 'dataset-empty',
      message: `${files[0]?.path ?? 'the folder'}: holds no files`,
      hint: 'Open a zip or a folder with images in it.',
    });
  }
  return { files: listed, warnings };
}

/** Reads every file once, in the order they lie on disk, and sorts them by what they are. */
function readFiles(files: readonly ListedFile[], onProgress: (done: number, total: number) => void): Found {
  const images: NamedFile[] = [];
  const tables: NamedFile[] = [];
  const idx: { path: string; file: IdxFile }[] = [];
  const skipped = new Map<string, string[]>();
  const skip = (why: string, path: string) => skipped.set(why, [...(skipped.get(why) ?? []), path]);
  files.forEach((file, i) => {
    if (i % 50 === 0) onProgress(i, files.length);
    const { path, bytes } = withoutGzip(file.path, file.read());
    const sniffed = sniffImage(bytes);
    if (sniffed.kind === 'image') images.push({ path, bytes });
    else if (sniffed.kind === 'unsupported') skip(`${sniffed.format}, which browsers do not show`, path);
    else if (isIdx(bytes)) idx.push({ path, file: parseIdx(bytes, path) });
    else if (/\.(csv|tsv)$/i.test(path) || isClassListName(path)) tables.push({ path, bytes });
    else if (isZip(memorySource(bytes))) skip('an archive inside an archive', path);
    else if (bytes.length === 0) skip('empty', path);
    else if (/\.(jpe?g|png|webp|gif|bmp|avif)$/i.test(path)) skip('not an image in spite of the name', path);
    else skip('not an image', path);
  });
  onProgress(files.length, files.length);
  const warnings = [...skipped].map(
    ([why, paths]) =>
      `left out ${paths.length} ${paths.length === 1 ? 'file' : 'files'} (${why}): ${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ', …' : ''}`,
  );
  if (images.length === 0 && idx.length === 0) {
    throw new InputError({
      code: 'dataset-no-images',
      message: `no images among ${files.length} ${files.length === 1 ? 'file' : 'files'}; ${warnings[0] ?? ''}`,
      hint: 'Images may be JPEG, PNG, WebP, GIF, BMP, AVIF or MNIST’s IDX files.',
    });
  }
  images.sort((a, b) => compareNaturally(a.path, b.path));
  return { images, tables, idx, warnings };
}

function withoutGzip(path: string, bytes: Uint8Array): NamedFile {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return { path, bytes };
  const unpacked = gunzip(memorySource(bytes), ARCHIVE_LIMITS.maxEntryBytes, path);
  if (/\.(tgz|tar\.gz)$/i.test(path)) {
    throw new InputError({
      code: 'archive-tar',
      message: `${path}: is a tar archive`,
      where: path,
      hint: 'Unpack it and open the folder, or pack it as a zip.',
    });
  }
  return { path: path.replace(/\.gz$/i, ''), bytes: unpacked };
}

function fromImages(images: readonly NamedFile[], tables: readonly NamedFile[], name: string): Opened {
  const paired = pairMasks(images);
  const maskOf = new Map(paired?.images.map((image, at) => [image, paired.masks[at] ?? null]));
  const chosen = chooseImages(paired?.images ?? images);
  const masks = chosen.images.flatMap((image) => maskOf.get(image) ?? []);
  const paths = chosen.images.map((image) => image.path);
  const lists = tables.flatMap((table) => {
    const list = parseClassList(table);
    return list ? [{ table, list }] : [];
  });
  const list = bestList(lists.map((each) => each.list));
  const isTable = ({ path }: NamedFile) => /\.(csv|tsv)$/i.test(path);
  const ofFiles = tables.filter((table) => isTable(table) && !lists.some((each) => each.table === table));
  const { labels, labelSource } = masks.length > 0 ? MASKED : labelsOf(paths, ofFiles);
  let offset = 0;
  let maskOffset = chosen.images.reduce((sum, { bytes }) => sum + bytes.length, 0);
  const items = chosen.images.map((image, i): DatasetItem => {
    const { path, bytes } = image;
    const mask = maskOf.get(image) ?? null;
    const sniffed = sniffImage(bytes);
    if (sniffed.kind !== 'image') throw new Error(`Assertion failed: ${path} was an image before`);
    const item: DatasetItem = {
      name: path,
      label: labels.labels[i] ?? null,
      ...(mask && { mask: { name: mask.path, offset: maskOffset, length: mask.bytes.length } }),
      offset,
      length: bytes.length,
      encoding: { kind: 'encoded', mediaType: sniffed.mediaType },
    };
    offset += bytes.length;
    maskOffset += mask?.bytes.length ?? 0;
    return item;
  });
  const unlabelled =
    labelSource === 'none'
      ? [`${name}: no labels found, so agreement with the original model takes the place of accuracy`]
      : [];
  return {
    items,
    chunks: [...chosen.images, ...masks].map(({ bytes }) => bytes),
    classNames: labels.classNames.length > 0 ? labels.classNames : (list?.names ?? []),
    ...(masks.length > 0 && list?.colours && { classColours: list.colours }),
    labelSource,
    warnings: [...(paired?.warnings ?? []), ...chosen.warnings, ...labels.warnings, ...unlabelled],
  };
}

/** The one that tells most. */
function bestList(lists: readonly ClassList[]): ClassList | null {
  return lists.find(({ colours }) => colours !== null) ?? lists[0] ?? null;
}

/** Masks take the place of labels. */
const MASKED: { labels: Labels; labelSource: Dataset['labelSource'] } = {
  labels: { labels: [], classNames: [], warnings: [] },
  labelSource: 'masks',
};

/** Of `train`, `val` and `test` folders the one nearest to a test. */
function chooseImages(images: readonly NamedFile[]): {
  images: readonly NamedFile[];
  warnings: readonly string[];
} {
  const depth = sharedFolders(images.map((image) => image.path));
  const topOf = (path: string) => {
    const parts = path.split('/').slice(depth);
    return parts.length > 1 ? (parts[0] as string).toLowerCase() : '';
  };
  const tops = [...new Set(images.map((image) => topOf(image.path)))];
  const only = (kept: string, why: string) => ({
    images: images.filter((image) => topOf(image.path) === kept),
    warnings: [why],
  });
  const splits = SPLITS.filter((split) => tops.includes(split));
  if (splits.length === tops.length && tops.length > 1) {
    return only(splits[0] as string, `of the folders ${tops.join(', ')} only ${splits[0]} is used`);
  }
  return { images, warnings: [] };
}

/** From the most to the least like a test. */
const SPLITS = ['test', 'testing', 'val', 'valid', 'validation', 'train', 'training'];

function labelsOf(
  paths: readonly string[],
  tables: readonly NamedFile[],
): { labels: Labels; labelSource: Dataset['labelSource'] } {
  let refusal: unknown = null;
  for (const table of tables) {
    try {
      const labels = labelsFromCsv(new TextDecoder().decode(table.bytes), table.path, paths);
      return { labels, labelSource: 'csv' };
    } catch (thrown) {
      if (!(thrown instanceof InputError)) throw thrown;
      refusal ??= thrown;
    }
  }
  // A single class folder is as likely just a folder.
  const fromFolders = labelsFromFolders(paths);
  if (fromFolders !== null) return { labels: fromFolders, labelSource: 'folders' };
  if (refusal !== null) throw refusal;
  return { labels: { labels: [], classNames: [], warnings: [] }, labelSource: 'none' };
}

/** Pairs image files (rank 3 or 4) with label files (rank 1). */
function fromIdx(files: Found['idx']): Opened {
  const imageFiles = files.filter(({ file }) => idxImageSize(file) !== null);
  const labelFiles = files.filter(({ file }) => file.dims.length === 1);
  const images = imageFiles.find(({ path }) => !isTraining(path)) ?? imageFiles[0];
  if (images === undefined) {
    throw new InputError({
      code: 'idx-no-images',
      message: `${files[0]?.path}: holds labels; its images are missing`,
      hint: 'Open the images file (…-images-idx3-ubyte) together with it.',
    });
  }
  const labels =
    labelFiles.find(({ path }) => pairKey(path) === pairKey(images.path)) ??
    (labelFiles.length === 1 && imageFiles.length === 1 ? labelFiles[0] : undefined);
  const count = images.file.dims[0] as number;
  if (labels !== undefined && labels.file.values.length !== count) {
    throw new InputError({
      code: 'idx-counts-differ',
      message: `${images.path} holds ${count} images, ${labels.path} ${labels.file.values.length} labels`,
      where: labels.path,
      hint: 'Give the labels that belong to these images (t10k with t10k, train with train).',
    });
  }
  const size = idxImageSize(images.file) as { width: number; height: number; channels: 1 | 3 };
  const length = size.width * size.height * size.channels;
  const warnings =
    imageFiles.length > 1 ? [`of ${imageFiles.length} image files only ${images.path} is used`] : [];
  const values = labels?.file.values;
  return {
    items: Array.from({ length: count }, (_, i) => ({
      name: `#${i}`,
      label: values?.[i] ?? null,
      offset: i * length,
      length,
      encoding: { kind: 'pixels', ...size },
    })),
    chunks: [images.file.values],
    classNames:
      values === undefined
        ? []
        : Array.from({ length: values.reduce((a, b) => Math.max(a, b), 0) + 1 }, (_, label) => String(label)),
    labelSource: values === undefined ? 'none' : 'idx',
    warnings,
  };
}

function isTraining(path: string): boolean {
  return /train/i.test(path.split('/').at(-1) as string);
}

/** What an images file and its labels file have in common: `t10k-images-idx3-ubyte` and `t10k-labels-idx1-ubyte`. */
function pairKey(path: string): string {
  return path
    .toLowerCase()
    .replace(/images?|labels?/g, '')
    .replace(/idx\d/g, '');
}

function firstImageSize(items: readonly DatasetItem[], chunks: readonly Uint8Array[]): ImageSize | null {
  const first = items[0];
  if (first === undefined) return null;
  if (first.encoding.kind === 'encoded') return imageSizeFromHeader(chunks[0] as Uint8Array);
  const { width, height, channels } = first.encoding;
  return { width, height, channels };
}

/** The same images with the same names and labels have the same id, whatever archive they came in. */
function contentId(
  items: readonly DatasetItem[],
  chunks: readonly Uint8Array[],
  classColours: readonly number[] | undefined,
): string {
  const hash = sha256.create();
  const encoder = new TextEncoder();
  for (const item of items) {
    const { name, label, length, encoding, mask } = item;
    const masked = mask ? [mask.name, mask.length] : [];
    hash.update(encoder.encode(JSON.stringify([name, label, length, encoding, ...masked])));
  }
  if (classColours) hash.update(encoder.encode(JSON.stringify(classColours)));
  for (const chunk of chunks) hash.update(chunk);
  return bytesToHex(hash.digest());
}
