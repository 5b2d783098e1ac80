import { assert, unreachable } from '../base/assert.ts';
import { InputError, orThrow, toFailure } from '../base/result.ts';
import { chooseProvider, chooseThreads, detectEnvironment } from '../clients/capabilities.ts';
import { openDataClient } from '../clients/data-client.ts';
import { openModelClient } from '../clients/model-client.ts';
import { expectStudy } from '../clients/expect-study.ts';
import { findPreprocessing } from '../clients/find-preprocessing.ts';
import { createPauseGate } from '../clients/pause-gate.ts';
import { runStudy, type StudyInputs } from '../clients/run-study.ts';
import type { StudyModelInputs } from '../clients/study-model.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import { guessPreprocessing } from '../data/guess-preprocessing.ts';
import { noiseDataset } from '../data/noise-dataset.ts';
import { type CountedSize, isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type {
  ChannelsWanted,
  HeadlessApi,
  HeadlessOptions,
  HeadlessState,
  HeadlessSummary,
  ReportName,
} from '../protocol/headless-api.ts';
import { blockScanCsv } from '../study/block-scan.ts';
import { serialiseCalibrations } from '../study/calibration-json.ts';
import { samplesCsv, trialsCsv } from '../study/csv/study-csv.ts';
import { compareDevices } from '../study/compare/compare-devices.ts';
import { factsOf } from '../study/compare/strategy-facts.ts';
import { comparisonsCsv } from '../study/csv/comparison-columns.ts';
import { defaultRecipes } from '../study/default-strategies.ts';
import { type AxisId, defaultVerticalAxis, trialMetrics } from '../study/metrics.ts';
import { newStudy, withPredictions } from '../study/new-study.ts';
import { frontOfTrials } from '../study/pareto.ts';
import { PROTOCOLS } from '../study/plan.ts';
import { frontSvg } from '../study/plot-svg.ts';
import { pruneScanCsv } from '../study/prune-csv.ts';
import { recipeToRank } from '../study/prune-plan.ts';
import { adviceForWishes } from '../study/recommend/advice-text.ts';
import { serialiseStatistics } from '../study/statistics-json.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import { serialiseStudy } from '../study/study-json.ts';
import type { StudiedModel, Study } from '../study/trial.ts';
import { serialiseHeads } from '../transforms/exits/trained-head.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { distinctlyNamed, namedOnModel } from '../transforms/recipe-name.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import { calibratedFor, formsFor, seenFor, trainedFor } from './headless-learning.ts';
import { planToRun } from './headless-plan.ts';
import { blocksFoundFor, type ChannelsFound, channelsFoundFor, channelsToScan } from './headless-pruning.ts';

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
    const model = await modelFiles(options.model, inputs.model);
    const size = options.inputSize ?? {};
    const { view: opened, api, refuse, close } = await openModel(model, size);
    const data = await openData(options, inputs, opened);
    if (options.plan !== undefined) {
      close();
      const { modelId } = opened;
      const filesOf = (wanted: StudiedModel) => filesOfPlan(wanted, { modelId, model });
      const { study, inputs: given } = await planToRun(
        options.plan,
        { data, environment },
        filesOf,
        tell,
        ends.signal,
      );
      return runToReports(study, given, startedMs);
    }
    const { dataset } = data;
    const guess = guessPreprocessing(opened, dataset, dataset.imageSize ?? null, size).preprocessing;
    const misfit = describeMisfit(opened, dataset, guess);
    if (misfit) throw new InputError(misfit);
    const isCounted = isCountedAt(opened, guess);
    const view = isCounted ? opened : orThrow(await api.countAt(guess));
    for (const warning of [...view.warnings, ...dataset.warnings]) tell(warning);
    const provider = options.provider ?? chooseProvider(environment, view.totals.macs);
    const threads = options.threads ?? chooseThreads(environment);
    const { preprocessing, reasons } = await findPreprocessing(
      { view, data, model: api, threads, size },
      tell,
      ends.signal,
    );
    tell(`Preprocessing: ${reasons.join('; ')}.`);
    const asked = distinctlyNamed(
      options.recipes
        ? parseStrategies(JSON.parse(options.recipes)).map((given) => ({
            ...given,
            ...namedOnModel(given, view),
          }))
        : (await suitable(view, refuse)).map((named) => ({ ...named, placement: null })),
    );
    const place = { provider, threads };
    const subjectOfHeads = { modelId: view.modelId, data, preprocessing, ...place };
    const scanned = { view, model: api, data, preprocessing, threads };
    const blocks = await blocksFoundFor(asked, scanned, tell, ends.signal);
    if (blocks.scan !== null) reports.set('blocks.csv', blockScanCsv(blocks.scan, view));
    const channels = options.channels
      ? await channelsFound(blocks.recipes, options.channels, { ...scanned, ...subjectOfHeads })
      : null;
    const recipes = distinctlyNamed([...blocks.recipes, ...(channels?.recipes ?? [])]);
    if (blocks.recipes !== asked || channels !== null) reports.set('recipes.json', recipesText(recipes));
    const statistics = await seenFor(recipes, { model: api, ...subjectOfHeads }, tell, ends.signal);
    if (statistics.length > 0) reports.set('statistics.json', serialiseStatistics(statistics));
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
    const formSubject = { environment, data, preprocessing };
    const forms = await formsFor(strategies, formSubject, api, tell, ends.signal);
    const calibrations = await calibratedFor(recipes, { model: api, ...subjectOfHeads }, tell, ends.signal);
    if (calibrations.length > 0) reports.set('calibration.json', serialiseCalibrations(calibrations));
    const expecting = { study: bare, model: api, view, data, preprocessing, ...place };
    const expected = options.isProfiled ? await expectStudy(expecting, tell, ends.signal) : bare;
    const planned = channels === null ? expected : withSeen(expected, channels.seen);
    close();
    const { file: modelFile, fileName, externalFiles } = model;
    return runToReports(
      planned,
      { modelFile, fileName, externalFiles, data, environment, heads, calibrations, statistics, forms },
      startedMs,
    );
  }

  async function runToReports(
    planned: Study,
    given: StudyInputs,
    startedMs: number,
  ): Promise<HeadlessSummary> {
    const outcome = await runStudy(
      planned,
      given,
      {
        onTrial: () => {},
        onProgress: (progress) => {
          if (state.kind === 'working') state = { kind: 'working', progress };
        },
      },
      { signal: ends.signal, gate: createPauseGate() },
    );
    const study = orThrow(outcome);
    writeReports(study);
    return summaryOf(study, ends.signal.aborted, performance.now() - startedMs);
  }

  async function channelsFound(
    recipes: readonly NamedRecipe[],
    { targets }: ChannelsWanted,
    job: Parameters<typeof channelsFoundFor>[2] & Parameters<typeof seenFor>[1],
  ) {
    const recipe = channelsToScan(recipes);
    // Some rankings look at images before.
    await seenFor([{ name: 'The scan', recipe: recipeToRank(recipe) }], job, tell, ends.signal);
    const found = await channelsFoundFor(recipe, targets, job, tell, ends.signal);
    reports.set('pruning-sensitivity.csv', pruneScanCsv(found.scan));
    return { ...found, recipes: found.recipes.map((named) => ({ ...named, placement: null })) };
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
    const facts = trials.map(factsOf);
    reports.set(
      'comparisons.csv',
      comparisonsCsv(compareDevices(facts, 'holm', y === 'rawBytes' ? null : y)),
    );
    reports.set('advice.txt', adviceForWishes(facts));
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

/** The study with what was seen of the answers of ratios that were found, where times are expected. */
function withSeen(study: Study, seen: ChannelsFound['seen']): Study {
  const expected = new Map(study.trials.map(({ strategy, predicted }) => [strategy, predicted]));
  return withPredictions(study, (strategy) => {
    const predicted = expected.get(strategy);
    return predicted && { ...predicted, ...seen.get(JSON.stringify(normaliseRecipe(strategy.recipe))) };
  });
}

/** What `--recipes` of another study takes, and one of them `--recipe` of `transform`. */
function recipesText(recipes: readonly NamedRecipe[]): string {
  return JSON.stringify(
    recipes.map(({ name, recipe }) => ({ name, recipe })),
    null,
    2,
  );
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

/** A plan's model: the one given, else one that the lab brings along; null if it is neither. */
async function filesOfPlan(
  { modelId, modelName, source }: StudiedModel,
  given: { readonly modelId: string; readonly model: ModelFiles },
): Promise<StudyModelInputs | null> {
  // A file of the same name is opened, to be told that it is another model.
  const isGiven = modelId === given.modelId || (source === undefined && modelName === given.model.fileName);
  const own = source === 'sample' ? ({ kind: 'sample' } as const) : zooModel(source);
  if (!isGiven && own === null) return null;
  const {
    file: modelFile,
    fileName,
    externalFiles,
  } = isGiven || own === null ? given.model : await modelFiles(own, null);
  return { modelFile, fileName, externalFiles };
}

function zooModel(source: string | undefined): HeadlessOptions['model'] | null {
  const name = /^zoo:(\w+)$/.exec(source ?? '')?.[1];
  return name === undefined ? null : { kind: 'zoo', name };
}

async function modelFiles(
  model: HeadlessOptions['model'],
  input: HTMLInputElement | null,
): Promise<ModelFiles> {
  switch (model.kind) {
    case 'sample':
      return { fileName: 'digits.onnx', file: await fetchOwn('samples/digits.onnx'), externalFiles: [] };
    case 'zoo': {
      const fileName = `${model.name}.onnx`;
      return { fileName, file: await fetchOwn(`samples/zoo/${fileName}`), externalFiles: [] };
    }
    case 'files': {
      const [file, ...others] = input?.files ?? [];
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
  const view = orThrow(await client.api.open(file, fileName, externalFiles, size));
  return {
    view,
    api: client.api,
    refuse: async ({ recipe }) => !(await client.api.check(recipe)).ok,
    close: () => client.terminate(),
  };
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
    return orThrow(await client.api.open(files, name, () => {}));
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
