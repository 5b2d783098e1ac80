import { assert } from '../base/assert.ts';
import { InputError, orThrow, toFailure } from '../base/result.ts';
import { chooseProvider, chooseThreads, detectEnvironment } from '../clients/capabilities.ts';
import { openModelClient } from '../clients/model-client.ts';
import { expectStudy } from '../clients/expect-study.ts';
import { findPreprocessing } from '../clients/find-preprocessing.ts';
import { createPauseGate } from '../clients/pause-gate.ts';
import { runStudy, type StudyInputs } from '../clients/run-study.ts';
import { classNamesOf } from '../data/class-names.ts';
import { describeMisfit } from '../data/describe-misfit.ts';
import { guessPreprocessing } from '../data/guess-preprocessing.ts';
import { givenPreprocessing } from '../data/preprocessing-metadata.ts';
import { type CountedSize, isCountedAt } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type {
  ChannelsWanted,
  HeadlessApi,
  HeadlessOptions,
  HeadlessState,
  HeadlessSummary,
  PlanGiven,
  ReportName,
} from '../protocol/headless-api.ts';
import { blockScanCsv } from '../study/block-scan.ts';
import { serialiseCalibrations } from '../study/calibration-json.ts';
import { defaultRecipes } from '../study/default-strategies.ts';
import type { StudyDesign } from '../study/design/design.ts';
import { parseDesign } from '../study/design/read-design.ts';
import { newStudy, withPredictions } from '../study/new-study.ts';
import { PROTOCOLS } from '../study/plan.ts';
import { pruneScanCsv } from '../study/prune-csv.ts';
import { recipeToRank } from '../study/prune-target.ts';
import { serialiseStatistics } from '../study/statistics-json.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import { makeStrategy } from '../study/strategy-id.ts';
import type { Environment, StudiedModel, Study } from '../study/trial.ts';
import { serialiseHeads } from '../transforms/exits/trained-head.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { distinctlyNamed, namedOnModel } from '../transforms/recipe-name.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import { addFileInputs, type ModelFiles, modelFiles, openData, planFiles } from './headless-files.ts';
import { calibratedFor, formsFor, seenFor, trainedFor } from './headless-learning.ts';
import { noModelHere, planToRun } from './headless-plan.ts';
import { blocksFoundFor, type ChannelsFound, channelsFoundFor, channelsToScan } from './headless-pruning.ts';
import { learntReports, recipesText, studyReports, summaryOf } from './headless-reports.ts';

declare global {
  var paretoscopeHeadless: HeadlessApi | undefined;
}

/** Makes the page a lab for scripts: no interface, `globalThis.paretoscopeHeadless` instead. */
export function installHeadless(): void {
  const inputs = addFileInputs();
  let state: HeadlessState = { kind: 'idle' };
  let log: string[] = [];
  const reports = new Map<ReportName, string>();
  const ends = new AbortController();
  const tell = (line: string) => log.push(line);

  async function run(options: HeadlessOptions): Promise<HeadlessSummary> {
    const startedMs = performance.now();
    const environment = await detectEnvironment();
    if (options.plan !== undefined) return runPlan(options, options.plan, environment, startedMs);
    const model = await modelFiles(options.model, inputs);
    const size = options.inputSize ?? {};
    const { view: opened, api, refuse, close } = await openModel(model, size);
    const data = await openData(options.data, size, inputs, async () => opened);
    const { dataset } = data;
    const guess = guessPreprocessing(opened, dataset, dataset.imageSize ?? null, size).preprocessing;
    const misfit = describeMisfit(opened, dataset, guess);
    if (misfit) throw new InputError(misfit);
    const isCounted = isCountedAt(opened, guess);
    const view = isCounted ? opened : orThrow(await api.countAt(guess));
    for (const warning of [...view.warnings, ...dataset.warnings]) tell(warning);
    const provider = options.provider ?? chooseProvider(environment, view.totals.macs);
    const threads = options.threads ?? chooseThreads(environment);
    const { preprocessing, reasons } =
      options.preprocessing === undefined
        ? await findPreprocessing({ view, data, model: api, threads, size }, tell, ends.signal)
        : { preprocessing: givenPreprocessing(options.preprocessing, guess), reasons: ['as given'] };
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
      classNames: classNamesOf(data.dataset, view, preprocessing.classOffset),
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
      options,
      startedMs,
    );
  }

  async function runPlan(
    options: HeadlessOptions,
    { text, models }: PlanGiven,
    environment: Environment,
    startedMs: number,
  ): Promise<HeadlessSummary> {
    const design = parseDesign(text);
    const filesOf = planFiles(models, inputs);
    const data = await openData(options.data, {}, inputs, () => firstView(design, filesOf));
    const { study, inputs: given } = await planToRun(
      design,
      { data, environment },
      filesOf,
      tell,
      ends.signal,
    );
    const learnt = learntReports((name, report) => reports.set(name, report));
    return runToReports(study, given, options, startedMs, learnt);
  }

  async function runToReports(
    planned: Study,
    given: StudyInputs,
    options: HeadlessOptions,
    startedMs: number,
    learnt: ReturnType<typeof learntReports> = {},
  ): Promise<HeadlessSummary> {
    const outcome = await runStudy(
      planned,
      given,
      {
        ...learnt,
        onTrial: () => {},
        onProgress: (progress) => {
          if (state.kind === 'working') state = { kind: 'working', progress };
        },
      },
      { signal: ends.signal, gate: createPauseGate() },
    );
    const study = orThrow(outcome);
    for (const [name, text] of studyReports(study, options.asked ?? null)) reports.set(name, text);
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

/** The first model of a plan that is here. */
async function firstView(
  { models }: StudyDesign,
  filesOf: (model: StudiedModel) => Promise<ModelFiles | null>,
): Promise<GraphView> {
  for (const model of models) {
    const files = await filesOf(model);
    if (files === null) continue;
    const { view, close } = await openModel(files, {});
    close();
    return view;
  }
  throw new InputError(noModelHere);
}

async function suitable(
  view: GraphView,
  refuse: (recipe: NamedRecipe) => Promise<boolean>,
): Promise<readonly NamedRecipe[]> {
  const recipes: NamedRecipe[] = [];
  for (const recipe of defaultRecipes(view)) if (!(await refuse(recipe))) recipes.push(recipe);
  return recipes;
}
