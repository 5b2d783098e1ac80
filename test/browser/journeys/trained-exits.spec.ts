import { readFileSync } from 'node:fs';
import { unzipSync, zipSync } from 'fflate';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { splitImages } from '../../../src/study/evaluation-images.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { parseHeads } from '../../../src/transforms/exits/trained-head.ts';
import { openDataset } from '../../../src/data/open-dataset.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { expect, type Lab, readCsv, test, textOf } from './lab-page.ts';

const zip = readFileSync(new URL('../../../public/samples/digits.zip', import.meta.url));

/** Labels of the bundled images, by the order in which the lab has them. */
function sampleLabels(): readonly (number | null)[] {
  const files = [{ path: 'digits.zip', source: memorySource(zip) }];
  return openDataset(files, 'digits.zip').dataset.items.map(({ label }) => label);
}

const trainButton = (lab: Lab, name: RegExp = /^Train \d+ exits? (on \d+ images|again)$/) => lab.button(name);

/** Drags the palette's exit onto the graph, by mouse or thumb. */
async function dropExit(lab: Lab, share: number): Promise<void> {
  const { page } = lab;
  const chip = await page.getByTestId('add-tap').boundingBox();
  const graph = await page.getByTestId('graph-canvas').boundingBox();
  if (!chip || !graph) throw new Error('the graph is not in sight');
  const from = { x: chip.x + chip.width / 2, y: chip.y + chip.height / 2 };
  const to = { x: graph.x + graph.width / 2, y: graph.y + share * graph.height };
  if (!lab.isPhone) {
    await page.mouse.move(from.x, from.y);
    await page.mouse.down();
    await page.mouse.move(to.x, to.y, { steps: 8 });
    return page.mouse.up();
  }
  const touches = await page.context().newCDPSession(page);
  const send = (type: 'touchStart' | 'touchMove', x: number, y: number) =>
    touches.send('Input.dispatchTouchEvent', { type, touchPoints: [{ x, y }] });
  await send('touchStart', from.x, from.y);
  for (let step = 1; step <= 8; step++)
    await send('touchMove', from.x + ((to.x - from.x) * step) / 8, from.y + ((to.y - from.y) * step) / 8);
  await touches.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
  await touches.detach();
}

test('exits dropped on the graph are trained on the device, measured, downloaded and opened again', async ({
  lab,
  page,
}) => {
  await lab.visit();
  if (!lab.isPhone) {
    // Measured before there is any trained exit: on all images.
    await lab.chooseOnly('identity');
    await lab.measure();
  }
  const handles = page.getByTestId('tap-handle');
  await dropExit(lab, 0.35);
  await expect(handles).toHaveCount(1);
  await expect(handles.first()).toContainText('not trained');
  await dropExit(lab, 0.75);
  await expect(handles).toHaveCount(2);
  // By keyboard, too: one place on, taken back with Escape, then to the first place of all.
  const place = await handles.first().getAttribute('aria-valuetext');
  await handles.first().focus();
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Escape');
  await expect(handles.first()).toHaveAttribute('aria-valuetext', place ?? '');
  await page.keyboard.press('Home');
  await page.keyboard.press('Enter');
  await expect(handles.first()).toHaveAttribute('aria-valuenow', '1');

  await lab.show('Recipe');
  await expect(lab.button('Add to study')).toBeDisabled();
  await expect(page.getByRole('status').filter({ hasText: 'not trained yet' })).toBeVisible();
  const labels = sampleLabels();
  const { training, evaluation } = splitImages(labels);
  await lab.press(lab.button(`Train 2 exits on ${training.length} images`));
  await expect(page.getByRole('progressbar')).toBeVisible();
  await expect(trainButton(lab, /^Train 2 exits again$/)).toBeVisible({ timeout: 60_000 });
  const trained = page.getByRole('list', { name: 'What the exits can do' }).getByRole('listitem');
  await expect(trained).toHaveCount(2);
  await expect(trained.first()).toContainText(/Exit 1: \d+(\.\d+)? %/);
  await expect(trained.first().getByRole('img', { name: /^Learning curve: \d+ steps/ })).toBeVisible();

  // What was learned is a file like any other.
  const heads = parseHeads(textOf(await lab.download(lab.button('heads.json'))));
  const [first, second] = heads.map(({ training: { validationAccuracy } }) => validationAccuracy);
  expect(heads.map(({ training: { targetSource } }) => targetSource)).toEqual(['labels', 'labels']);
  // The first convolution's means know nothing of a digit; two thirds through the network nearly everything.
  expect(first).toBeLessThan(second ?? 0);
  expect(second, 'far above chance').toBeGreaterThan(0.6);

  // What follows is the same at any size, by mouse and by thumb.
  if (lab.isPhone) return;

  await lab.press(lab.button('Add to study'));
  await lab.show('Run');
  const names = await page
    .getByRole('checkbox', { name: /^Measure / })
    .evaluateAll((boxes) =>
      boxes.map((box) => box.getAttribute('aria-label')?.replace(/^Measure /, '') ?? ''),
    );
  const own = names.find((name) => name.startsWith('trained exits')) ?? '';
  await lab.chooseOnly('identity', own);
  await lab.measure();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(2);
  const study = parseStudy(
    textOf(await lab.download(page.getByRole('button', { name: 'study.json', exact: true }))),
  );
  for (const { predictions, strategy, state } of study.trials) {
    expect(state.kind, strategy.name).toBe('done');
    expect(predictions?.imageIndices, 'no image that trained an exit').toEqual(
      evaluation.filter((image) => predictions?.imageIndices.includes(image)),
    );
    expect(predictions?.imageIndices.length).toBeGreaterThan(evaluation.length / 2);
  }
  const [a, b] = study.trials.map(({ predictions }) => predictions?.imageIndices);
  expect(a, 'all strategies on the same images').toEqual(b);
  const dynamic = study.trials.find(({ strategy }) => strategy.name === own);
  expect(
    new Set(dynamic?.samples.map(({ exitIndex }) => exitIndex)).size,
    'some leave early',
  ).toBeGreaterThan(1);

  // Thresholds of trained exits are tried without running anything, then confirmed.
  await lab.press(lab.button('Run all exits once'));
  await expect(lab.button('Learn thresholds')).toBeVisible({ timeout: 60_000 });
  const shares = page.getByTestId('threshold-shares');
  await page.getByLabel('Leave at exit 1 from').fill('0.01');
  await expect(shares).toHaveText(/^exit 1 100\.0 %/);
  await page.getByLabel('Leave at exit 1 from').fill('1.01');
  await page.getByLabel('Leave at exit 2 from').fill('0.9');
  await expect(shares).toHaveText(/^exit 1 0\.0 %exit 2 [\d.]+ %to the end [\d.]+ %$/);
  await lab.press(lab.button('Confirm these by measuring'));
  await lab.studyIsDone();
  await lab.show('Front');
  const rows = readCsv(textOf(await lab.download(lab.button('trials.csv'))));
  const [confirmed] = rows.filter((row) => row.get('predicted_top1') !== '');
  expect(confirmed?.get('accuracy_top1')).toBe(confirmed?.get('predicted_top1'));

  // An ordinary ONNX model: any runtime runs it.
  await lab.show('Recipe');
  const file = await lab.download(lab.button('Download with exits'));
  expect(file.name).toBe('digits-exits.onnx');
  const session = await InferenceSession.create(file.bytes);
  const exits = heads.map(({ value }) => `exit_${value}`);
  expect(session.outputNames).toEqual(expect.arrayContaining(exits));
  const input = new Tensor('float32', new Float32Array(3 * 32 * 32).fill(0.5), [1, 3, 32, 32]);
  const outputs = await session.run({ [session.inputNames[0] ?? '']: input });
  for (const exit of exits) expect(outputs[exit]?.dims).toEqual([1, 10]);
  await session.release();

  // Trained once: a reload finds the heads.
  await lab.isKept();
  await page.reload();
  await expect(lab.measureButton()).toBeEnabled({ timeout: 30_000 });
  await lab.show('Recipe');
  await expect(trainButton(lab, /^Train 2 exits again$/)).toBeVisible();

  await lab.press(lab.button('Open with exits'));
  await expect(lab.modelButton()).toContainText('digits-exits');
  await lab.show('Graph');
  await expect(page.getByTestId(/^exit-\d+$/)).toHaveCount(4);
});

test('a training can be cancelled and begun again @desktop', async ({ lab, page }) => {
  await lab.visit();
  await lab.show('Graph');
  await lab.press(page.getByTestId('add-tap'));
  await lab.show('Recipe');
  await lab.press(trainButton(lab));
  await lab.press(lab.button('Cancel the training'));
  await expect(trainButton(lab)).toHaveText(/^Train 1 exit on/);
  await expect(lab.button('Add to study')).toBeDisabled();
  await lab.press(trainButton(lab));
  await expect(lab.button('Train 1 exit again')).toBeVisible({ timeout: 60_000 });
  await lab.press(lab.button('Remove Early exits'));
  await expect(page.getByTestId('tap-handle')).toHaveCount(0);
});

test('without labels an exit learns what the whole model predicts @desktop', async ({ lab, page }) => {
  const images = Object.entries(unzipSync(zip)).flatMap(([path, bytes]) =>
    path.endsWith('.png') ? [{ name: path.replaceAll('/', '-'), bytes }] : [],
  );
  await lab.visit();
  await lab.openImages(...images);
  await lab.closeDialog();
  await lab.show('Graph');
  await lab.press(page.getByTestId('add-tap'));
  await lab.show('Recipe');
  await lab.press(lab.button(`Train 1 exit on ${images.length / 2} images`));
  await expect(lab.button('Train 1 exit again')).toBeVisible({ timeout: 60_000 });
  const told = page.getByRole('list', { name: 'What the exits can do' });
  await expect(told).toContainText('as the whole model');
  const [, percent = ''] = /Exit 1: ([\d.]+) %/.exec((await told.textContent()) ?? '') ?? [];
  expect(Number(percent), 'far above chance').toBeGreaterThan(50);
});

test('images that cannot be decoded and classes with too few images are told about, with two ways out @desktop', async ({
  lab,
  page,
}) => {
  // Twelve images of each digit but of the zero, of which there are three.
  const counts = new Map<string, number>();
  const entries = Object.entries(unzipSync(zip)).filter(([path]) => {
    const [, digit] = /(\d)\/\d+\.png$/.exec(path) ?? [];
    if (digit === undefined) return false;
    counts.set(digit, (counts.get(digit) ?? 0) + 1);
    return (counts.get(digit) ?? 0) <= (digit === '0' ? 3 : 12);
  });
  const open = (files: typeof entries) => {
    const source = memorySource(zipSync(Object.fromEntries(files)));
    return openDataset([{ path: 'few.zip', source }], 'few.zip').dataset.items;
  };
  const items = open(entries);
  const { training } = splitImages(items.map(({ label }) => label));
  const broken = training.map((image) => items[image]).find((item) => item?.label === 3)?.name;
  const files = entries.map(([path, bytes]): (typeof entries)[number] => [
    path,
    path === broken ? bytes.slice(0, 60) : bytes,
  ]);
  await lab.visit();
  await lab.openImages({ name: 'few.zip', bytes: zipSync(Object.fromEntries(files)) });
  await lab.closeDialog();
  await lab.press(page.getByTestId('add-tap'));
  await lab.press(trainButton(lab));
  const refused = page.getByRole('alert').filter({ hasText: 'too few training images of class 0' });
  await expect(refused).toBeVisible({ timeout: 30_000 });
  await lab.press(lab.button('Train without these classes'));
  const told = page.getByRole('list', { name: 'What the exits can do' });
  await expect(told).toContainText('never chooses 1 of 10 classes', { timeout: 60_000 });
  await expect(told).toContainText('1 left out, which cannot be decoded');
  await expect(refused).toHaveCount(0);
  await lab.press(trainButton(lab, /^Train 1 exit again$/));
  await lab.press(lab.button('Learn the model’s own answers'));
  await expect(told).toContainText('as the whole model', { timeout: 60_000 });
});
