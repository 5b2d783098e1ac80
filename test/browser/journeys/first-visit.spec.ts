import { readFileSync } from 'node:fs';
import { unzipSync } from 'fflate';
import { compareDevices } from '../../../src/study/compare/compare-devices.ts';
import { type Comparisons, comparisonsWith } from '../../../src/study/compare/compare-strategies.ts';
import { comparisonSentence } from '../../../src/study/compare/comparison-text.ts';
import { factsOf } from '../../../src/study/compare/strategy-facts.ts';
import { recommend } from '../../../src/study/recommend/recommend.ts';
import { NO_LIMITS } from '../../../src/study/recommend/wishes.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import { firstRoundThatCounts } from '../../fixtures/first-round-that-counts.ts';
import { expect, readCsv, test, textOf } from './lab-page.ts';

/** Labels of the bundled images in the order of the dataset, read from the archive's folders by the test itself. */
const sampleLabels = Object.keys(
  unzipSync(readFileSync(new URL('../../../public/samples/digits.zip', import.meta.url))),
)
  .filter((path) => path.endsWith('.png'))
  .sort()
  .map((path) => Number(path.split('/')[1]));

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

// As people have it: the site is kept while it is used, and answers later visits; engines take all cores.
test.use({ serviceWorkers: 'allow', cores: null });

test('the first visit: one press, points appear one by one, and the numbers can be checked at home @desktop', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await expect(page.getByTestId('graph-canvas')).toHaveAttribute('data-model', 'digits.onnx');
  await expect(page.getByTestId('exit-0')).toBeVisible();

  await lab.press(lab.measureButton());
  await lab.show('Front');
  await expect(lab.points().first()).toBeVisible({ timeout: 60_000 });
  const counts = new Set<number>();
  const done = page.getByText('The study is done');
  while (!(await done.isVisible())) {
    counts.add(await lab.points().count());
    await page.evaluate(() => new Promise(requestAnimationFrame));
  }
  await expect(lab.points()).toHaveCount(11);
  expect(counts.size, 'points appear one by one').toBeGreaterThan(2);
  await lab.dismissNotices();

  const take = async (name: string) => lab.download(page.getByRole('button', { name, exact: true }));
  const study = parseStudy(textOf(await take('study.json')));
  const trials = readCsv(textOf(await take('trials.csv')));
  const samples = readCsv(textOf(await take('samples.csv')));
  expect(study.trials.map(({ state }) => state.kind)).toEqual(study.trials.map(() => 'done'));
  expect(trials).toHaveLength(11);

  for (const row of trials) {
    const name = row.get('strategy');
    const trial = study.trials.find(({ id }) => id === row.get('trial_id'));
    if (!trial?.predictions || !trial.accuracy || !trial.size) throw new Error(`${name} is not complete`);
    // A row of samples.csv for each inference, warm-up apart.
    const mine = samples.filter((sample) => sample.get('trial_id') === trial.id);
    const timed = mine.filter((sample) => sample.get('warm_up') === '0' && sample.get('reference') === '0');
    const late = firstRoundThatCounts(trial);
    expect(timed).toHaveLength((study.protocol.rounds - late) * study.protocol.samplesPerRound);
    const warmedUp = mine.filter((sample) => sample.get('warm_up') === '1');
    expect(warmedUp.length).toBeGreaterThanOrEqual(study.protocol.warmUpRuns);
    if (late === 0) expect(trial.warmUps?.map(({ runs }) => runs)).toEqual([warmedUp.length]);
    expect(Number(row.get('samples'))).toBe(timed.length);
    // The median of the CSVs is one and the same, and what the table shows.
    const medianMs = median(timed.map((sample) => Number(sample.get('compute_ms'))));
    expect(Number(row.get('latency_median_ms'))).toBeCloseTo(medianMs, 3);
    const cell = page
      .getByRole('row')
      .filter({ has: page.getByRole('button', { name: trial.strategy.name, exact: true }) })
      .getByRole('cell')
      .nth(1);
    const digits = medianMs >= 100 ? 0 : medianMs >= 10 ? 1 : 2;
    await expect
      .poll(async () => Math.abs(Number.parseFloat((await cell.textContent()) ?? '') - medianMs), `${name}`)
      .toBeLessThanOrEqual(0.51 * 10 ** -digits);
    // Parts of an inference are not longer than the whole.
    for (const sample of timed) {
      const [compute, total] = [Number(sample.get('compute_ms')), Number(sample.get('total_ms'))];
      expect(compute).toBeGreaterThan(0);
      expect(total).toBeGreaterThanOrEqual(compute);
    }
    // Accuracy is what the predictions and the folders of the archive say.
    const { imageIndices, top1, top5 } = trial.predictions;
    expect(imageIndices).toHaveLength(450);
    const right = imageIndices.filter((image, i) => sampleLabels[image] === top1[i]).length;
    const inFive = imageIndices.filter((image, i) => top5[i]?.includes(sampleLabels[image] ?? -1)).length;
    expect(trial.accuracy).toMatchObject({ images: 450, top1Correct: right, top5Correct: inFive });
    expect(Number(row.get('accuracy_top1'))).toBeCloseTo(right / 450, 5);
  }

  const trialOf = (name: string) => {
    const trial = study.trials.find(({ strategy }) => strategy.name === name);
    if (!trial?.accuracy || !trial.size || !trial.predictions) throw new Error(`no trial ${name}`);
    return { accuracy: trial.accuracy, size: trial.size, predictions: trial.predictions };
  };
  const [whole, first, second] = [trialOf('identity'), trialOf('exit 1'), trialOf('exit 2')];
  expect(first.size.macs).toBeLessThan(second.size.macs);
  expect(second.size.macs).toBeLessThan(whole.size.macs);
  expect(first.size.rawBytes).toBeLessThan(whole.size.rawBytes);
  expect(first.accuracy.top1Correct).toBeLessThan(second.accuracy.top1Correct ?? 0);
  expect(second.accuracy.top1Correct).toBeLessThanOrEqual(whole.accuracy.top1Correct ?? 0);
  // The README of the samples: 78, 91 and 94 of 100.
  expect((first.accuracy.top1Correct ?? 0) / 450).toBeCloseTo(0.782, 2);
  expect((whole.accuracy.top1Correct ?? 0) / 450).toBeCloseTo(0.94, 2);
  expect(trialOf('int8').size.rawBytes).toBeLessThan(0.4 * whole.size.rawBytes);
  const pruned = trialOf('prune weights 50% l1');
  expect(pruned.size.nonZeroParams / whole.size.nonZeroParams).toBeCloseTo(0.5, 1);
  expect(pruned.size.gzipBytes).toBeLessThan(whole.size.gzipBytes ?? 0);
  // As large as before, unless zeros are left out.
  expect(pruned.size.rawBytes / whole.size.rawBytes).toBeCloseTo(1, 1);
  expect((pruned.size.sparseBytes ?? 0) / whole.size.rawBytes).toBeCloseTo(0.54, 1);
  // By keyboard: another point may lie over it.
  await page.locator('figure g[role=button][aria-label^="prune weights 50% l1:"]').press('Enter');
  const told = page.getByText(
    /^Zeros alone do not speed up dense kernels: expected as fast as without them, measured/,
  );
  await expect(told).toContainText(/[\d.]+ × as (fast|slow) as identity/);
  // A cut changes where, not what.
  const cut = study.trials.find(({ strategy }) => strategy.recipe.some(({ op }) => op === 'partition'));
  expect(cut?.predictions?.top1).toEqual(whole.predictions.top1);
  const careful = trialOf('exits τ 0.90');
  expect(new Set(careful.predictions.exitIndex).size, 'several exits are taken').toBeGreaterThan(1);

  const svg = textOf(await take('SVG'));
  const texts = await page.evaluate((text) => {
    const parsed = new DOMParser().parseFromString(text, 'image/svg+xml');
    return parsed.querySelector('parsererror')
      ? null
      : [...parsed.querySelectorAll('text')].map((e) => e.textContent);
  }, svg);
  expect(texts).toContain('identity');
  const png = await take('PNG');
  const colours = await page.evaluate(async (bytes) => {
    const image = await createImageBitmap(new Blob([new Uint8Array(bytes)], { type: 'image/png' }));
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context?.drawImage(image, 0, 0);
    const pixels = context?.getImageData(0, 0, image.width, image.height).data ?? new Uint8ClampedArray();
    return new Set(new Uint32Array(pixels.buffer)).size;
  }, Array.from(png.bytes));
  expect(colours, 'the picture is not blank').toBeGreaterThan(8);

  // Comparisons say in words what the study holds, whoever computes it.
  await lab.press(page.getByRole('tab', { name: 'Compare' }));
  const reports = compareDevices(study.trials.map(factsOf), 'holm', 'accuracyTop1');
  const [compared] = reports.map((report) => report.compared);
  expect(compared?.comparisons).toHaveLength(55);
  // The view adjusts for its ten pairs alone.
  const original = study.trials.find(({ strategy }) => strategy.name === 'identity');
  const withOriginal = comparisonsWith(compared as Comparisons, original?.id ?? '');
  expect(withOriginal.comparisons).toHaveLength(10);
  for (const comparison of withOriginal.comparisons)
    await expect(page.getByText(comparisonSentence(comparison, withOriginal))).toBeVisible();
  const pairs = readCsv(textOf(await take('comparisons.csv')));
  const real = (compared?.comparisons ?? []).map(
    ({ latency }) => latency.kind === 'compared' && latency.isDifferent,
  );
  expect(pairs.map((row) => row.get('latency_different') === '1')).toEqual(real);
  await expect(
    page.getByRole('region', { name: 'Chance of being on the front' }).getByRole('listitem'),
  ).toHaveCount(11);
  // Advice follows the wish and the limits.
  await lab.press(page.getByRole('tab', { name: 'Advice' }));
  await page.getByLabel('Wish').selectOption('Smallest');
  await page.getByLabel('Accuracy lost at most').fill('1');
  await page.getByLabel('Accuracy lost at most').press('Enter');
  const limits = { ...NO_LIMITS, accuracyLoss: 0.01 };
  const { outcome } = recommend(study.trials.map(factsOf), limits, 'smallest');
  if (outcome.kind !== 'chosen') throw new Error('something fits');
  await expect(
    page.getByText(`${outcome.fitting} of 11 measured strategies keep within the limits.`),
  ).toBeVisible();
  // Its name is on the list of strategies, too.
  const advised = page.getByTitle('Show its recipe and details');
  await expect(advised.first()).toHaveText(outcome.winner.name);

  // Each picture is drawn of it; what they tell is what the tables tell.
  await lab.press(page.getByRole('tab', { name: 'Pictures' }));
  const chips = page.getByRole('group', { name: 'Picture' }).getByRole('button');
  await expect(chips).toHaveCount(10);
  const pictureOf = async (chip: number) => {
    await chips.nth(chip).click();
    const title = await chips.nth(chip).getAttribute('title');
    const figure = page.getByRole('figure', { name: title ?? '', exact: true });
    await expect(figure.locator('svg')).toBeVisible();
    return { figure, csv: async () => readCsv(textOf(await lab.download(lab.button(`${title} as CSV`)))) };
  };
  for (let chip = 1; chip < 9; chip++) await pictureOf(chip);
  const medians = new Map(trials.map((row) => [row.get('strategy'), Number(row.get('latency_median_ms'))]));
  const boxes = await (await pictureOf(0)).csv();
  expect(boxes).toHaveLength(11);
  for (const box of boxes)
    expect(Number(box.get('median_ms'))).toBeCloseTo(medians.get(box.get('strategy')) ?? 0, 3);
  // Brushing the faster half of an axis leaves what lies there, on the front, too.
  const { figure, csv } = await pictureOf(9);
  const axis = await figure
    .getByTitle('Drag to keep a part of median latency, tap to keep all')
    .boundingBox();
  if (!axis) throw new Error('no axis of latencies');
  await page.mouse.move(axis.x + axis.width / 2, axis.y + axis.height / 2);
  await page.mouse.down();
  await page.mouse.move(axis.x + axis.width, axis.y + axis.height / 2);
  await page.mouse.up();
  await expect(figure).toContainText(/of 11 strategies lie within the limits/);
  const [fastest, slowest] = [Math.min(...medians.values()), Math.max(...medians.values())];
  const kept = new Set([...medians].filter(([, ms]) => ms <= (fastest + slowest) / 2).map(([name]) => name));
  const within = (await csv()).filter((row) => row.get('within_limits') === '1');
  expect(new Set(within.map((row) => row.get('strategy')))).toEqual(kept);
  await lab.press(page.getByRole('tab', { name: 'Front', exact: true }));
  await expect(lab.points()).toHaveCount(kept.size);
  await lab.press(lab.button('Show all'));
  await expect(lab.points()).toHaveCount(11);
});
