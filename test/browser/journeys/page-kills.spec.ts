import type { Page } from '@playwright/test';
import { zipSync } from 'fflate';
import { seededRandom } from '../../../src/base/random.ts';
import { timedSamples } from '../../../src/study/metrics.ts';
import { newStudy } from '../../../src/study/new-study.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import { parseStudy, serialiseStudy } from '../../../src/study/study-json.ts';
import type { Protocol, Study, Trial } from '../../../src/study/trial.ts';
import { bandModel, bandPng } from '../../fixtures/bands.ts';
import { expect, labOn, test, textOf } from './lab-page.ts';

const trials = 40;
const kills = 20;
const protocol: Protocol = {
  name: 'custom',
  warmUpRuns: 1,
  rounds: 2,
  samplesPerRound: 2,
  accuracyImages: 2,
  seed: 7,
};

/** What is kept of each trial: its samples, and whether it is done. */
type Kept = ReadonlyMap<string, { readonly samples: number; readonly state: string }>;

test('a study of 40 trials outlives 20 page kills, with nothing but the visit under way lost @desktop', async ({
  lab,
  page,
  context,
}) => {
  // Twenty-two visits of the page.
  test.slow();
  await lab.visit();
  await lab.openModel({ name: 'bands.onnx', bytes: bandModel() });
  const images = zipSync({ 'a.png': bandPng(0, 0), 'b.png': bandPng(1, 1) });
  await lab.openImages({ name: 'bands.zip', bytes: images });
  await lab.closeDialog();
  await lab.chooseOnly('identity');
  await lab.measure();
  const exported = page.getByRole('button', { name: 'study.json', exact: true });
  const measured = parseStudy(textOf(await lab.download(exported)));
  const planned = fortyTrials(measured);
  await lab.pick(lab.button('Open a study.json'), [
    { name: 'study.json', bytes: new TextEncoder().encode(serialiseStudy(planned)) },
  ]);
  await expect(lab.button('Resume the study').first()).toBeEnabled();
  await lab.isKept();
  await page.close();

  /** The largest number of samples that a page ever began to keep of each trial, in order of these beginnings. */
  const begun: { readonly id: string; readonly samples: number }[] = [];
  await context.exposeFunction('noteWrite', (id: string, samples: number) => begun.push({ id, samples }));
  await context.addInitScript(tellWrites);
  const random = seededRandom(20);
  let before: Kept = new Map();
  for (let kill = 0; kill <= kills; kill++) {
    const doomed = await context.newPage();
    await doomed.goto('./');
    const kept = await keptTrials(doomed, planned.id);
    expect(kept.size, 'every trial is kept').toBe(trials);
    for (const [id, { samples, state }] of before) {
      expect(kept.get(id)?.samples, `samples of ${id} after kill ${kill}`).toBeGreaterThanOrEqual(samples);
      if (state === 'done') expect(kept.get(id)?.state).toBe('done');
    }
    const missing = begun.filter(({ id, samples }) => (kept.get(id)?.samples ?? 0) < samples);
    expect(new Set(missing.map(({ id }) => id)).size, 'visits lost by one kill').toBeLessThanOrEqual(1);
    begun.length = 0;
    before = kept;
    if (kill === kills) {
      await doomed.close();
      break;
    }
    await doomed.getByRole('button', { name: 'Resume the study' }).first().click();
    await doomed.waitForTimeout(50 + 500 * random());
    await crash(doomed);
  }
  const unfinished = [...before.values()].filter(({ state }) => state !== 'done');
  expect(unfinished.length, 'kills came while there was something to lose').toBeGreaterThan(0);

  const last = labOn(await context.newPage(), false);
  await last.page.goto('./');
  await expect(last.button('Resume the study').first()).toBeEnabled();
  await last.measure();
  const file = await last.download(last.page.getByRole('button', { name: 'study.json', exact: true }));
  expectWhole(parseStudy(textOf(file)));
  expect(last.problems).toEqual([]);
});

/** The study again, with the unchanged model and 39 pruned ones to be measured. */
function fortyTrials(measured: Study): Study {
  const first = measured.trials[0] as Trial;
  const { modelId, provider } = first.strategy;
  const recipes = Array.from({ length: trials - 1 }, (_, at) => ({
    name: `pruned ${at + 1} %`,
    recipe: [{ op: 'prune', kind: 'unstructured', ratio: (at + 1) / 100 }] as const,
  }));
  const strategies = [first.strategy, ...recipes.map((named) => makeStrategy(modelId, named, provider, 1))];
  const { modelName, datasetId, datasetName, classNames } = measured;
  const { preprocessing, environment } = first;
  const common = { name: 'forty', modelId, modelName, datasetId, datasetName, classNames };
  return newStudy({ ...common, preprocessing, protocol, environment }, strategies, Date.now());
}

/** Runs in the page: tells each write of a trial at its begin. */
function tellWrites(): void {
  // oxlint-disable-next-line typescript/unbound-method -- called on a store
  const { put } = IDBObjectStore.prototype;
  const { noteWrite } = globalThis as unknown as { noteWrite: (id: string, samples: number) => void };
  IDBObjectStore.prototype.put = function (
    this: IDBObjectStore,
    record: { id: string; sampleCount: number },
  ) {
    if (this.name === 'trials' && record.sampleCount > 0) noteWrite(record.id, record.sampleCount);
    return put.call(this, record);
  };
}

/** Ends the page's process without a word, as the system does when memory is short. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  const devtools = await page.context().newCDPSession(page);
  void devtools.send('Page.crash').catch(() => {});
  await crashed;
  await page.close();
}

async function keptTrials(page: Page, studyId: string): Promise<Kept> {
  const found = await page.evaluate(async (id) => {
    const wait = <T>(request: IDBRequest<T>) =>
      new Promise<T>((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(new Error('not read'));
      });
    const database = await wait(indexedDB.open('paretoscope'));
    const range = IDBKeyRange.bound([id], [id, []]);
    const stored = await wait(database.transaction('trials').objectStore('trials').getAll(range));
    database.close();
    return stored.map(
      (trial) => [trial.id, { samples: trial.sampleCount, state: trial.state.kind }] as const,
    );
  }, studyId);
  return new Map(found);
}

/** Every trial has each round once: nothing was measured twice, nothing left out. */
function expectWhole(study: Study): void {
  expect(study.trials).toHaveLength(trials);
  const rounds = Array.from({ length: protocol.rounds }, (_, round) => round).flatMap((round) =>
    Array.from({ length: protocol.samplesPerRound }, () => round),
  );
  for (const trial of study.trials) {
    expect(trial.state.kind, trial.strategy.name).toBe('done');
    expect(
      timedSamples(trial).map((sample) => sample.round),
      trial.strategy.name,
    ).toEqual(rounds);
  }
  const sequences = study.trials.flatMap(({ samples }) => samples.map(({ sequence }) => sequence));
  expect(new Set(sequences).size, 'an order of execution').toBe(sequences.length);
}
