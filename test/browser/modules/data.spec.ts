import { expect, test } from '@playwright/test';
import { deflateSync } from 'node:zlib';
import { crc32 } from '../../../src/data/crc32.ts';
import { fromBase64, golden } from '../../fixtures/data/read.ts';
import type * as Scenarios from './data-scenarios.ts';
import { openBlankPage, runInPage } from './in-page.ts';

const path = '/data-scenarios.js';
type Module = typeof Scenarios;

interface DecodeCase {
  readonly name: string;
  readonly file: string;
  readonly width: number;
  readonly height: number;
  readonly rgb: string;
  readonly tolerance: number;
}

const samples = golden<DecodeCase[]>('decode.json');

test.beforeEach(({ page }) => openBlankPage(page));

test('images decode as in Pillow', async ({ page }) => {
  const decoded = await runInPage<Module, 'decodeAll'>(page, path, 'decodeAll', samples);
  for (const { name, rgb, tolerance } of samples) {
    const expected = fromBase64(rgb);
    const found = decoded[name] ?? [];
    expect(found, name).toHaveLength(expected.length);
    const worst = expected.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (found[i] as number))),
      0,
    );
    expect(worst, name).toBeLessThanOrEqual(tolerance);
  }
});

test('a broken image is named, and what was wrong', async ({ page }) => {
  const png = Buffer.from(samples[0]?.file ?? '', 'base64')
    .subarray(0, 30)
    .toString('base64');
  const message = await runInPage<Module, 'decodeOne'>(page, path, 'decodeOne', {
    name: 'broken.png',
    file: png,
  });
  expect(message).toMatch(/^image-broken: broken\.png: cannot be decoded as image\/png/);
});

test('an image that promises gigapixels is refused before decoding', async ({ page }) => {
  const message = await runInPage<Module, 'decodeOne'>(page, path, 'decodeOne', {
    name: 'huge.png',
    file: Buffer.from(greyPng(60_000, 60_000)).toString('base64'),
  });
  expect(message).toMatch(/^image-too-big: huge\.png: 60000 x 60000/);
});

test('the bundled images open in the worker', async ({ page }) => {
  const { dataset, packBytes, bytes, progress, preview, beyond } = await runInPage<Module, 'openSample'>(
    page,
    path,
    'openSample',
  );
  expect(dataset.items).toHaveLength(450);
  expect(dataset.classNames).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
  for (let label = 0; label < 10; label++) {
    expect(dataset.items.filter((item) => item.label === label)).toHaveLength(45);
  }
  expect(dataset.warnings).toEqual([]);
  expect(packBytes).toBe(bytes);
  expect(progress.at(-1)).toBe(450);
  expect(preview.ok && preview.value.tensor.dims).toEqual([1, 3, 32, 32]);
  expect(preview.ok && preview.value.original.width).toBe(32);
  expect(beyond.ok ? '' : beyond.failure.code).toBe('image-missing');
});

/** A sound PNG header and a first row; nobody should look further. */
function greyPng(width: number, height: number): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = 8;
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Buffer.alloc(width + 1))),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, checksum]);
}
