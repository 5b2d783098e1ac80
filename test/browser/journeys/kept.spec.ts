import { readFileSync } from 'node:fs';
import { gzipSync, zipSync } from 'fflate';
import { openZip } from '../../../src/data/archive.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { studiesInZip } from '../../../src/study/study-archive.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { bandModel, bandPng } from '../../fixtures/bands.ts';
import { expect, readCsv, test, textOf, type TestFile } from './lab-page.ts';

const digits: TestFile = {
  name: 'digits.onnx',
  bytes: new Uint8Array(readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url))),
};
const bands: TestFile = { name: 'bands.onnx', bytes: bandModel() };
const images: TestFile = {
  name: 'bands.zip',
  bytes: zipSync({ 'a.png': bandPng(0, 0), 'b.png': bandPng(1, 1) }),
};

test('what is kept is listed with its size, and goes when it is deleted and not open', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.openModel(bands);
  await lab.openImages(images);
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.isKept();
  await lab.openModel(digits);
  await expect(lab.modelButton()).toContainText('digits');
  await lab.isKept();

  await lab.press(lab.button(/^This device/));
  const kept = page.getByRole('region', { name: 'Kept on this device' });
  await expect(kept.getByRole('progressbar', { name: 'Storage used' })).toBeVisible();
  const row = (name: string) => kept.getByRole('listitem').filter({ hasText: name });
  await expect(row('digits.onnx')).toContainText('open now');
  await expect(row('images · ').filter({ hasText: 'bands.zip' })).toHaveCount(1);
  await expect(row('model · ').filter({ hasText: 'bands.onnx' })).toContainText(/\d (B|kB)/);

  const bin = kept.getByRole('button', { name: 'Delete the model bands.onnx' });
  await lab.press(bin);
  await lab.press(kept.getByRole('button', { name: 'Keep' }));
  await expect(bin).toBeVisible();
  await lab.press(bin);
  await lab.press(kept.getByRole('button', { name: 'Delete for good' }));
  await expect(row('model · ').filter({ hasText: 'bands.onnx' })).toHaveCount(0);
  await lab.press(kept.getByRole('button', { name: 'Delete the study bands on bands.zip' }));
  await lab.press(kept.getByRole('button', { name: 'Delete for good' }));
  await expect(row('study · ')).toHaveCount(0);

  await page.reload();
  await lab.press(lab.button(/^This device/));
  await expect(row('digits.onnx')).toBeVisible();
  await expect(row('bands.onnx')).toHaveCount(0);
});

test('a study that is kept already asks: both, or in its place', async ({ lab, page }) => {
  await lab.visit();
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.show('Front');
  const file = await lab.download(lab.button(/^study\.json$/));
  const list = page.getByRole('region', { name: 'Studies on this device' }).getByRole('listitem');
  const bring = (change: (text: string) => string) =>
    lab.pick(lab.button('Open a study.json'), [
      { name: 'study.json', bytes: new TextEncoder().encode(change(textOf(file))) },
    ]);
  const question = page.getByRole('dialog', { name: 'This study is here already' });

  // The same once more changes nothing, so there is nothing to ask.
  await bring((text) => text);
  await expect(list).toHaveCount(1);
  await expect(question).toHaveCount(0);

  const renamed = (name: string) => (text: string) =>
    text.replace(/"name":"digits on digits.zip"/, `"name":"${name}"`);
  await bring(renamed('from a friend'));
  await lab.press(question.getByRole('button', { name: 'Keep both' }));
  await expect(list).toHaveCount(2);
  await expect(list.filter({ hasText: 'from a friend (copy)' })).toHaveCount(1);
  await expect(lab.points()).toHaveCount(1);

  await bring(renamed('corrected'));
  await lab.press(question.getByRole('button', { name: 'Replace what is kept' }));
  await expect(list.filter({ hasText: 'corrected' })).toHaveCount(1);
  await expect(list).toHaveCount(2);
  await expect(list.filter({ hasText: 'digits on digits.zip' })).toHaveCount(0);

  await bring(renamed('never mind'));
  await lab.press(question.getByRole('button', { name: 'Cancel' }));
  await expect(question).toHaveCount(0);
  await expect(list.filter({ hasText: 'never mind' })).toHaveCount(0);

  // Measured elsewhere, and gzipped on the way: it stands beside the one on screen.
  const elsewhere = textOf(file)
    .replaceAll(parseStudy(textOf(file)).id, 'elsewhere')
    .replaceAll(/"hardwareConcurrency":\d+/g, '"hardwareConcurrency":64');
  const views = page.getByRole('tablist', { name: 'Views of the results' });
  await lab.press(views.getByRole('tab', { name: 'Devices' }));
  const packed = gzipSync(new TextEncoder().encode(elsewhere));
  await lab.pick(lab.button('Open study files'), [
    { name: 'study.json.gz', bytes: packed.slice(0, -200) },
    { name: 'study.json.gz', bytes: packed },
  ]);
  await expect(lab.notice('study.json.gz could not be read')).toContainText('cut off');
  await lab.dismissNotices();
  const strategies = page.getByRole('region', { name: 'Strategies by device' });
  await expect(strategies.getByRole('columnheader', { name: /64 cores/ })).toBeVisible();
  const name = page.getByRole('textbox', { name: /^Name of the device/ }).last();
  await name.fill('workstation');
  await name.press('Enter');
  await expect(strategies.getByRole('columnheader', { name: 'workstation' })).toBeVisible();
  await expect(page.getByText('All devices name the same class')).toBeVisible();
  await expect(page.getByText(/have one strategy in common/)).toBeVisible();
  const rows = readCsv(textOf(await lab.download(lab.button('devices.csv'))));
  expect(rows.map((row) => row.get('device')).at(-1)).toBe('workstation');
  await expect(page.getByRole('figure', { name: 'One front for all devices' }).locator('svg')).toBeVisible();
  // All of it goes home as one file, which holds the study.
  await lab.press(views.getByRole('tab', { name: 'Front' }));
  const { bytes } = await lab.download(lab.button('Everything (ZIP)'));
  const files = openZip(memorySource(bytes), 'all').entries.map((entry) => entry.path);
  expect(files).toEqual(
    expect.arrayContaining(['predictions.csv', 'devices.csv', 'advice.txt', 'pictures/front.svg']),
  );
  const [whole] = studiesInZip(memorySource(bytes), 'all');
  expect(whole?.trials).toEqual(parseStudy(textOf(file)).trials);
});
