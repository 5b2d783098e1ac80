import { existsSync, readFileSync } from 'node:fs';
import { decode } from 'fast-png';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { DecodedImage } from '../../src/data/dataset.ts';
import { describeMasks } from '../../src/data/masks/describe-masks.ts';
import { readMask } from '../../src/data/masks/read-mask.ts';
import { openDataset } from '../../src/data/open-dataset.ts';
import { preprocess } from '../../src/data/preprocess.ts';
import type { Preprocessing } from '../../src/data/preprocessing.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import { answerMask, classMapsOf } from '../../src/study/segmentation/class-maps.ts';
import { countPixels, maskQuality } from '../../src/study/segmentation/class-pixels.ts';
import { golden } from '../fixtures/segmentation/read.ts';

const shared = new URL('../../../shared/', import.meta.url);

interface Camvid {
  /** Of the channels, blue first. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  readonly miou: number;
  readonly iou: readonly number[];
  readonly pixelAccuracy: number;
  readonly images: readonly { readonly name: string; readonly counts: readonly number[] }[];
}

const VOID = 11;

describe.skipIf(!existsSync(shared))('segmentation of street scenes (../shared)', () => {
  it('counts what onnxruntime and numpy count, image by image', async () => {
    const wanted = golden<Camvid>('camvid.json');
    const archive = memorySource(new Uint8Array(readFileSync(new URL('data/camvid-test-40.zip', shared))));
    const opened = openDataset([{ path: 'camvid.zip', source: archive }], 'camvid');
    const pack = Buffer.concat(opened.chunks);
    const bytesOf = ({ offset, length }: { offset: number; length: number }) =>
      new Uint8Array(pack.subarray(offset, offset + length));
    const dataset = describeMasks(opened.dataset, bytesOf);
    expect(dataset.items.map(({ name }) => name)).toEqual(wanted.images.map(({ name }) => name));
    expect(dataset.masks?.classes.at(-1)).toBe(VOID);

    const preprocessing: Preprocessing = {
      inputName: 'input',
      layout: 'NCHW',
      height: 360,
      width: 480,
      channels: 3,
      channelOrder: 'BGR',
      fit: { kind: 'stretch' },
      scale: 1,
      mean: wanted.mean,
      std: wanted.deviation.map((each) => 255 * each),
      dataType: 'float32',
      invert: false,
      classOffset: 0,
      ignoredLabel: VOID,
    };
    const model = new URL('models/camvid_espnet_p2q8.onnx', shared).pathname;
    const session = await InferenceSession.create(model, { logSeverityLevel: 3 });
    const counts: (readonly number[])[] = [];
    for (const item of dataset.items) {
      const { data, dims } = preprocess(rgbaOf(bytesOf(item)), preprocessing);
      const { logits } = await session.run({ input: new Tensor('float32', data as Float32Array, dims) });
      const scores = logits?.data as Float32Array;
      const maps = classMapsOf(logits?.dims ?? [], scores, preprocessing, true);
      const label = readMask(bytesOf(item.mask ?? item), item.name, { codes: null, isColoured: false });
      if (maps === null) throw new Error('no maps of classes');
      const part = { left: 0, top: 0, width: label.width, height: label.height };
      const answer = answerMask(maps, scores, label, part, VOID);
      counts.push(countPixels(label.classes, answer.classes, { ignored: VOID, first: 0, end: 12 }));
    }
    // Kernels differ in the last bits, which decides a few pixels whose scores are all but equal.
    counts.forEach((each, image) => {
      const numpy = wanted.images[image]?.counts ?? [];
      expect(each.length).toBe(numpy.length);
      each.forEach((count, at) => expect(Math.abs(count - (numpy[at] as number))).toBeLessThanOrEqual(3));
    });
    const quality = maskQuality(counts);
    expect(quality?.miou.value).toBeCloseTo(wanted.miou, 4);
    expect(quality?.pixelAccuracy.value).toBeCloseTo(wanted.pixelAccuracy, 5);
    quality?.classes.forEach(({ label, iou }) =>
      expect(iou.value).toBeCloseTo(wanted.iou[label] as number, 4),
    );
  }, 60_000);
});

function rgbaOf(png: Uint8Array): DecodedImage {
  const { width, height, data, channels } = decode(png);
  const rgba = new Uint8Array(4 * width * height);
  for (let at = 0; at < width * height; at++)
    for (let channel = 0; channel < 4; channel++)
      rgba[4 * at + channel] = channel === 3 ? 255 : (data[channels * at + channel] as number);
  return { width, height, rgba };
}
