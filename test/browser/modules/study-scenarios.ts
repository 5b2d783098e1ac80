// Runs in the page: the real runner with its workers, runtime and database.
import { chooseThreads, detectEnvironment } from '../../../src/clients/capabilities.ts';
import { createPauseGate } from '../../../src/clients/pause-gate.ts';
import { runStudy, type StudyControl, type StudyInputs } from '../../../src/clients/run-study.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { loadStudy, saveStudy, saveTrial } from '../../../src/persist/studies.ts';
import type { LoadedDataset } from '../../../src/protocol/data-api.ts';
import { newStudy } from '../../../src/study/new-study.ts';
import type { StudyProgress } from '../../../src/study/progress.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import type { Environment, Protocol, Study, Trial } from '../../../src/study/trial.ts';
import type { NamedRecipe } from '../../../src/transforms/recipe.ts';
import { twoExitModel } from '../../fixtures/tiny-models.ts';

const imageCount = 12;

/** What a scenario may choose. */
export interface Setup {
  readonly recipes: readonly NamedRecipe[];
  readonly labelled?: boolean;
  readonly protocol?: Partial<Protocol>;
  /** Pretended, to make the memory budget small. */
  readonly deviceMemoryGb?: number;
  /** Position of an image that cannot be decoded. */
  readonly brokenImage?: number;
}

const baseProtocol: Protocol = {
  name: 'custom',
  warmUpRuns: 2,
  rounds: 3,
  samplesPerRound: 4,
  accuracyImages: null,
  seed: 3,
};

function images({ labelled = false, brokenImage }: Setup): LoadedDataset {
  const { dataset, pack } = noiseDataset({ width: 8, height: 8, channels: 1 }, imageCount);
  const items = dataset.items.map((item, index) => ({
    ...item,
    label: labelled ? index % 5 : null,
    encoding: index === brokenImage ? ({ kind: 'encoded', mediaType: 'image/png' } as const) : item.encoding,
  }));
  return { dataset: { ...dataset, items }, pack: new Blob([pack]) };
}

async function prepare(setup: Setup): Promise<{ study: Study; inputs: StudyInputs }> {
  const here = await detectEnvironment();
  const environment: Environment = { ...here, deviceMemoryGb: setup.deviceMemoryGb ?? here.deviceMemoryGb };
  const data = images(setup);
  const subject = {
    name: 'tiny on noise',
    modelId: 'tiny',
    modelName: 'tiny.onnx',
    datasetId: data.dataset.id,
    datasetName: data.dataset.name,
    classNames: [],
    preprocessing: {
      inputName: 'image',
      layout: 'NCHW',
      height: 8,
      width: 8,
      channels: 1,
      channelOrder: 'RGB',
      fit: { kind: 'stretch' },
      scale: 1 / 255,
      mean: [0],
      std: [1],
      dataType: 'float32',
      invert: false,
      classOffset: 0,
    },
    protocol: { ...baseProtocol, ...setup.protocol },
    environment,
  } as const;
  const threads = Math.min(1, chooseThreads(environment));
  const strategies = setup.recipes.map((recipe) => makeStrategy('tiny', recipe, 'wasm', threads));
  const modelFile = new Blob([modelToBytes(twoExitModel()) as Uint8Array<ArrayBuffer>]);
  return {
    study: newStudy(subject, strategies, Date.now()),
    inputs: { modelFile, fileName: 'tiny.onnx', externalFiles: [], data, environment },
  };
}

function finished(result: Awaited<ReturnType<typeof runStudy>>): Study {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

function openControl(): StudyControl & { readonly ends: AbortController } {
  const ends = new AbortController();
  return { ends, signal: ends.signal, gate: createPauseGate() };
}

/** Runs a study to its end. */
export async function runToEnd(setup: Setup) {
  const { study, inputs } = await prepare(setup);
  const progress: StudyProgress[] = [];
  const updates: { readonly strategy: string; readonly samples: number }[] = [];
  const result = await runStudy(
    study,
    inputs,
    {
      onTrial: (trial) => {
        updates.push({ strategy: trial.strategy.name, samples: trial.samples.length });
      },
      onProgress: (step) => progress.push(step),
    },
    openControl(),
  );
  return { study: finished(result), progress, updates };
}

/** Runs a study and cancels it after this many updates. */
export async function cancelAfter(setup: Setup, updates: number) {
  const { study, inputs } = await prepare(setup);
  const control = openControl();
  let seen = 0;
  const onTrial = () => {
    if (++seen === updates) control.ends.abort();
  };
  const result = await runStudy(study, inputs, { onTrial, onProgress: () => {} }, control);
  return { study: finished(result), seen };
}

/** The same recipes on two models in one study, and on a third that is not there. */
export async function runTwoModels(setup: Setup) {
  const { study, inputs } = await prepare(setup);
  const others = ['second', 'absent'].flatMap((modelId) =>
    study.trials.map((trial): Trial => {
      const { recipe, name, provider, threads } = trial.strategy;
      const strategy = makeStrategy(modelId, { name: `${name} of ${modelId}`, recipe }, provider, threads);
      return { ...trial, id: `${study.id}-${strategy.id}`, strategy, modelName: `${modelId}.onnx` };
    }),
  );
  const { modelFile, externalFiles } = inputs;
  const otherModels = new Map([['second', { modelFile, fileName: 'second.onnx', externalFiles }]]);
  const both = { ...study, trials: [...study.trials, ...others] };
  const quiet = { onTrial: () => {}, onProgress: () => {} };
  return finished(await runStudy(both, { ...inputs, otherModels }, quiet, openControl()));
}

/** Cancels a study when it begins to compress, then goes on with it. */
export async function cancelAtCompressing(setup: Setup) {
  const { study, inputs } = await prepare(setup);
  const control = openControl();
  const onProgress = ({ step }: StudyProgress) => {
    if (step === 'compressing') control.ends.abort();
  };
  const cancelled = finished(await runStudy(study, inputs, { onTrial: () => {}, onProgress }, control));
  const quiet = { onTrial: () => {}, onProgress: () => {} };
  return { cancelled, resumed: finished(await runStudy(cancelled, inputs, quiet, openControl())) };
}

/** Runs a study that waits after this many updates, until the function called `died` on the page is called. */
export async function runOver(setup: Setup, updates: number, died: string) {
  const { study, inputs } = await prepare(setup);
  let seen = 0;
  const onTrial = async () => {
    if (++seen !== updates) return;
    await new Promise<void>((resolve) => {
      (globalThis as Record<string, unknown>)[died] = resolve;
    });
  };
  return finished(await runStudy(study, inputs, { onTrial, onProgress: () => {} }, openControl()));
}

/** Pauses after an update for a while, then goes on to the end. */
export async function pauseFor(setup: Setup, ms: number) {
  const { study, inputs } = await prepare(setup);
  const control = openControl();
  let seen = 0;
  let seenAtPause = 0;
  let seenAfterPause = 0;
  let toldPaused = false;
  const onTrial = () => {
    if (++seen !== 3) return;
    control.gate.pause();
    seenAtPause = seen;
    setTimeout(() => {
      seenAfterPause = seen;
      control.gate.resume();
    }, ms);
  };
  const onProgress = ({ step }: StudyProgress) => {
    toldPaused ||= step === 'paused';
  };
  const result = await runStudy(study, inputs, { onTrial, onProgress }, control);
  return { study: finished(result), seenAtPause, seenAfterPause, toldPaused };
}

/** Starts a study that is kept after each visit, and returns in the middle of the run, once this many updates are kept. */
export async function startKept(setup: Setup, updates: number): Promise<string> {
  const { study, inputs } = await prepare(setup);
  await saveStudy(study);
  await new Promise<void>((resolve) => {
    let kept = 0;
    const onTrial = async (trial: Trial) => {
      await saveTrial(trial);
      if (++kept < updates) return;
      resolve();
      // Holds the run here, so that it cannot reach its end before the page is closed.
      await new Promise<never>(() => {});
    };
    void runStudy(study, inputs, { onTrial, onProgress: () => {} }, openControl());
  });
  return study.id;
}

/** What is kept of a study, before and after going on with it here. */
export async function resumeKept(setup: Setup, id: string) {
  const { inputs } = await prepare(setup);
  const before = await loadStudy(id);
  if (!before) throw new Error('no such study');
  const result = await runStudy(before, inputs, { onTrial: saveTrial, onProgress: () => {} }, openControl());
  return { before, after: finished(result), kept: await loadStudy(id) };
}
