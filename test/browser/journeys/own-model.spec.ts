import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Locator } from '@playwright/test';
import { zipSync } from 'fflate';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { bandModel, bandPng, idxFiles } from '../../fixtures/bands.ts';
import { tokensAndNumbers, withOpenSize } from '../../fixtures/open-models.ts';
import { expect, type Lab, readCsv, test, textOf, type TestFile } from './lab-page.ts';

const bands: TestFile = { name: 'bands.onnx', bytes: bandModel() };

/** Two images of each row; the last of them is in the wrong folder. */
const rows = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4];
const labelOf = (index: number) => (index === rows.length - 1 ? 0 : (rows[index] ?? 0));

function zipOf(name: string, files: readonly (readonly [string, Uint8Array])[]): TestFile {
  return { name, bytes: zipSync(Object.fromEntries(files)) };
}

const folders = zipOf(
  'folders.zip',
  rows.map((row, i) => [`set/${labelOf(i)}/${i}.png`, bandPng(row, i)]),
);
const withCsv = zipOf('listed.zip', [
  ...rows.map((row, i) => [`images/${i}.png`, bandPng(row, i)] as const),
  [
    'labels.csv',
    new TextEncoder().encode(`file,label\n${rows.map((row, i) => `images/${i}.png,${row}\n`).join('')}`),
  ],
]);
const unlabelled = zipOf(
  'photos.zip',
  rows.map((row, i) => [`${i}.png`, bandPng(row, i)]),
);

/** Where the table shows a strategy's quality. */
async function quality(lab: Lab, strategy: string): Promise<Locator> {
  await lab.closeDialog();
  await lab.show('Front');
  return lab.page
    .getByRole('row')
    .filter({ has: lab.page.getByRole('button', { name: strategy, exact: true }) })
    .getByRole('cell')
    .nth(2);
}

test('an own model is measured on images labelled by folders, a table, an IDX file, and not at all', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.openModel(bands);
  await expect(lab.modelButton()).toContainText('bands');

  await lab.openImages(folders);
  await lab.showData();
  await expect(page.getByText('10 images · labels from the folders')).toBeVisible();
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^90\.0 %/);

  await lab.openImages(withCsv);
  await lab.showData();
  await expect(page.getByText('10 images · labels from the CSV')).toBeVisible();
  await lab.closeDialog();
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^100\.0 %/);

  const idx = idxFiles([0, 1, 2, 3, 4]);
  await lab.openImages(
    { name: 't-images-idx3-ubyte', bytes: idx.images },
    { name: 't-labels-idx1-ubyte', bytes: idx.labels },
  );
  await lab.showData();
  await expect(page.getByText('5 images · labels from the IDX file')).toBeVisible();
  await lab.closeDialog();
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^100\.0 %/);

  await lab.openImages(unlabelled);
  await lab.showData();
  await expect(page.getByText(/10 images · no labels: agreement/)).toBeVisible();
  await lab.closeDialog();
  await lab.chooseOnly('identity', 'int8');
  await lab.measure();
  await expect(await quality(lab, 'int8')).toHaveText(/^100\.0 %/);
  await expect(page.getByRole('columnheader', { name: 'agrees' })).toBeVisible();
});

test('what the network sees is shown, and every part of the guess can be changed', async ({ lab, page }) => {
  await lab.visit();
  await lab.openModel(bands);
  await expect(lab.modelButton()).toContainText('bands');
  await lab.openImages(folders);
  await lab.showData();
  const seen = page.locator('figcaption').filter({ hasText: '…' });
  await expect(seen).toContainText('[1, 1, 8, 8] · 0.08 … 0.86');
  await lab.press(page.getByLabel('Invert: dark becomes bright'));
  await expect(seen).toContainText('0.14 … 0.92');
  await page.getByLabel('Values').selectOption({ label: '0 … 255' });
  await expect(seen).toContainText('35.00 … 235.00');
  await lab.press(lab.button('Guess again'));
  await expect(seen).toContainText('0.08 … 0.86');
  await expect(page.getByLabel('Invert: dark becomes bright')).not.toBeChecked();
  const picture = page.getByRole('img', { name: /as the network sees it/ });
  expect(await picture.evaluate((canvas: HTMLCanvasElement) => [canvas.width, canvas.height])).toEqual([
    8, 8,
  ]);
  // Another image, another view of it.
  await lab.press(page.getByRole('region', { name: 'Images' }).getByRole('button').last());
  await expect(page.getByText(/^set\/4\/8\.png/).first()).toBeVisible();
  // An inverted image has its brightest row elsewhere: the change must reach the engine.
  await lab.press(page.getByLabel('Invert: dark becomes bright'));
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^[0-4]?\d\.\d %/);
});

test('labels of a thousand classes fit a model of a thousand and one', async ({ lab, page }) => {
  await lab.visit();
  await lab.openModel({ name: 'background.onnx', bytes: bandModel(1001, 1) });
  await expect(lab.modelButton()).toContainText('background');
  await lab.openImages(withCsv);
  await lab.showData();
  const offset = page.getByLabel('Class number of the first label');
  await expect(offset).toHaveValue('1');
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^100\.0 %/);

  await lab.showData();
  await offset.fill('0');
  await offset.press('Enter');
  await lab.closeDialog();
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^0\.0 %/);
});

test('a model and images dropped on the page open together', async ({ lab, page }) => {
  await lab.visit();
  await lab.drop([bands, folders], () => expect(page.getByText(/^Drop a model, images/)).toBeVisible());
  await expect(page.getByText(/^Drop a model, images/)).toHaveCount(0);
  await expect(lab.modelButton()).toContainText('bands');
  await lab.showData();
  await expect(page.getByText('10 images · labels from the folders')).toBeVisible();
});

test('a model comes from an address that was typed, and only from there', async ({ lab, page, outside }) => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    if (!request.url?.endsWith('.onnx')) return response.writeHead(404).end();
    const isOpen = request.url.startsWith('/open/');
    response.writeHead(200, isOpen ? { 'Access-Control-Allow-Origin': '*' } : {});
    return response.end(bands.bytes);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  outside.push(origin);
  try {
    await lab.visit();
    expect(asked).toEqual([]);
    await lab.press(lab.modelButton());
    const address = page.getByLabel('Address of a model');
    await address.fill(`${origin}/closed/bands.onnx`);
    await lab.press(lab.button('Fetch'));
    const notice = page.getByRole('log').filter({ hasText: 'bands.onnx could not be loaded' });
    await expect(notice).toContainText('does not let other sites read this file');
    await expect(notice).toContainText('open it from disk');
    await address.fill(`${origin}/open/bands.onnx`);
    await lab.press(lab.button('Fetch'));
    await expect(lab.modelButton()).toContainText('bands');
    expect(asked).toEqual(['GET /closed/bands.onnx', 'GET /open/bands.onnx']);
  } finally {
    server.close();
  }
  // The browser reports the refused one on the console; that is no problem of the lab.
  lab.problems.splice(
    0,
    lab.problems.length,
    ...lab.problems.filter((text) => !/CORS|ERR_FAILED/.test(text)),
  );
});

test('an architecture of the gallery is measured, and says that its weights are random', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.press(lab.modelButton());
  await lab.press(lab.button(/^MobileNetV3 small/i));
  await expect(lab.modelButton()).toContainText('mobilenet_v3_small');
  await lab.press(lab.modelButton());
  await expect(
    page.getByRole('dialog').getByText(/^Random weights: size and latency only, no accuracy/),
  ).toBeVisible();
  await lab.closeDialog();
  // Labels mean nothing to random weights: agreement with the unchanged model is told, no accuracy.
  await lab.openImages(folders);
  await lab.closeDialog();
  await lab.chooseOnly('identity', 'int8');
  await lab.measure();
  await expect(await quality(lab, 'identity')).toHaveText(/^100\.0 %/);
  await expect(page.getByRole('columnheader', { name: 'agrees' })).toBeVisible();
  await expect(lab.points()).toHaveCount(2);
  const note = 'Random weights: size and latency only, no accuracy.';
  await expect(page.getByText(note, { exact: true })).toBeVisible();
  const trials = readCsv(textOf(await lab.download(lab.button('trials.csv'))));
  for (const row of trials) {
    expect(row.get('warnings')).toContain(note);
    expect(row.get('accuracy_top1')).toBe('');
  }
});

test('a model of open size is counted at the size of its images', async ({ lab, page }) => {
  const sample = new URL('../../../public/samples/digits.onnx', import.meta.url);
  const digits = parseModel(memorySource(new Uint8Array(readFileSync(sample))), 'digits.onnx');
  await lab.visit();
  await lab.press(lab.modelButton());
  const macs = page
    .getByRole('definition')
    .filter({ hasText: /^[\d.]+ [kMG]$/ })
    .first();
  const counted = await macs.textContent();
  await lab.closeDialog();
  await lab.openModel({ name: 'open.onnx', bytes: modelToBytes(withOpenSize(digits)) });
  await expect(lab.modelButton()).toContainText('open');
  await lab.press(lab.modelButton());
  await expect(macs).toHaveText(counted ?? '');
  await lab.closeDialog();
  await lab.showData();
  await page.getByLabel('Width', { exact: true }).fill('64');
  await page.getByLabel('Width', { exact: true }).press('Enter');
  await lab.closeDialog();
  await lab.press(lab.modelButton());
  await expect(macs).not.toHaveText(counted ?? '');
  await expect(page.getByText(/is counted as \[1, 3, 32, 64\]$/)).toBeVisible();
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
});

test('a model without an image input is measured with random ones', async ({ lab, page }) => {
  await lab.visit();
  await lab.openModel({ name: 'tokens.onnx', bytes: modelToBytes(tokensAndNumbers) });
  await expect(lab.notice('tokens.onnx is measured with random inputs')).toContainText('2 inputs');
  await lab.showData();
  await page.getByLabel('Length of what else is open').fill('32');
  await page.getByLabel('Length of what else is open').press('Enter');
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  const [trial] = readCsv(textOf(await lab.download(lab.button('trials.csv'))));
  expect(['state', 'dataset', 'agreement'].map((column) => trial?.get(column))).toEqual([
    'done',
    'random inputs',
    '',
  ]);
});
