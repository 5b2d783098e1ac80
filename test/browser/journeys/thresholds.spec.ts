import type { Page } from '@playwright/test';
import { expect, type Lab, readCsv, test, textOf } from './lab-page.ts';

/** Measures one quick strategy, so that there is a front to stand beside, and runs all exits once. */
async function passOverExits(lab: Lab): Promise<void> {
  await lab.visit();
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.show('Front');
  await lab.press(lab.button('Run all exits once'));
  await expect(lab.button('Learn thresholds')).toBeVisible({ timeout: 60_000 });
}

interface Expected {
  readonly accuracy: number;
  readonly latencyMs: number;
  readonly shares: readonly number[];
}

const numberIn = (text: string): number => Number(/\d+(\.\d+)?/.exec(text)?.[0]);

/** What the panel expects of the sliders. */
async function expected(page: Page): Promise<Expected> {
  const texts = await page.getByTestId('threshold-outcome').locator('strong').allTextContents();
  const shares = await page.getByTestId('threshold-shares').locator('span').allTextContents();
  return {
    accuracy: numberIn(texts[0] ?? ''),
    latencyMs: numberIn(texts[1] ?? ''),
    shares: shares.map((text) => numberIn(text.replace(/^exit \d+/, ''))),
  };
}

const slider = (page: Page, exit: number) => page.getByLabel(`Leave at exit ${exit} from`);

test('sliders tell accuracy, latency and who leaves where at once; learned thresholds are confirmed by measuring', async ({
  lab,
  page,
}) => {
  await passOverExits(lab);

  await slider(page, 1).fill('1.01');
  await slider(page, 2).fill('1.01');
  const never = await expected(page);
  expect(never.shares).toEqual([0, 0, 100]);
  await slider(page, 1).fill('0.01');
  const always = await expected(page);
  expect(always.shares).toEqual([100, 0, 0]);
  expect(always.latencyMs).toBeLessThan(never.latencyMs);
  expect(always.accuracy).toBeLessThan(never.accuracy);
  await slider(page, 1).fill('0.6');
  await slider(page, 2).fill('0.7');
  const between = await expected(page);
  expect(between.latencyMs).toBeGreaterThan(always.latencyMs);
  expect(between.latencyMs).toBeLessThan(never.latencyMs);
  expect(between.shares.every((share) => share > 0)).toBe(true);

  await lab.press(lab.button('Learn thresholds'));
  const learned = page.getByRole('table', { name: 'Learned thresholds' });
  await expect(learned.getByRole('row').nth(2)).toBeVisible();
  const picks = learned.getByRole('button');
  const points = await picks.count();
  await lab.press(picks.nth(1));
  const [first] = ((await picks.nth(1).textContent()) ?? '').split(' · ');
  const shown = await page.locator('output').first().textContent();
  expect(shown).toBe(first);

  // What follows is the same at any size, by mouse and by thumb.
  if (lab.isPhone) return;

  await lab.press(lab.button('Confirm by measuring'));
  await lab.studyIsDone();
  await lab.show('Front');
  const confirmed = page.getByRole('table', { name: 'Predicted and measured' });
  await expect(confirmed.getByRole('row')).toHaveCount(1 + points);

  const trials = readCsv(textOf(await lab.download(lab.button('trials.csv'))));
  const predicted = trials.filter((row) => row.get('predicted_top1') !== '');
  expect(predicted).toHaveLength(points);
  for (const row of predicted) {
    // The same images through the same kernels: not nearly equal, but equal.
    expect(row.get('accuracy_top1')).toBe(row.get('predicted_top1'));
    // How near they are is for a quiet machine to say.
    for (const column of ['latency_mean_ms', 'predicted_latency_mean_ms'])
      expect(Number(row.get(column))).toBeGreaterThan(0);
  }

  const curve = readCsv(textOf(await lab.download(lab.button('thresholds.csv'))));
  expect(new Set(curve.map((row) => row.get('set')))).toEqual(new Set(['all', 'validation', 'test']));
  for (const row of curve) {
    const shares = [1, 2, 3].reduce((sum, exit) => sum + Number(row.get(`share_${exit}`)), 0);
    expect(shares).toBeCloseTo(1, 9);
  }
});

test('thresholds on another confidence run as one file that decides inside, and the pass survives a reload @desktop', async ({
  lab,
  page,
}) => {
  await passOverExits(lab);
  await page.getByLabel('Confidence').last().selectOption('margin');
  await page.getByLabel('Run as').last().selectOption('if');
  await slider(page, 1).fill('0.5');
  await slider(page, 2).fill('0.4');
  await lab.press(lab.button('Confirm these by measuring'));
  await lab.studyIsDone();
  await lab.show('Front');
  const [row] = readCsv(textOf(await lab.download(lab.button('trials.csv')))).filter((each) =>
    each.get('strategy')?.includes('margin in one file'),
  );
  expect(row?.get('state')).toBe('done');
  expect(row?.get('accuracy_top1')).toBe(row?.get('predicted_top1'));

  await page.reload();
  await expect(lab.measureButton()).toBeAttached({ timeout: 30_000 });
  await lab.show('Front');
  await expect(lab.button('Learn thresholds')).toBeVisible();
});
