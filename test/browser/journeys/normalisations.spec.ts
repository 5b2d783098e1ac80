import { readFileSync } from 'node:fs';
import { zipSync } from 'fflate';
import { bandModel, bandPng } from '../../fixtures/bands.ts';
import { pickyDigits } from '../../fixtures/picky-digits.ts';
import { expect, test } from './lab-page.ts';

const sample = new Uint8Array(readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url)));
const picky = { name: 'picky.onnx', bytes: pickyDigits(sample) };

test('labelled images tell which normalisation is right, and what was edited by hand stays', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.openModel(picky);
  await expect(lab.modelButton()).toContainText('picky');
  await lab.showData();
  const scores = page.getByRole('table', { name: /^Normalizations tried on \d+ labelled images/ });
  await expect(scores).toBeVisible({ timeout: 60_000 });
  await expect(scores.getByRole('row', { name: /ImageNet/ })).toContainText('in use');
  await expect(
    page.getByText(/^\d+ of \d+ images right, the best of \d normalizations tried$/),
  ).toBeVisible();

  await lab.press(lab.button('Use pixels as 0..1'));
  await expect(scores.getByRole('row', { name: /pixels as 0\.\.1/ })).toContainText('in use');
  await lab.press(lab.button(/^Try \d normalizations on 32 images$/));
  await expect(page.getByText(/^Trying \d normalizations/)).toBeVisible();
  await lab.press(lab.button('Cancel'));
  await expect(scores).toHaveCount(0);
  await lab.press(lab.button(/^Try \d normalizations on 32 images$/));
  await expect(scores).toBeVisible({ timeout: 60_000 });
  await expect(scores.getByRole('row', { name: /pixels as 0\.\.1/ })).toContainText('in use');

  // Known scores are not found out again, neither by guessing again nor after a reload.
  await lab.press(lab.button('Guess again'));
  await expect(scores.getByRole('row', { name: /ImageNet/ })).toContainText('in use');
  await lab.isKept();
  await page.reload();
  await lab.showData();
  await expect(scores.getByRole('row', { name: /ImageNet/ })).toContainText('in use');
});

test('labels that the model has no class for block measuring and say why', async ({ lab, page }) => {
  const files = [0, 1, 7].map((label) => [`${label}/image.png`, bandPng(0, label)] as const);
  const bytes = zipSync({
    ...Object.fromEntries(files),
    'labels.csv': new TextEncoder().encode(files.map(([name]) => `${name},${name[0]}\n`).join('')),
  });
  await lab.visit();
  await lab.openModel({ name: 'bands.onnx', bytes: bandModel() });
  await lab.openImages({ name: 'too-many.zip', bytes });
  await lab.showData();
  const reason = /label 7, but bands\.onnx has the classes 0 to 4/;
  await expect(page.getByRole('alert').filter({ hasText: reason })).toBeVisible();
  await lab.closeDialog();
  await lab.show('Run');
  await lab.press(lab.measureButton());
  await expect(lab.notice(reason)).toBeVisible();
});
