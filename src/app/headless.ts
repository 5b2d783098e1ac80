import { assert, defined, unreachable } from '../base/assert.ts';
import { InputError, type Result, toFailure } from '../base/result.ts';
import { formatShare } from '../base/units.ts';
import { chooseProvider, chooseThreads, detectEnvironment } from '../clients/capabilities.ts';
import { openDataClient } from '../clients/data-client.ts';
import { openModelClient } from '../clients/model-client.ts';
import { expectStudy } from '../clients/expect-study.ts';
import { createPauseGate } from '../clients/pause-gate.ts';
import { runStudy } from '../clients/run-study.ts';
import { type CalibrationSubject, createCalibrator } from '../clients/study-calibration.ts';
import { createFormDecider } from '../clients/study-forms.ts';
import { type ExitTraining, trainExits } from '../clients/train-exits.ts';
import { type PreprocessingTrial, tryPreprocessings } from '../clients/try-preprocessings.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import {
  candidatePreprocessings,
  guessPreprocessing,
  type PreprocessingCandidate,
} from '../data/guess-preprocessing.ts';
import { noiseDataset } from '../data/noise-dataset.ts';
import { bestCandidate, candidateName, reasonsWithScore } from '../data/rank-preprocessings.ts';
import { type CountedSize, isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type {
  HeadlessApi,
  HeadlessOptions,
  HeadlessState,
  HeadlessSummary,
  ReportName,
} from '../protocol/headless-api.ts';
import { serialiseCalibrations } from '../study/calibration-json.ts';
import { samplesCsv, trialsCsv } from '../study/csv.ts';
import { defaultRecipes } from '../study/default-strategies.ts';
import { leavesFormOpen } from '../study/forms/choose-form.ts';
import { figureSentences, type FormFigures } from '../study/forms/form-figures.ts';
import { type AxisId, defaultVerticalAxis, trialMetrics } from '../study/metrics.ts';
import { newStudy } from '../study/new-study.ts';
import { frontOfTrials } from '../study/pareto.ts';
import { PROTOCOLS } from '../study/plan.ts';
import { frontSvg } from '../study/plot-svg.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import { serialiseStudy } from '../study/study-json.ts';
import type { Environment, Strategy, Study } from '../study/trial.ts';
import { backboneKey, backboneOf } from '../transforms/exits/backbone.ts';
import { DEFAULT_HEAD_SEED, serialiseHeads, type TrainedHead } from '../transforms/exits/trained-head.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import { trainedExitsOf } from '../transforms/exits/trained-placement.ts';
import { recipeLabel } from '../transforms/parse-recipe.ts';
import { distinctlyNamed, namedOnModel } from '../transforms/recipe-name.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';

declare global {
  var paretoscopeHeadless: HeadlessApi | undefined;
}

interface ModelFiles {
  readonly fileName: string;
  readonly file: Blob;
  readonly externalFiles: readonly { readonly location: string; readonly file: Blob }[];
}

/** Makes the page a lab for scripts: no interface, `globalThis.paretoscopeHeadless` instead. */
export function installHeadless(): void {
  const inputs = {
    model: fileInput('model-files'),
    files: fileInput('data-files'),
    folder: fileInput('data-folder'),
  };
  inputs.folder.webkitdirectory = true;
  let state: HeadlessState = { kind: 'idle' };
  let log: string[] = [];
  const reports = new Map<ReportName, string>();
  const ends = new AbortController();
  const tell = (line: string) => log.push(line);

  async function run(options: HeadlessOptions): Promise<HeadlessSummary> {
    const startedMs = performance.now();
    const environment = await detectEnvironment();
    const model = await modelFiles(options, inputs.model);
    const size = options.inputSize ?? {};
    const { view: opened, api, refuse, close } = await openModel(model, size);
    const data = await openData(options, inputs, opened);
    const { dataset } = data;
    const guess = guessPreprocessing(opened, dataset, dataset.imageSize ?? null, size).preprocessing;
    const misfit = describeMisfit(opened, dataset, guess);
    if (misfit) throw new InputError(misfit);
    const isCounted = isCountedAt(opened, guess);
    const view = isCounted ? opened : valueOf(await api.countAt(guess));
    for (const warning of [...view.warnings, ...dataset.warnings]) tell(warning);
    const provider = options.provider ?? chooseProvider(environment, view.totals.macs);
    const threads = options.threads ?? chooseThreads(environment);
    const { preprocessing, reasons } = await findPreprocessing(
      { view, data, model: api, threads, size },
      tell,
      ends.signal,
    );
    tell(`Preprocessing: ${reasons.join('; ')}.`);
    const recipes = distinctlyNamed(
      options.recipes
        ? parseStrategies(JSON.parse(options.recipes)).map((given) => ({
            ...given,
            ...namedOnModel(given, view),
          }))
        : (await suitable(view, refuse)).map((named) => ({ ...named, placement: null })),
    );
    const place = { provider, threads };
    const subjectOfHeads = { modelId: view.modelId, data, preprocessing, ...place };
    const heads = await trainedFor(recipes, { model: api, ...subjectOfHeads }, tell, ends.signal);
    if (heads.length > 0) reports.set('heads.json', serialiseHeads(heads));
    const protocol = PROTOCOLS[options.protocol];
    const subject = {
      name: `${model.fileName} on ${data.dataset.name}`,
      modelId: view.modelId,
      modelName: model.fileName,
      datasetId: data.dataset.id,
      datasetName: data.dataset.name,
      classNames: data.dataset.classNames,
      preprocessing,
      protocol,
      environment,
    };
    const strategies = recipes.map((given) =>
      makeStrategy(view.modelId, given, provider, threads, given.placement),
    );
    tell(
      `Measuring ${strategies.length} strategies on ${provider}, ${threads} threads, ${protocol.name} protocol.`,
    );
    const bare = newStudy(subject, strategies, Date.now());
    await api.useHeads(heads);
    const forms = await formsFor(strategies, environment, api, tell, ends.signal);
    const calibrations = await calibratedFor(recipes, { model: api, ...subjectOfHeads }, tell, ends.signal);
    if (calibrations.length > 0) reports.set('calibration.json', serialiseCalibrations(calibrations));
    const expecting = { study: bare, model: api, view, data, preprocessing, ...place };
    const planned = options.isProfiled ? await expectStudy(expecting, tell, ends.signal) : bare;
    close();
    const { file: modelFile, fileName, externalFiles } = model;
    const outcome = await runStudy(
      planned,
      { modelFile, fileName, externalFiles, data, environment, heads, calibrations, forms },
      {
        onTrial: () => {},
        onProgress: (progress) => {
          if (state.kind === 'working') state = { kind: 'working', progress };
        },
      },
      { signal: ends.signal, gate: createPauseGate() },
    );
    const study = valueOf(outcome);
    writeReports(study);
    return summaryOf(study, ends.signal.aborted, performance.now() - startedMs);
  }

  function writeReports(study: Study): void {
    const { trials } = study;
    reports.set('trials.csv', trialsCsv(trials));
    reports.set('samples.csv', samplesCsv(trials));
    reports.set('study.json', serialiseStudy(study));
    const title = `Accuracy against latency: ${study.modelName}`;
    const subtitle = `${study.datasetName} · ${study.protocol.name} protocol · ${trials[0]?.environment.platform ?? ''}`;
    const y: AxisId = defaultVerticalAxis(trials);
    reports.set('front.svg', frontSvg(trials, { x: 'latencyMedianMs', y, title, subtitle }));
  }

  globalThis.paretoscopeHeadless = {
    start(options) {
      assert(state.kind === 'idle', 'one study per page');
      state = { kind: 'working', progress: null };
      run(options).then(
        (summary) => {
          state = { kind: 'done', summary };
        },
        (thrown: unknown) => {
          state = { kind: 'failed', failure: toFailure(thrown) };
        },
      );
    },
    poll() {
      const lines = log;
      log = [];
      return { state, log: lines };
    },
    cancel: () => ends.abort(),
    report: (name, from, to) => (reports.get(name) ?? '').slice(from, to),
  };
}

/** Hidden inputs, because files given through them are read in place, however large. */
function fileInput(id: string): HTMLInputElement {
  const input = document.createElement('input');
  input.type = 'file';
  input.id = id;
  input.multiple = true;
  input.hidden = true;
  document.body.append(input);
  return input;
}

async function modelFiles({ model }: HeadlessOptions, input: HTMLInputElement): Promise<ModelFiles> {
  switch (model.kind) {
    case 'sample':
      return { fileName: 'digits.onnx', file: await fetchOwn('samples/digits.onnx'), externalFiles: [] };
    case 'zoo': {
      const fileName = `${model.name}.onnx`;
      return { fileName, file: await fetchOwn(`samples/zoo/${fileName}`), externalFiles: [] };
    }
    case 'files': {
      const [file, ...others] = input.files ?? [];
      assert(file && others.length === model.externalLocations.length, 'one file for each location');
      const externalFiles = others.map((other, index) => ({
        location: model.externalLocations[index] as string,
        file: other,
      }));
      return { fileName: file.name, file, externalFiles };
    }
    default:
      return unreachable(model);
  }
}

/** Opens the model for its graph; `refuse` tells whether a recipe cannot be applied to it. */
async function openModel(
  { file, fileName, externalFiles }: ModelFiles,
  size: CountedSize,
): Promise<{
  view: GraphView;
  api: ModelApi;
  refuse: (recipe: NamedRecipe) => Promise<boolean>;
  close: () => void;
}> {
  const client = openModelClient();
  const view = valueOf(await client.api.open(file, fileName, externalFiles, size));
  return {
    view,
    api: client.api,
    refuse: async ({ recipe }) => !(await client.api.check(recipe)).ok,
    close: () => client.terminate(),
  };
}

/** Trains the exits that recipes name, on half of the images, before anything is measured. */
async function trainedFor(
  recipes: readonly NamedRecipe[],
  job: Omit<ExitTraining, 'values' | 'seed' | 'backbone' | 'choice'>,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly TrainedHead[]> {
  const trainings = new Map<string, { seed: number; backbone: Recipe; values: Set<string> }>();
  for (const { recipe } of recipes) {
    const { at = [], seed = DEFAULT_HEAD_SEED } = trainedExitsOf(recipe) ?? {};
    if (at.length === 0) continue;
    const key = `${seed} ${backboneKey(recipe)}`;
    const training = trainings.get(key) ?? { seed, backbone: backboneOf(recipe), values: new Set() };
    for (const value of at) training.values.add(value);
    trainings.set(key, training);
  }
  const heads: TrainedHead[] = [];
  for (const { seed, backbone, values } of trainings.values()) {
    tell(
      `Training ${values.size} ${values.size === 1 ? 'exit' : 'exits'}${backbone.length > 0 ? ` for ${recipeLabel(backbone)}` : ''}.`,
    );
    const trained = valueOf(
      await trainExits({ ...job, values: [...values], seed, backbone }, () => {}, signal),
    );
    for (const { value, training } of trained)
      tell(`  ${formatShare(training.validationAccuracy)} on validation images at ${value}`);
    heads.push(...trained);
  }
  return heads;
}

/** Compares forms where strategies leave theirs to the device, before anything is calibrated. */
async function formsFor(
  strategies: readonly Strategy[],
  environment: Environment,
  model: ModelApi,
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly FormFigures[]> {
  const open = strategies.find(({ recipe }) => leavesFormOpen(recipe));
  if (open === undefined) return [];
  tell('Comparing the forms that layers can be quantized in.');
  const decider = createFormDecider(environment, [], (figures) => {
    for (const sentence of figureSentences(figures)) tell(`  ${sentence}`);
  });
  // All run in the same place; what fails here, the study tells again.
  await decider.prepare(model, open, () => {}, signal);
  return decider.all();
}

/** Learns the ranges that recipes need, before anything is profiled or measured. */
async function calibratedFor(
  recipes: readonly NamedRecipe[],
  { model, ...subject }: CalibrationSubject & { readonly model: ModelApi },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<readonly Calibration[]> {
  const all = recipes.map(({ recipe }) => recipe);
  const calibrator = createCalibrator(subject, [], all, ({ images, ranges }) =>
    tell(`Calibrated ${ranges.size} values on ${images} images.`),
  );
  for (const { name, recipe } of recipes) {
    const prepared = await calibrator.prepare(model, recipe, () => {}, signal);
    // The study tells it again where the strategy fails.
    if (!prepared.ok && !signal.aborted) tell(`${name} could not be calibrated: ${prepared.failure.message}`);
  }
  return calibrator.all();
}

/** The guess; where labelled images can tell, the best of the plausible ones. */
async function findPreprocessing(
  {
    view,
    data,
    size,
    ...rest
  }: Omit<PreprocessingTrial, 'candidates'> & { readonly view: GraphView; readonly size: CountedSize },
  tell: (line: string) => void,
  signal: AbortSignal,
): Promise<PreprocessingCandidate> {
  const { dataset } = data;
  const candidates = candidatePreprocessings(view, dataset, dataset.imageSize ?? null, size);
  const guess = defined(candidates[0], 'a guess');
  const isLabelled = data.dataset.items.some(({ label }) => label !== null);
  if (candidates.length < 2 || !isLabelled || view.hollow) return guess;
  tell(`Trying ${candidates.length} normalizations on labelled images.`);
  const tried = await tryPreprocessings({ ...rest, data, candidates }, () => {}, signal);
  if (!tried.ok) {
    tell(`They could not be tried: ${tried.failure.message}`);
    return guess;
  }
  for (const { candidate, correct, images } of tried.value)
    tell(`  ${correct} of ${images} right: ${candidateName(candidate)}`);
  const best = bestCandidate(tried.value);
  return best
    ? { preprocessing: best.candidate.preprocessing, reasons: reasonsWithScore(best, candidates.length) }
    : guess;
}

async function suitable(
  view: GraphView,
  refuse: (recipe: NamedRecipe) => Promise<boolean>,
): Promise<readonly NamedRecipe[]> {
  const recipes: NamedRecipe[] = [];
  for (const recipe of defaultRecipes(view)) if (!(await refuse(recipe))) recipes.push(recipe);
  return recipes;
}

async function openData(
  { data, inputSize }: HeadlessOptions,
  inputs: { readonly files: HTMLInputElement; readonly folder: HTMLInputElement },
  view: GraphView,
): Promise<LoadedDataset> {
  switch (data) {
    case 'noise': {
      const { preprocessing } = guessPreprocessing(view, null, null, inputSize ?? {});
      const { dataset, pack } = noiseDataset(preprocessing);
      return { dataset, pack: new Blob([pack]) };
    }
    case 'sample':
      return openFiles([{ path: 'digits.zip', file: await fetchOwn('samples/digits.zip') }], 'digits.zip');
    case 'files':
    case 'folder': {
      const files = [...(inputs[data].files ?? [])];
      const paths = files.map((file) => file.webkitRelativePath || file.name);
      const name = (data === 'folder' ? paths[0]?.split('/')[0] : paths[0]) ?? 'images';
      return openFiles(
        files.map((file, index) => ({ path: paths[index] as string, file })),
        name,
      );
    }
    default:
      return unreachable(data);
  }
}

async function openFiles(
  files: readonly { readonly path: string; readonly file: Blob }[],
  name: string,
): Promise<LoadedDataset> {
  const client = openDataClient();
  try {
    return valueOf(await client.api.open(files, name, () => {}));
  } finally {
    client.terminate();
  }
}

/** A file of the app itself. */
async function fetchOwn(path: string): Promise<Blob> {
  const response = await fetch(new URL(path, document.baseURI));
  if (!response.ok) {
    throw new InputError({ code: 'not-found', message: `${path}: HTTP ${response.status}`, where: path });
  }
  return response.blob();
}

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new InputError(result.failure);
  return result.value;
}

function summaryOf(study: Study, wasCancelled: boolean, elapsedMs: number): HeadlessSummary {
  const { trials } = study;
  const quality = trials.some((trial) => trial.accuracy?.top1Correct != null) ? 'accuracyTop1' : 'agreement';
  const strategy = trials[0]?.strategy;
  const done = trials.filter((trial) => trial.state.kind === 'done').length;
  const failed = trials.flatMap(({ strategy: { name }, state }) =>
    state.kind === 'failed' ? [{ strategy: name, reason: state.message }] : [],
  );
  return {
    model: study.modelName,
    dataset: study.datasetName,
    preprocessing: trials[0]?.preprocessing ?? null,
    provider: strategy?.provider ?? 'wasm',
    threads: strategy?.threads ?? 1,
    wasCancelled,
    trials: { done, unfinished: trials.length - done - failed.length, failed },
    quality,
    front: frontOfTrials(trials, ['latencyMedianMs', quality]).map((trial) => ({
      strategy: trial.strategy.name,
      latencyMedianMs: trialMetrics(trial).latencyMedianMs?.value ?? Number.NaN,
      quality: trialMetrics(trial)[quality]?.value ?? Number.NaN,
    })),
    elapsedMs,
  };
}
