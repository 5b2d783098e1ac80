import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openDataset } from '../../src/data/open-dataset.ts';
import { checkRange, type ByteSource } from '../../src/onnx/byte-source.ts';

const folder = new URL('../../../shared/data/', import.meta.url);

/** A file on disk as a source, read piece by piece as the lab does. */
function withFiles<T>(
  names: readonly string[],
  use: (files: { path: string; source: ByteSource }[]) => T,
): T {
  const opened = names.map((name) => ({ name, descriptor: openSync(new URL(name, folder), 'r') }));
  try {
    return use(
      opened.map(({ name, descriptor }) => {
        const { size } = fstatSync(descriptor);
        const read = (offset: number, length: number) => {
          checkRange(offset, length, size);
          const bytes = new Uint8Array(length);
          readSync(descriptor, bytes, 0, length, offset);
          return bytes;
        };
        return { path: name.split('/').at(-1) as string, source: { size, read } };
      }),
    );
  } finally {
    for (const { descriptor } of opened) closeSync(descriptor);
  }
}

function open(...names: string[]) {
  return withFiles(names, (files) => openDataset(files, 'test').dataset);
}

function countLabels(items: readonly { readonly label: number | null }[]): Map<number | null, number> {
  const counts = new Map<number | null, number>();
  for (const { label } of items) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}

describe.skipIf(!existsSync(folder))('shared datasets', () => {
  test('CIFAR-10: a folder per class', () => {
    const { items, classNames, labelSource, imageSize, warnings } = open('cifar10-test-2000.zip');
    expect(items).toHaveLength(2000);
    expect(labelSource).toBe('folders');
    expect(classNames).toEqual([
      'airplane',
      'automobile',
      'bird',
      'cat',
      'deer',
      'dog',
      'frog',
      'horse',
      'ship',
      'truck',
    ]);
    expect([...countLabels(items).values()]).toEqual(Array.from({ length: 10 }, () => 200));
    expect(items[0]).toMatchObject({
      name: 'airplane/0000.jpg',
      label: 0,
      encoding: { mediaType: 'image/jpeg' },
    });
    expect(imageSize).toEqual({ width: 32, height: 32, channels: 3 });
    expect(warnings).toEqual([]);
  });

  test('ImageNet sample: a CSV of file, label and name', () => {
    const { items, classNames, labelSource, warnings } = open('imagenet-sample-200.zip');
    expect(items).toHaveLength(200);
    expect(labelSource).toBe('csv');
    expect(items.find((item) => item.name === 'n01496331_electric_ray.JPEG')?.label).toBe(5);
    expect([...countLabels(items).keys()]).toEqual(Array.from({ length: 200 }, (_, i) => 5 * i));
    expect(classNames[5]).toBe('electric_ray');
    expect(warnings).toEqual([]);
  });

  test('CamVid: images and masks', () => {
    const { items, labelSource, imageSize } = open('camvid-test-40.zip');
    expect(items.length).toBeGreaterThan(30);
    expect(items.every((item) => item.name.startsWith('images/') && item.label === null)).toBe(true);
    expect(items.every((item) => item.mask !== undefined)).toBe(true);
    expect(labelSource).toBe('masks');
    expect(imageSize).toEqual({ width: 480, height: 360, channels: 3 });
  });

  test('MNIST: gzipped IDX', () => {
    const { items, labelSource } = open('mnist/t10k-images-idx3-ubyte.gz', 'mnist/t10k-labels-idx1-ubyte.gz');
    expect(items).toHaveLength(10_000);
    expect(labelSource).toBe('idx');
    // The labels of the first five test digits, as published.
    expect(items.slice(0, 5).map((item) => item.label)).toEqual([7, 2, 1, 0, 4]);
    expect(items[1]).toMatchObject({
      offset: 784,
      length: 784,
      encoding: { width: 28, height: 28, channels: 1 },
    });
  });
});
