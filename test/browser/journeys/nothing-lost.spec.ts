import { isDeepStrictEqual } from 'node:util';
import { timedSamples } from '../../../src/study/metrics.ts';
import { parseStudy } from '../../../src/study/study-json.ts';
import type { Study } from '../../../src/study/trial.ts';
import { bandModel } from '../../fixtures/bands.ts';
import { firstRoundThatCounts } from '../../fixtures/first-round-that-counts.ts';
import { expect, type Lab, labOn, test, textOf } from './lab-page.ts';

const some = ['identity', 'exit 1', 'exit 2', 'int8'];

async function start(lab: Lab): Promise<void> {
  await lab.show('Run');
  await lab.press(lab.measureButton());
  await expect(lab.button('Pause').first()).toBeVisible();
}

async function studyOf(lab: Lab): Promise<Study> {
  await lab.show('Front');
  const file = await lab.download(lab.page.getByRole('button', { name: 'study.json', exact: true }));
  return parseStudy(textOf(file));
}

/** Waits until some strategies have results and some have not, or not all of them. */
async function somePoints(lab: Lab, atLeast = 1): Promise<void> {
  await lab.show('Front');
  await expect(async () => expect(await lab.points().count()).toBeGreaterThanOrEqual(atLeast)).toPass({
    timeout: 60_000,
  });
}

/** Every trial has each round once: nothing was measured twice, nothing left out. */
function expectWhole({ trials, protocol }: Study, strategies: number): void {
  expect(trials).toHaveLength(strategies);
  for (const trial of trials) {
    const { strategy, state } = trial;
    expect(state.kind, strategy.name).toBe('done');
    const rounds = timedSamples(trial).map((sample) => sample.round);
    const wanted = Array.from({ length: protocol.rounds }, (_, round) =>
      Array<number>(protocol.samplesPerRound).fill(round),
    );
    expect(rounds, strategy.name).toEqual(wanted.slice(firstRoundThatCounts(trial)).flat());
  }
  const sequences = trials.flatMap(({ samples }) => samples.map(({ sequence }) => sequence));
  expect(new Set(sequences).size, 'an order of execution').toBe(sequences.length);
}

test.describe('the site is kept while it is used, and answers later visits, as people have it', () => {
  test.use({ serviceWorkers: 'allow' });

  test('a study is paused, goes on, is cancelled, outlives a reload, and ends where it would have', async ({
    lab,
    page,
  }) => {
    await lab.visit();
    await lab.chooseOnly(...some);
    await start(lab);
    await somePoints(lab);
    await lab.show('Run');
    await lab.press(lab.button('Pause').first());
    await expect(page.getByText(/· Paused/)).toBeVisible();
    const paused = await studyOf(lab);
    await page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 500)));
    expect(await studyOf(lab)).toEqual(paused);
    await lab.show('Run');
    await lab.press(lab.button('Go on').first());
    await lab.press(lab.button('Cancel').first());
    await expect(lab.button('Resume the study').first()).toBeEnabled();
    const cancelled = await studyOf(lab);

    await page.reload();
    await expect(lab.notice('Your study is unfinished')).toContainText('Resume');
    const reloaded = await studyOf(lab);
    // At most what was under way when it was cancelled is not kept.
    const kept = reloaded.trials.filter((trial, i) => isDeepStrictEqual(trial, cancelled.trials[i]));
    expect(kept.length).toBeGreaterThanOrEqual(some.length - 1);
    await lab.measure();
    const done = await studyOf(lab);
    expectWhole(done, some.length);
    // What was measured before is in it, untouched.
    for (const before of reloaded.trials) {
      const after = done.trials.find(({ id }) => id === before.id);
      const late = after ? firstRoundThatCounts(after) : 0;
      const asCounted = before.samples.map((sample) =>
        sample.round < late ? { ...sample, warmUp: true } : sample,
      );
      expect(after?.samples.slice(0, before.samples.length)).toEqual(asCounted);
      if (before.predictions) expect(after?.predictions).toEqual(before.predictions);
    }
  });

  test('a tab closed in the middle of a study opens again where it was, with recipe and images', async ({
    lab,
    page,
    context,
  }) => {
    await lab.visit();
    await lab.chooseOnly(...some);
    await lab.show('Graph');
    await lab.press(page.getByTestId('exit-0'));
    await expect(page.getByTestId('exit-0')).toHaveAttribute('aria-checked', 'true');
    await start(lab);
    await somePoints(lab, 2);
    const before = await studyOf(lab);
    await page.close();

    const again = labOn(await context.newPage(), lab.isPhone);
    await again.page.goto('./');
    await expect(again.button('Resume the study').first()).toBeEnabled({ timeout: 30_000 });
    await again.show('Graph');
    await expect(again.page.getByTestId('exit-0')).toHaveAttribute('aria-checked', 'true');
    const found = await studyOf(again);
    expect(found.trials.map(({ id }) => id)).toEqual(before.trials.map(({ id }) => id));
    // At most what was under way when it closed is not there.
    const lost = before.trials.filter(
      (trial, i) => (found.trials[i]?.samples.length ?? 0) < trial.samples.length,
    );
    expect(lost.length).toBeLessThanOrEqual(1);
    await again.measure();
    expectWhole(await studyOf(again), some.length);
    expect(again.problems).toEqual([]);
  });
});

test('a worker that dies takes one trial with it, and that one can be measured again', async ({
  lab,
  page,
}) => {
  await lab.visit();
  await lab.chooseOnly('identity', 'exit 1', 'exit 2');
  await start(lab);
  await somePoints(lab, 2);
  const engines = page.workers().filter((worker) => /\/engine-[^/]*\.js$/.test(worker.url()));
  expect(engines.length).toBeGreaterThan(0);
  // As the system would end it for its memory: without a word.
  await engines[0]?.evaluate(() => self.close());
  await expect(lab.notice('The study is done')).toContainText('1 of 3 strategies failed', {
    timeout: 60_000,
  });
  await lab.dismissNotices();
  const broken = await studyOf(lab);
  expect(broken.trials.filter(({ state }) => state.kind === 'done')).toHaveLength(2);
  expect(broken.trials.find(({ state }) => state.kind === 'failed')?.state).toMatchObject({
    code: 'worker-crashed',
  });
  await expect(page.getByRole('cell', { name: /crashed/ })).toBeVisible();
  await lab.show('Run');
  await expect(lab.measureButton()).toHaveText(/Measure 1 more/);
  await lab.measure();
  expectWhole(await studyOf(lab), 3);
});

test('a full disk is told, with what to do; the lab measures on', async ({ lab, page, context }) => {
  await lab.visit();
  await lab.chooseOnly('identity');
  await lab.measure();
  const before = await studyOf(lab);
  const { origin } = new URL(page.url());
  const devtools = await context.newCDPSession(page);
  const { usage } = await devtools.send('Storage.getUsageAndQuota', { origin });
  await devtools.send('Storage.overrideQuotaForOrigin', { origin, quotaSize: usage + 1e6 });
  // Ten megabytes.
  await lab.openModel({ name: 'wide.onnx', bytes: bandModel(40_000) });
  const notice = lab.notice('wide.onnx is not kept on this device');
  await expect(notice).toContainText(/full|room|storage/i);
  await lab.dismissNotices();
  await expect(lab.modelButton()).toContainText('wide');
  await lab.chooseOnly('identity');
  await lab.measure();
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(1);
  // Nothing of before was given up for it.
  await devtools.send('Storage.overrideQuotaForOrigin', { origin });
  await lab.press(lab.modelButton());
  await lab.press(lab.button(/^digits\.onnx/));
  await expect(lab.modelButton()).toContainText('digits');
  await lab.show('Front');
  await expect(lab.points()).toHaveCount(1);
  expect(await studyOf(lab)).toEqual(before);
});

test('a bug in one part does not end in an empty page', async ({ lab, page }) => {
  await lab.visit();
  await page.evaluate(() => {
    const { prototype } = HTMLCanvasElement;
    const getContext = Reflect.get(prototype, 'getContext') as unknown;
    const mend = () => Reflect.set(prototype, 'getContext', getContext);
    Reflect.set(prototype, 'getContext', () => {
      throw new Error('a bug of this test');
    });
    Object.assign(globalThis, { mend });
  });
  await lab.showData();
  await expect(page.getByRole('heading', { name: 'Something broke in the lab itself' })).toBeVisible();
  await expect(page.getByRole('alert')).toContainText('a bug of this test');
  await page.evaluate(() => (globalThis as unknown as { mend: () => void }).mend());
  await lab.press(lab.button('Try to go on'));
  await expect(lab.modelButton()).toContainText('digits');
  await lab.showData();
  await expect(page.getByRole('img', { name: /as the network sees it/ })).toBeVisible();
  lab.problems.length = 0;
});
