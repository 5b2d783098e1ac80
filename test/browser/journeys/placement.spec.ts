import { defined } from '../../../src/base/assert.ts';
import { parseStrategies } from '../../../src/study/strategies-file.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { expect, test, textOf } from './lab-page.ts';

test('a profiled model predicts each cut while it is dragged, and a placement is measured, emulated and marked', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.show('Run');
  await lab.press(lab.button('Profile on this device'));
  await expect(lab.button('Profile again')).toBeVisible({ timeout: 60_000 });

  await lab.show('Graph');
  const colours = page.getByTestId('graph-canvas').getByRole('combobox').first();
  await colours.selectOption('measured ms');
  await lab.press(page.getByTestId('add-cut'));
  const handle = page.getByTestId('cut-handle');
  await expect(handle).toContainText(/[\d.]+ ms/);

  // Every step of the keyboard's cut is told with its own prediction, at once.
  await handle.press('ArrowDown');
  const stepping = await handle.textContent();
  await handle.press('ArrowDown');
  await expect.poll(() => handle.textContent()).not.toBe(stepping);
  await expect(handle).toContainText(/[\d.]+ ms/);
  await handle.press('Enter');
  const told = /([\d.]+ ms)/.exec((await handle.textContent()) ?? '')?.[1];

  if (lab.isPhone) {
    // A thumb on the chart along the graph moves the cut there.
    const chart = page.getByRole('slider', { name: 'Predicted time of every cut, mobile → edge' });
    const before = await handle.getAttribute('aria-valuetext');
    const { x, y, width, height } = defined(await chart.boundingBox(), 'chart');
    await page.touchscreen.tap(x + 0.9 * width, y + height / 2);
    await expect.poll(() => handle.getAttribute('aria-valuetext')).not.toBe(before);
    await page.keyboard.press('Control+z');
    await expect.poll(() => handle.getAttribute('aria-valuetext')).toBe(before);
  }

  // The panel predicts for all six placements; the tag's is that of mobile to edge.
  await lab.show('Run');
  const row = (name: string) => page.getByRole('row').filter({ hasText: name });
  await expect(page.getByRole('radio', { name: /mobile|edge|cloud/ })).toHaveCount(6);
  await expect(row('mobile → edge')).toContainText(told ?? 'nothing');
  await lab.press(lab.button('Add mobile → edge to the study'));
  await lab.dismissNotices();
  const box = page.getByRole('checkbox', { name: /^Measure .* @ mobile-edge$/ });
  await expect(box).toBeVisible();

  // What follows is the same at any size, by mouse and by thumb.
  if (lab.isPhone) return;

  const name = (await box.getAttribute('aria-label'))?.replace(/^Measure /, '') ?? '';
  await lab.chooseOnly('identity', name);
  await lab.measure();

  await lab.show('Run');
  await expect(row('mobile → edge').getByRole('cell').last()).toContainText(/[\d.]+ ms/);
  await expect(
    page.getByText(/^Predicted [\d.]+ ms, measured [\d.]+ ms \(median\): [+−±]\d+ %\.$/),
  ).toBeVisible();
  await lab.show('Front');
  await expect(page.getByRole('button', { name: /@ mobile-edge: .*, emulated$/ })).toBeVisible();
  await expect(page.getByText(/^emulated: other tiers and links/)).toBeVisible();
  const file = await lab.download(page.getByRole('button', { name: 'study.json', exact: true }));
  const study = parseStudy(textOf(file));
  const placed = study.trials.find(({ strategy }) => strategy.placement !== undefined);
  expect(placed?.strategy.placement?.name).toBe('mobile-edge');
  const samples = placed?.samples ?? [];
  expect(samples.length).toBeGreaterThan(0);
  for (const { segmentMs, emulated } of samples) {
    expect(segmentMs).toHaveLength(2);
    const [head = 0, tail = 0] = segmentMs;
    expect(emulated?.computeMs).toBeCloseTo(head + tail / 4, 6);
    expect(emulated?.transferBytes).toBe(samples[0]?.emulated?.transferBytes);
    expect(emulated?.transferBytes).toBeGreaterThan(0);
    // Five milliseconds of round trip, one more or less, and the bytes at 200 Mbit/s.
    const sendMs = (8 * (emulated?.transferBytes ?? 0)) / 200_000;
    expect(Math.abs((emulated?.transferMs ?? 0) - 5 - sendMs)).toBeLessThanOrEqual(1 + 1e-9);
  }
  expect(study.trials.find(({ strategy }) => !strategy.placement)?.samples[0]?.emulated).toBeUndefined();
  expect(placed?.predicted?.basis).toBe('nodes');
  expect(study.profiles?.[0]?.nodeMs.length).toBeGreaterThan(10);

  // What is exported is the very strategy, tiers and links included, wherever the file is measured.
  await lab.show('Run');
  const recipes = await lab.download(lab.button('Export all'));
  const exported = parseStrategies(JSON.parse(textOf(recipes))).find(({ placement }) => placement !== null);
  const { modelId, provider, threads, id } = defined(placed, 'the placed trial').strategy;
  const same = makeStrategy(
    modelId,
    defined(exported, 'a placed recipe'),
    provider,
    threads,
    exported?.placement,
  );
  expect(same.id).toBe(id);

  // As if this study came from another device: it stands for a tier with what it measured.
  await lab.show('Run');
  await lab.press(page.getByText('Tiers and links', { exact: true }));
  const edge = page.getByRole('group', { name: 'edge', exact: true });
  const ofOther = study.trials.map((trial) => ({
    ...trial,
    strategy: { ...trial.strategy, modelId: 'other' },
  }));
  const other = { ...study, modelId: 'other', modelName: 'cats.onnx', trials: ofOther };
  const strange = { name: 'cats.json', bytes: new TextEncoder().encode(JSON.stringify(other)) };
  await lab.pick(edge.getByRole('button', { name: /study\.json/ }), [strange]);
  await expect(lab.notice('found a study about cats.onnx, wanted one about digits.onnx')).toBeVisible();
  await lab.dismissNotices();
  await lab.pick(edge.getByRole('button', { name: /study\.json/ }), [file]);
  await expect(edge).toContainText('2 recipes as they ran there; others by what its nodes took there');
  await lab.dismissNotices();
  // On such a tier nothing was measured yet.
  await expect(row('mobile → edge').getByRole('cell').last()).toHaveText('–');

  // Without the memory for its part the nearest cut that fits is one press away.
  await edge.getByLabel('memory in MB').fill('2');
  await edge.getByLabel('memory in MB').press('Enter');
  await expect(row('mobile → edge')).toContainText('no memory');
  await lab.press(page.getByRole('button', { name: /^Cut .*: it fits$/ }));
  await expect(row('mobile → edge')).not.toContainText('no memory');
});

test('the graph that a recipe makes can be looked at beside the original @desktop', async ({ lab, page }) => {
  await lab.visit();
  await lab.show('Graph');
  const canvas = page.getByTestId('graph-canvas');
  const graphs = canvas.getByRole('combobox').nth(1);
  await expect(canvas.getByRole('combobox')).toHaveCount(1);
  await lab.press(page.getByTestId('add-cut'));
  await graphs.selectOption('this variant');
  await expect(canvas).toHaveAttribute('data-model', 'digits-head.onnx');
  await expect(page.getByTestId('graph-note')).toHaveText(
    /^Nodes: \d+ as before · \d+ of the original in other files/,
  );
  await expect(page.getByTestId('add-cut')).toHaveCount(0);
  await graphs.selectOption('digits-tail.onnx');
  await expect(canvas).toHaveAttribute('data-model', 'digits-tail.onnx');
  await graphs.selectOption('original');
  await expect(canvas).toHaveAttribute('data-model', 'digits.onnx');
  await expect(page.getByTestId('cut-handle')).toBeVisible();
});
