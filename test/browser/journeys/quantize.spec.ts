import { readFileSync } from 'node:fs';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { parseCalibrations } from '../../../src/study/calibration-json.ts';
import { expect, test, textOf } from './lab-page.ts';

const sampleModel = readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url));

/** Class scores of noise, in native ONNX Runtime. */
async function scoresOf(bytes: Uint8Array): Promise<number[]> {
  const random = seededRandom(4);
  const image = Float32Array.from({ length: 3 * 32 * 32 }, () => random());
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 4, intraOpNumThreads: 1 });
  const { logits } = await session.run({ image: new Tensor('float32', image, [1, 3, 32, 32]) });
  await session.release();
  if (!(logits?.data instanceof Float32Array)) throw new Error('no scores');
  return [...logits.data];
}

test('a model is calibrated on the open images, which outlasts a reload, and its integer file runs elsewhere @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.show('Recipe');
  await lab.press(lab.button('+ Quantize'));
  await lab.press(lab.button(/^Quantize dynamic int8/));
  const choose = async (field: string, option: string) => {
    const box = page.getByRole('combobox', { name: field, exact: true });
    await box.selectOption(option);
    await expect(box).toHaveValue(option);
  };
  await choose('How', 'static');
  await choose('Form', 'qoperator u8 s8');
  await choose('Ranges', 'percentile');
  await lab.press(lab.button('Calibrate now'));
  const known = page.getByText(/^Calibrated on 128 images: ranges of \d+ values are known/);
  await expect(known).toBeVisible({ timeout: 60_000 });
  const [calibration] = parseCalibrations(textOf(await lab.download(lab.button('Save calibration.json'))));
  expect(calibration).toMatchObject({ images: 128, method: { kind: 'percentile' }, notFinite: [] });

  await lab.isKept();
  await page.reload();
  await lab.show('Recipe');
  await lab.press(lab.button(/^Quantize .*int8/));
  await expect(known).toBeVisible({ timeout: 30_000 });
  await lab.press(lab.button('More about this recipe'));
  const file = await lab.download(page.getByRole('menuitem', { name: /^Download the variant/ }));
  expect(file.bytes.length).toBeLessThan(0.3 * sampleModel.length);
  const { graph } = parseModel(memorySource(file.bytes), file.name);
  expect(graph.nodes.some(({ opType }) => opType === 'QLinearConv')).toBe(true);
  const [float, integer] = [await scoresOf(sampleModel), await scoresOf(file.bytes)];
  const largest = Math.max(...float.map(Math.abs));
  expect(integer.every((score, at) => Math.abs(score - (float[at] ?? 0)) < 0.15 * largest)).toBe(true);
  expect(integer).not.toEqual(float);
});
