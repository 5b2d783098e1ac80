import { gzipSync, zipSync } from 'fflate';
import { describe, expect, test } from 'vitest';
import { openDataset } from '../../../src/data/open-dataset.ts';
import { imageSizeFromHeader, sniffImage } from '../../../src/data/sniff-image.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { fixture, fromBase64, golden } from '../../fixtures/data/read.ts';

interface DecodeCase {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
}

const samples = golden<DecodeCase[]>('decode.json');
const png = fromBase64((samples.find((sample) => sample.name === 'rgb.png') as DecodeCase).file);
const encoder = new TextEncoder();

type Tree = Readonly<Record<string, Uint8Array>>;

/** Opens files as a folder. */
function openFolder(tree: Tree) {
  return openDataset(
    Object.entries(tree).map(([path, bytes]) => ({ path, source: memorySource(bytes) })),
    'test',
  );
}

/** Opens the same files as one zip. */
function openZipped(tree: Tree) {
  return openDataset([{ path: 'set.zip', source: memorySource(zipSync(tree)) }], 'test');
}

function openFixtures(...names: string[]) {
  return openDataset(
    names.map((name) => ({ path: name, source: fixture(name) })),
    'test',
  );
}

function labelsByName(opened: ReturnType<typeof openDataset>): Record<string, number | null> {
  return Object.fromEntries(opened.dataset.items.map((item) => [item.name, item.label]));
}

describe('a folder per class', () => {
  const tree = { 'set/b/1.png': png, 'set/a/2.png': png, 'set/a/10.png': png };

  test('a zip and a folder give the same dataset', () => {
    const zipped = openZipped(tree);
    expect(zipped.dataset).toEqual(openFolder(tree).dataset);
    expect(labelsByName(zipped)).toEqual({ 'set/a/2.png': 0, 'set/a/10.png': 0, 'set/b/1.png': 1 });
    expect(zipped.dataset.labelSource).toBe('folders');
    expect(zipped.dataset.imageSize).toEqual({ width: 24, height: 17, channels: 3 });
  });

  test('items are ranges of the pack', () => {
    const { dataset, chunks } = openZipped(tree);
    const pack = Buffer.concat(chunks);
    for (const item of dataset.items) {
      expect(new Uint8Array(pack.subarray(item.offset, item.offset + item.length))).toEqual(png);
    }
  });

  test('the id follows names, labels and bytes', () => {
    const ids = [
      tree,
      { ...tree, 'set/c/1.png': png },
      { 'set/b/1.png': png, 'set/a/2.png': png, 'set/b/10.png': png },
      { ...tree, 'set/b/1.png': fromBase64((samples[1] as DecodeCase).file) },
    ].map((files) => openFolder(files).dataset.id);
    expect(new Set(ids).size).toBe(4);
    expect(ids[0]).toMatch(/^[0-9a-f]{64}$/);
  });

  test('of train and test folders the test is used', () => {
    const opened = openFolder({
      'd/train/x/1.png': png,
      'd/train/y/1.png': png,
      'd/test/x/2.png': png,
      'd/test/y/3.png': png,
    });
    expect(labelsByName(opened)).toEqual({ 'd/test/x/2.png': 0, 'd/test/y/3.png': 1 });
    expect(opened.dataset.warnings).toHaveLength(1);
  });
});

describe('a table of labels', () => {
  test('wins over folders', () => {
    const opened = openZipped({
      'a/1.png': png,
      'b/2.png': png,
      'labels.csv': encoder.encode('file,label\na/1.png,7\nb/2.png,8'),
    });
    expect(labelsByName(opened)).toEqual({ 'a/1.png': 7, 'b/2.png': 8 });
    expect(opened.dataset.labelSource).toBe('csv');
  });

  test('that names no image of a flat folder is refused', () => {
    expect(() => openFolder({ '1.png': png, 'labels.csv': encoder.encode('file,label\nx.png,7') })).toThrow(
      /none of its 1 files/,
    );
  });
});

describe('without labels', () => {
  test('images are numbered and agreement is announced', () => {
    const { dataset } = openFolder({ '1.png': png, '2.png': png });
    expect(dataset.labelSource).toBe('none');
    expect(dataset.warnings).toEqual([expect.stringContaining('agreement')]);
  });

  test('masks are not images', () => {
    const { dataset } = openZipped({ 'images/1.png': png, 'masks/1.png': png });
    expect(dataset.items.map((item) => item.name)).toEqual(['images/1.png']);
    expect(dataset.items[0]?.mask?.name).toBe('masks/1.png');
    expect(dataset.labelSource).toBe('masks');
  });

  test('a single image is a dataset', () => {
    expect(openFolder({ 'photo.jpeg': png }).dataset.items).toHaveLength(1);
  });
});

describe('IDX', () => {
  test('images and labels, gzipped or not, zipped or not', () => {
    const { dataset, chunks } = openFixtures('t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz');
    expect(dataset.items).toHaveLength(12);
    expect(dataset.items[11]).toEqual({
      name: '#11',
      label: 1,
      offset: 220,
      length: 20,
      encoding: { kind: 'pixels', width: 4, height: 5, channels: 1 },
    });
    expect(chunks[0]).toHaveLength(240);
    expect(dataset.labelSource).toBe('idx');
  });

  test('labels of another count are refused', () => {
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 5, 6);
    const images = Uint8Array.of(0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 99);
    expect(() => openFolder({ 'images-idx3': images, 'labels-idx1': labels })).toThrow(
      /1 images, .* 2 labels/,
    );
    expect(() => openFolder({ 'labels-idx1': labels })).toThrow(/its images are missing/);
    expect(() => openFolder({ 'images-idx3': images.subarray(0, 16) })).toThrow(/promises 1 x 1 x 1/);
  });

  test('dimensions that promise gigabytes allocate nothing', () => {
    const header = Uint8Array.of(0, 0, 8, 3, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255);
    expect(() => openFolder({ 'images-idx3': header })).toThrow(/promises/);
  });
});

describe('bad input', () => {
  test('what is left out is named with its reason', () => {
    const { dataset } = openFolder({
      'a.png': png,
      'b.tif': encoder.encode('II*\0 tiff'),
      'c.png': encoder.encode('<html>'),
      'd.zip': zipSync({ 'x.png': png }),
      'e.txt': encoder.encode('hello'),
      '.hidden.png': png,
    });
    expect(dataset.items.map((item) => item.name)).toEqual(['a.png', 'd/x.png']);
    expect(dataset.warnings.join('\n')).toMatch(/TIFF.*b\.tif/);
    expect(dataset.warnings.join('\n')).toMatch(/in spite of the name.*c\.png/);
  });

  test.each([
    ['empty.zip', /holds no files/],
    ['no-images.zip', /no images among 1 file/],
  ])('%s', (name, message) => {
    expect(() => openFixtures(name)).toThrow(message);
  });

  test('an archive inside an archive is not opened', () => {
    const { dataset } = openZipped({ 'a.png': png, 'inner.zip': zipSync({ 'x.png': png }) });
    expect(dataset.warnings.join()).toContain('an archive inside an archive');
  });

  test('a tar archive is named', () => {
    expect(() => openFolder({ 'set.tar.gz': gzipSync(new Uint8Array(600)) })).toThrow(/tar archive/);
  });

  test('a truncated gzip file is damaged', () => {
    const packed = gzipSync(png).subarray(0, 60);
    expect(() => openFolder({ 'a.gz': packed })).toThrow(/damaged data/);
  });

  test('progress ends at the total', () => {
    const seen: [number, number][] = [];
    openDataset([{ path: 'x.png', source: memorySource(png) }], 'x', (done, total) =>
      seen.push([done, total]),
    );
    expect(seen.at(-1)).toEqual([1, 1]);
  });
});

describe('headers', () => {
  test.each(samples)('$name tells its size', ({ file, width, height, name }) => {
    const bytes = fromBase64(file);
    expect(sniffImage(bytes).kind).toBe('image');
    const channels = name.startsWith('grey') || name.startsWith('one-bit') ? 1 : 3;
    expect(imageSizeFromHeader(bytes)).toEqual({ width, height, channels });
  });

  test('cut off anywhere, a header gives a size, nothing, and no error', () => {
    for (const { file } of samples) {
      const bytes = fromBase64(file);
      for (let length = 0; length < Math.min(bytes.length, 700); length++) {
        expect(() => imageSizeFromHeader(bytes.subarray(0, length))).not.toThrow();
      }
    }
  });
});
