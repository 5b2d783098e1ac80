import { expect, test } from '@playwright/test';
import { timedSamples } from '../../../src/study/metrics.ts';
import type { Study, Trial } from '../../../src/study/trial.ts';
import type { NamedRecipe } from '../../../src/transforms/recipe.ts';
import { openBlankPage, runInPage } from './in-page.ts';
import type * as Scenarios from './study-scenarios.ts';

const path = '/study-scenarios.js';
type Module = typeof Scenarios;

const identity: NamedRecipe = { name: 'identity', recipe: [{ op: 'identity' }] };
const early: NamedRecipe = { name: 'exit 0', recipe: [{ op: 'early-exit', kind: 'existing', exit: 0 }] };
const dynamic: NamedRecipe = {
  name: 'dynamic',
  recipe: [{ op: 'early-exit', kind: 'existing', threshold: 0.3 }],
};
const impossible: NamedRecipe = { name: 'impossible', recipe: [{ op: 'partition', cut: 'no-such-value' }] };

test.beforeEach(({ page }) => openBlankPage(page));

function trialNamed(study: Study, name: string): Trial {
  const trial = study.trials.find((candidate) => candidate.strategy.name === name);
  if (!trial) throw new Error(`no trial ${name}`);
  return trial;
}

/** Every planned sample is there exactly once. */
function expectComplete(trial: Trial): void {
  expect(trial.state).toEqual({ kind: 'done' });
  const rounds = timedSamples(trial).map((sample) => sample.round);
  expect(rounds).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2]);
  expect(trial.predictions?.imageIndices).toHaveLength(12);
}

function expectDistinctSequences(study: Study): void {
  const sequences = study.trials.flatMap((trial) => trial.samples.map((sample) => sample.sequence));
  expect(new Set(sequences).size).toBe(sequences.length);
}

test('a study measures every strategy in interleaved rounds; one that fails is marked, the rest go on', async ({
  page,
}) => {
  const setup = { recipes: [early, impossible, identity, dynamic], labelled: true };
  const { study, progress, updates } = await runInPage<Module, 'runToEnd'>(page, path, 'runToEnd', setup);

  const failed = trialNamed(study, 'impossible').state;
  expect(failed.kind === 'failed' && failed.message).toContain('no-such-value');
  const good = [early, identity, dynamic].map(({ name }) => trialNamed(study, name));
  for (const trial of good) {
    expectComplete(trial);
    expect(trial.samples.filter((sample) => sample.warmUp)).toHaveLength(2);
    expect(trial.accuracy).toMatchObject({ images: 12, labelledImages: 12 });
    expect(trial.heapBytes).toBeGreaterThan(1e6);
    expect(trial.buildMs).toBeGreaterThan(0);
    expect(trial.sessionCreateMs).toBeGreaterThan(0);
    expect(trial.finishedAtMs).toBeGreaterThanOrEqual(trial.startedAtMs);
  }
  expectDistinctSequences(study);

  const whole = trialNamed(study, 'identity');
  expect(whole.accuracy?.agreeing).toBe(12);
  expect(trialNamed(study, 'exit 0').size?.macs).toBeLessThan(whole.size?.macs ?? 0);
  const { size } = trialNamed(study, 'dynamic');
  expect(size?.macsToExit.map((exit) => exit.exitIndex)).toEqual([0, 1]);
  expect(size?.macsToExit[0]?.macs).toBeLessThan(size?.macsToExit[1]?.macs ?? 0);

  // Visits alternate: within each round every strategy is there before any comes again.
  const byTime = good
    .flatMap((trial) => timedSamples(trial).map((sample) => ({ ...sample, name: trial.strategy.name })))
    .sort((a, b) => a.sequence - b.sequence);
  const rounds = byTime.map((sample) => sample.round);
  expect(rounds).toEqual(rounds.toSorted((a, b) => a - b));
  for (const round of [0, 1, 2]) {
    const images = good.map((trial) =>
      timedSamples(trial).flatMap((sample) => (sample.round === round ? [sample.imageIndex] : [])),
    );
    expect(images[1]).toEqual(images[0]);
    expect(images[2]).toEqual(images[0]);
  }
  // Compressing waits until nothing is timed any more.
  for (const { size: known } of good) {
    expect(known?.gzipBytes).toBeGreaterThan(100);
    expect(known?.gzipBytes).toBeLessThan(known?.rawBytes ?? 0);
  }
  const steps = progress.map(({ step }) => step);
  expect(steps.slice(steps.indexOf('compressing'))).toEqual(['compressing', 'compressing', 'compressing']);

  // Points appear one by one: a first result long before the last.
  expect(updates.length).toBeGreaterThan(9);
  const done = progress.map((step) => step.doneInferences);
  expect(done).toEqual([...done].sort((a, b) => a - b));
  expect(progress.at(-1)?.totalInferences).toBeGreaterThanOrEqual(done.at(-1) ?? 0);
  expect(progress.some((step) => step.remainingMs !== null && step.remainingMs > 0)).toBe(true);
});

test('a study of two models measures both on the same images, each against its own; one that is missing fails alone', async ({
  page,
}) => {
  const setup = { recipes: [early, identity] };
  const study = await runInPage<Module, 'runTwoModels'>(page, path, 'runTwoModels', setup);
  const of = (name: string) => [early, identity].map((recipe) => trialNamed(study, `${recipe.name}${name}`));
  for (const trial of [...of(''), ...of(' of second')]) {
    expectComplete(trial);
    expect(trial.accuracy?.agreeing, 'told without labels, by its own unchanged model').not.toBeNull();
  }
  for (const { state, samples } of of(' of absent')) {
    expect(state).toMatchObject({ kind: 'failed', code: 'model-missing' });
    expect(state.kind === 'failed' && state.message).toContain('absent.onnx is not on this device');
    expect(samples).toEqual([]);
  }
  expectDistinctSequences(study);
  const imagesOf = ({ samples }: Trial) => samples.map(({ round, imageIndex }) => [round, imageIndex]);
  expect(imagesOf(trialNamed(study, 'identity of second'))).toEqual(imagesOf(trialNamed(study, 'identity')));
});

test('without labels and without the unchanged model in the plan, agreement with it is still known', async ({
  page,
}) => {
  const { study } = await runInPage<Module, 'runToEnd'>(page, path, 'runToEnd', {
    recipes: [early, dynamic],
  });
  expect(study.trials).toHaveLength(2);
  for (const trial of study.trials) {
    expectComplete(trial);
    expect(trial.accuracy).toMatchObject({ images: 12, labelledImages: 0, top1Correct: null });
    expect(trial.accuracy?.agreeing).toBeGreaterThanOrEqual(0);
  }
});

test('strategies that do not fit into memory together take turns', async ({ page }) => {
  const setup = { recipes: [identity, early, dynamic], deviceMemoryGb: 0.1 };
  const { study } = await runInPage<Module, 'runToEnd'>(page, path, 'runToEnd', setup);
  for (const trial of study.trials) {
    expectComplete(trial);
    // Loaded anew for each of the three visits, and warmed up each time.
    expect(trial.samples.filter((sample) => sample.warmUp).length).toBeGreaterThanOrEqual(4);
  }
});

test('cancelling keeps what is measured so far', async ({ page }) => {
  const setup = { recipes: [identity, early] };
  const { study, seen } = await runInPage<Module, 'cancelAfter'>(page, path, 'cancelAfter', setup, 4);
  expect(seen).toBe(4);
  expect(study.trials.map((trial) => trial.state.kind)).toEqual(['running', 'running']);
  expect(study.trials.flatMap(timedSamples).length).toBeGreaterThanOrEqual(8);
});

test('cancelling while sizes are learnt leaves them unknown; going on learns them', async ({ page }) => {
  const setup = { recipes: [identity, early], protocol: { rounds: 1 } };
  const run = await runInPage<Module, 'cancelAtCompressing'>(page, path, 'cancelAtCompressing', setup);
  const states = (study: Study) => study.trials.map((trial) => [trial.state.kind, trial.size?.gzipBytes]);
  expect(states(run.cancelled)).toEqual([
    ['done', null],
    ['done', null],
  ]);
  for (const trial of run.resumed.trials) {
    expect(trial.size?.gzipBytes).toBeGreaterThan(100);
    expect(trial.samples).toEqual(trialNamed(run.cancelled, trial.strategy.name).samples);
  }
});

test('pausing holds the study until it goes on; sustained runs, warm-up and reference are kept', async ({
  page,
}) => {
  const protocol = {
    // The order begins and ends with the other one, so the reference is visited before and after.
    seed: 7,
    // From six on, early ones may be found to be warm-up.
    rounds: 5,
    mostWarmUpRuns: 12,
    referenceSamples: 2,
    sustained: { durationMs: 500 },
    accuracyRepetitions: 2,
  } as const;
  const setup = { recipes: [identity, early], protocol };
  const run = await runInPage<Module, 'pauseFor'>(page, path, 'pauseFor', setup, 500);
  expect(run.toldPaused).toBe(true);
  expect(run.seenAtPause).toBe(3);
  expect(run.seenAfterPause).toBe(3);
  expect(run.study.trials.map((trial) => trial.state.kind)).toEqual(['done', 'done']);
  expectDistinctSequences(run.study);
  expect(run.study.trials.flatMap(({ events = [] }) => events.map(({ kind }) => kind))).toContain('paused');
  for (const trial of run.study.trials) {
    const warmedUp = trial.samples.filter(({ warmUp }) => warmUp).length;
    expect(trial.warmUps?.map(({ runs }) => runs)).toEqual([warmedUp]);
    expect(trial.warmUps?.[0]?.state).not.toBe('fixed');
    expect(trial.accuracyRuns).toEqual([trial.accuracy, trial.accuracy]);
    for (let round = 0; round < 5; round++) {
      const samples = timedSamples(trial).filter((sample) => sample.round === round);
      expect(samples.length).toBeGreaterThanOrEqual(4);
      expect(samples.length).toBeLessThanOrEqual(8);
    }
  }
  // Each visit lasts a fifth of the time, whatever is kept of it; workers' clocks differ a little.
  const inOrder = run.study.trials
    .flatMap(({ strategy, samples }) => samples.map((sample) => ({ ...sample, strategy: strategy.name })))
    .filter(({ warmUp }) => !warmUp)
    .toSorted((a, b) => a.sequence - b.sequence);
  const visitOf = (sample: (typeof inOrder)[number] | undefined) =>
    sample && `${sample.strategy} ${sample.round} ${sample.reference}`;
  const starts = inOrder.filter((sample, at) => visitOf(sample) !== visitOf(inOrder[at - 1]));
  expect(starts).toHaveLength(12);
  starts.slice(1).forEach((start, at) => {
    const before = starts[at];
    if (before && !before.reference) expect(start.startedAtMs - before.startedAtMs).toBeGreaterThan(90);
  });
  const references = run.study.trials.filter(({ samples }) => samples.some(({ reference }) => reference));
  expect(references.map(({ strategy }) => strategy.name)).toEqual(['identity']);
});

test('a page closed in the middle of a study loses nothing but the visit under way', async ({ page }) => {
  const setup = { recipes: [identity, early, dynamic], labelled: true };
  const id = await runInPage<Module, 'startKept'>(page, path, 'startKept', setup, 6);
  await page.reload();
  const { before, after, kept } = await runInPage<Module, 'resumeKept'>(page, path, 'resumeKept', setup, id);
  expect(before.trials.some((trial) => trial.state.kind !== 'done')).toBe(true);
  for (const trial of before.trials) {
    const now = trialNamed(after, trial.strategy.name);
    expectComplete(now);
    expect(now.samples.slice(0, trial.samples.length)).toEqual(trial.samples);
    if (trial.predictions) expect(now.predictions).toEqual(trial.predictions);
  }
  expect(before.trials.flatMap(timedSamples).length).toBeGreaterThan(10);
  expectDistinctSequences(after);
  expect(kept).toEqual(after);
});

test('where the model’s worker dies, the strategy it was building is lost, and another builds the rest', async ({
  page,
}) => {
  const setup = { recipes: [identity, early, dynamic] };
  const over = runInPage<Module, 'runOver'>(page, path, 'runOver', setup, 1, 'workerDied');
  await page.waitForFunction(() => 'workerDied' in globalThis);
  const worker = page.workers().find((each) => each.url().includes('/model-'));
  const gone = worker?.waitForEvent('close');
  await worker?.evaluate(() => self.close()).catch(() => {});
  await gone;
  await page.evaluate(() => (globalThis as unknown as { workerDied: () => void }).workerDied());
  const study = await over;
  const failed = study.trials.filter(({ state }) => state.kind === 'failed');
  expect(failed).toHaveLength(1);
  const [state] = failed.map((trial) => trial.state);
  expect(state?.kind === 'failed' && state.message).toContain('crashed');
  for (const trial of study.trials) if (!failed.includes(trial)) expectComplete(trial);
});

test('an image that cannot be read fails the trials with its name, and the study ends', async ({ page }) => {
  const setup = { recipes: [identity, early], brokenImage: 5 };
  const { study } = await runInPage<Module, 'runToEnd'>(page, path, 'runToEnd', setup);
  for (const { state } of study.trials) expect(state.kind === 'failed' && state.message).toContain('noise 5');
});
