import { readFileSync } from 'node:fs';
import { unzipSync, zipSync } from 'fflate';
import { parseStudy } from '../../../src/study/study-json.ts';
import { expect, test, textOf } from './lab-page.ts';

/** One image of each class, which has 45: the software adapter is slow. */
function fewImages(): Uint8Array {
  const all = unzipSync(readFileSync(new URL('../../../public/samples/digits.zip', import.meta.url)));
  const numberOf = (path: string) => Number(/(\d+)\.png$/.exec(path)?.[1]);
  return zipSync(Object.fromEntries(Object.entries(all).filter(([path]) => numberOf(path) % 45 === 0)));
}

test('a study on WebGPU completes, and predicts what WebAssembly does', async ({ lab, page }) => {
  await lab.visit();
  await lab.openImages({ name: 'few.zip', bytes: fewImages() });
  await lab.showData();
  await expect(page.getByText('10 images · labels from the folders')).toBeVisible();
  await lab.closeDialog();
  await lab.chooseOnly('exit 1');
  for (const provider of ['webgpu', 'wasm']) {
    await lab.show('Run');
    await page.getByLabel('Run on').selectOption(provider);
    await lab.measure();
  }
  await lab.show('Front');
  const file = await lab.download(page.getByRole('button', { name: 'study.json', exact: true }));
  const { trials } = parseStudy(textOf(file));
  expect(trials).toHaveLength(2);
  for (const trial of trials) expect(trial.state).toEqual({ kind: 'done' });
  const [first, second] = trials;
  expect(new Set([first?.strategy.provider, second?.strategy.provider])).toEqual(new Set(['wasm', 'webgpu']));
  expect(first?.predictions?.top1).toHaveLength(10);
  expect(first?.predictions?.top1).toEqual(second?.predictions?.top1);
  expect(first?.predictions?.top5).toEqual(second?.predictions?.top5);
  for (const [i, confidence] of (first?.predictions?.confidence ?? []).entries())
    expect(confidence).toBeCloseTo(second?.predictions?.confidence[i] ?? Number.NaN, 3);
});
