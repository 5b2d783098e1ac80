import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { type BrowserContext, chromium, type JSHandle, type Page } from '@playwright/test';
import { type Failure, InputError } from '../base/result.ts';
import { formatMs } from '../base/units.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import { externalLocations } from '../onnx/external-data.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { Model } from '../onnx/model.ts';
import type {
  HeadlessApi,
  HeadlessOptions,
  HeadlessState,
  HeadlessSummary,
  ReportName,
} from '../protocol/headless-api.ts';
import type { PruneTarget } from '../study/prune-target.ts';
import { parseDesign } from '../study/design/read-design.ts';
import { readAsked } from '../study/recommend/read-asked.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import type { StudiedModel } from '../study/trial.ts';
import { buildIfStale } from './ensure-built.ts';
import { failureHelp } from './failure-help.ts';
import { findBrowser } from './find-browser.ts';
import { checkInputSize, inputSizeProblem, readInputSize } from './input-size.ts';
import { mergeStudies } from './merge-studies.ts';
import { openModelArgument, resolveUserPath } from './open-model-argument.ts';
import { serveBuilt } from './static-server.ts';

const usage = `npm run -s study -- [options] --out DIR
       npm run -s study -- --merge study.json study.json ... --out DIR
  --model FILE|sample|zoo:NAME   default: sample, the bundled model
  --data FILE|DIR|sample         images; may be given several times (IDX images and labels);
                                 default: the bundled ones for the bundled model, else random noise
  --recipes FILE.json            default: a set that suits the model
  --plan plan.json               a plan made in the app (Design a study), in place of recipes, provider, threads,
                                 protocol and input size; --model, maybe several times: those of its models that
                                 are files, told by their content
  --provider wasm|webgpu         default: what suits this device
  --threads N                    default: what suits this device
  --scan                         looks first what each group of channels is worth alone: pruning-sensitivity.csv
  --allocate KIND=SHARE          finds ratios for groups of channels that leave so much of the macs, params, bytes or
                                 latency (macs=0.5), and measures them, too; may be given several times. Both look
                                 into the first recipe's step that prunes channels, or else into ranking by l1
  --protocol quick|standard      default: quick
  --input-size HxW               of models that leave it open: images become this large (N: sequences of N, too);
                                 default: that of small images, else 224x224
  --preprocessing JSON|FILE.json how images are prepared, in place of what suits them: fields of what the
                                 result tells as preprocessing, such as {"channelOrder":"BGR","scale":1,"ignoredLabel":11}
  --no-profile                   does not measure the model's nodes first: nothing is predicted, and study.json
                                 cannot stand for a tier with recipes that it did not run
  --advice LIST                  what to advise on, such as wish=fastest,accuracyLoss=0.01,p90Ms=20; also rawBytes,
                                 heapBytes, tiers=mobile+edge, bandwidthMbps, rttMs; default: each wish, no limits
  --merge                        measures nothing: puts the study.json files (or .json.gz, .zip) that follow, as
                                 from several devices, beside each other in devices.csv, devices.txt and
                                 devices.svg, and advises on all of them (advice.txt, advice.json; --advice)
  --out DIR                      gets trials.csv, samples.csv, predictions.csv, study.json, front.svg, comparisons.csv
                                 (which differences are real) and advice.txt and advice.json (what to use for which
                                 wish); heads.json if exits are trained, calibration.json if static int8 was
                                 calibrated, statistics.json if pruning looked at images, recipes.json and
                                 blocks.csv or pruning-sensitivity.csv if blocks to prune, or ratios, were looked for`;

/** A wrong command line: usage and exit code 2. */
class UsageError extends Error {}

/** Everything the command line said, checked. */
interface Job {
  readonly options: HeadlessOptions;
  readonly modelFiles: readonly string[];
  readonly dataFiles: readonly string[];
  readonly outFolder: string;
}

const reportNames: readonly ReportName[] = [
  'trials.csv',
  'samples.csv',
  'study.json',
  'front.svg',
  'predictions.csv',
  'comparisons.csv',
  'advice.txt',
  'advice.json',
  'recipes.json',
  'pruning-sensitivity.csv',
  'blocks.csv',
  'heads.json',
  'calibration.json',
  'statistics.json',
];
const pollMs = 1000;
/** Characters of a report fetched at once. */
const partLength = 4_000_000;

function readCommandLine({ values, positionals }: ReturnType<typeof parseCommandLine>): Job {
  const [unexpected] = positionals;
  if (unexpected !== undefined) throw new UsageError(`found "${unexpected}" where an option was wanted`);
  if (values.out === undefined) throw new UsageError('--out DIR is missing');
  const given = values['input-size'];
  const inputSize = given === undefined ? null : readInputSize(given);
  if (given !== undefined && inputSize === null) throw new UsageError(inputSizeProblem(given));
  const [modelArgument = 'sample', ...others] = values.model ?? [];
  const plan = values.plan === undefined ? null : readPlan(values.plan, values.model ?? []);
  if (plan === null && others.length > 0) throw new UsageError('--model: several are only for a --plan');
  const model = plan === null ? readModel(modelArgument, inputSize) : { option: noModel, files: plan.files };
  const isSample = plan === null ? modelArgument === 'sample' : plan.isSample;
  if (plan !== null && values.preprocessing !== undefined)
    throw new UsageError('--preprocessing is for one model; a --plan finds that of each of its own');
  const data = readData(values.data ?? (isSample ? ['sample'] : []));
  return {
    options: {
      model: model.option,
      data: data.option,
      ...(plan !== null && { plan: plan.given }),
      recipes: values.recipes === undefined ? null : readRecipes(values.recipes),
      provider:
        values.provider === undefined
          ? null
          : oneOf('--provider', values.provider, ['wasm', 'webgpu', 'webnn']),
      threads: values.threads === undefined ? null : readThreads(values.threads),
      protocol: oneOf('--protocol', values.protocol, ['quick', 'standard']),
      channels:
        values.scan || values.allocate !== undefined
          ? { targets: (values.allocate ?? []).map(readTarget) }
          : null,
      ...(values.preprocessing !== undefined && { preprocessing: readPreprocessing(values.preprocessing) }),
      ...(values.advice !== undefined && { asked: readAsked(values.advice) }),
      isProfiled: !values['no-profile'],
      inputSize,
    },
    modelFiles: model.files,
    dataFiles: data.files,
    outFolder: resolveUserPath(values.out),
  };
}

/** JSON, or the text of a file. */
function readPreprocessing(argument: string): string {
  if (argument.trimStart().startsWith('{')) return argument;
  const path = resolveUserPath(argument);
  if (!existsSync(path)) throw new UsageError(`--preprocessing: "${argument}" is neither JSON nor a file`);
  return readFileSync(path, 'utf8');
}

function parseCommandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        model: { type: 'string', multiple: true },
        plan: { type: 'string' },
        data: { type: 'string', multiple: true },
        recipes: { type: 'string' },
        provider: { type: 'string' },
        threads: { type: 'string' },
        scan: { type: 'boolean', default: false },
        allocate: { type: 'string', multiple: true },
        protocol: { type: 'string', default: 'quick' },
        'input-size': { type: 'string' },
        preprocessing: { type: 'string' },
        'no-profile': { type: 'boolean', default: false },
        advice: { type: 'string' },
        merge: { type: 'boolean', default: false },
        out: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Opens the model here first: a wrong file is told before a browser is started. */
function readModel(
  argument: string,
  inputSize: CountedSize | null,
): { option: HeadlessOptions['model']; files: readonly string[] } {
  const { model } = openModelArgument(argument);
  if (inputSize !== null) checkInputSize(model, inputSize);
  if (argument === 'sample') return { option: { kind: 'sample' }, files: [] };
  if (argument.startsWith('zoo:'))
    return { option: { kind: 'zoo', name: argument.slice('zoo:'.length) }, files: [] };
  const { locations, files } = filesBeside(argument, model);
  return { option: { kind: 'files', externalLocations: locations }, files };
}

/** A model's file, and those of its external data that lie beside it. */
function filesBeside(
  argument: string,
  model: Model,
): { readonly locations: readonly string[]; readonly files: readonly string[] } {
  const path = resolveUserPath(argument);
  const locations = externalLocations(model).filter((location) => existsSync(join(dirname(path), location)));
  return { locations, files: [path, ...locations.map((location) => join(dirname(path), location))] };
}

function readData(given: readonly string[]): { option: HeadlessOptions['data']; files: readonly string[] } {
  if (given.length === 0) {
    console.error('No images given: measuring on random noise, so accuracy and agreement mean nothing.');
    return { option: 'noise', files: [] };
  }
  if (given.length === 1 && given[0] === 'sample') return { option: 'sample', files: [] };
  const files = given.map(resolveUserPath);
  for (const file of files)
    if (!existsSync(file)) throw new Error(`${file}: there is no such file or folder`);
  const isFolder = files.map((file) => statSync(file).isDirectory());
  if (isFolder.includes(true) && files.length > 1) throw new UsageError('--data takes one folder, or files');
  return { option: isFolder[0] ? 'folder' : 'files', files };
}

/** A plan's models are not opened by name. */
const noModel = { kind: 'files', externalLocations: [] } as const;

/**
 * Read here first: a wrong plan, or a model that is none of it, is told before a browser is started.
 * @param modelArguments files of its models; those that the lab brings along need not be given
 */
function readPlan(argument: string, modelArguments: readonly string[]) {
  const path = resolveUserPath(argument);
  if (!existsSync(path)) throw new Error(`${path}: there is no such file`);
  const text = readFileSync(path, 'utf8');
  const { models } = parseDesign(text);
  const given = modelArguments.map((modelArgument) => {
    const { model, fileName } = openModelArgument(modelArgument);
    const modelId = modelFingerprint(model);
    if (!models.some((each) => each.modelId === modelId))
      throw new InputError(noneOf(fileName, modelId, models));
    return { modelId, isOwn: /^(sample|zoo:.*)$/.test(modelArgument), ...filesBeside(modelArgument, model) };
  });
  const isHere = ({ modelId, source }: StudiedModel): boolean =>
    source !== undefined || given.some((each) => each.modelId === modelId);
  const missing = models.filter((model) => !isHere(model)).map(({ modelName }) => modelName);
  if (missing.length === models.length)
    throw new UsageError(`--model FILE is missing: the plan is about ${missing.join(', ')}`);
  if (missing.length > 0) console.error(`Left out, as --model does not give it: ${missing.join(', ')}.`);
  const files = given.filter(({ isOwn }) => !isOwn);
  return {
    given: {
      text,
      models: files.map(({ modelId, locations }) => ({ modelId, externalLocations: locations })),
    },
    files: files.flatMap((each) => each.files),
    isSample: models.some(({ source }) => source === 'sample'),
  };
}

function noneOf(fileName: string, modelId: string, models: readonly StudiedModel[]): Failure {
  const wanted = models.map((model) => `${model.modelName} (${model.modelId})`).join(', ');
  return {
    code: 'model-differs',
    message: `${fileName} is none of the plan's models: found fingerprint ${modelId}, wanted ${wanted}`,
    where: fileName,
    hint: 'Give the files that the plan was made for; what they are called does not matter.',
  };
}

function readRecipes(argument: string): string {
  const path = resolveUserPath(argument);
  if (!existsSync(path)) throw new Error(`${path}: there is no such file`);
  const text = readFileSync(path, 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new Error(`${path}: not valid JSON (${error instanceof Error ? error.message : String(error)})`);
  }
  parseStrategies(json);
  return text;
}

function oneOf<const T extends string>(option: string, given: string, wanted: readonly T[]): T {
  const found = wanted.find((value) => value === given);
  if (found === undefined) throw new UsageError(`${option}: found "${given}", wanted ${wanted.join(' or ')}`);
  return found;
}

function readTarget(given: string): PruneTarget {
  const [name = '', text = ''] = given.split('=');
  const kind = oneOf('--allocate', name, ['macs', 'params', 'bytes', 'latency']);
  const share = Number(text);
  if (!(share > 0 && share < 1))
    throw new UsageError(
      `--allocate: found "${given}", wanted a share between 0 and 1 after "=", such as ${kind}=0.5`,
    );
  return { kind, share };
}

function readThreads(given: string): number {
  const threads = Number(given);
  if (!Number.isInteger(threads) || threads < 1 || threads > 64) {
    throw new UsageError(`--threads: found "${given}", wanted a whole number from 1 to 64`);
  }
  return threads;
}

/** Runs the job in a real browser on the built lab. */
async function runJob(job: Job): Promise<HeadlessSummary> {
  await buildIfStale();
  const executablePath = await findBrowser();
  const server = await serveBuilt({ host: '127.0.0.1', port: 0 });
  // A profile on disk: in a private window large models would have to fit into memory.
  const profile = mkdtempSync(join(tmpdir(), 'paretoscope-'));
  let context: BrowserContext | null = null;
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath,
      headless: true,
      // Ours: Ctrl+C is to keep what was measured.
      handleSIGINT: false,
      args: [
        '--enable-unsafe-webgpu',
        '--disable-background-networking',
        '--disable-component-update',
        '--no-first-run',
      ],
    });
    const page = context.pages()[0] ?? (await context.newPage());
    return await study(page, server.url, job);
  } finally {
    await context?.close();
    await server.close();
    rmSync(profile, { recursive: true, force: true });
  }
}

async function study(page: Page, url: string, job: Job): Promise<HeadlessSummary> {
  await page.goto(`${url}#headless`);
  const lab = await page.waitForFunction(
    () => (globalThis as { paretoscopeHeadless?: HeadlessApi }).paretoscopeHeadless as HeadlessApi,
  );
  if (job.modelFiles.length > 0) await page.setInputFiles('#model-files', [...job.modelFiles]);
  const dataInput = job.options.data === 'folder' ? '#data-folder' : '#data-files';
  if (job.dataFiles.length > 0) await page.setInputFiles(dataInput, [...job.dataFiles]);
  await lab.evaluate((api, options) => api.start(options), job.options);

  process.once('SIGINT', () => {
    console.error('\nStopping; what is measured so far is kept.');
    process.once('SIGINT', () => process.exit(130));
    void lab.evaluate((api) => api.cancel());
  });
  let told = '';
  for (;;) {
    const { state, log } = await lab.evaluate((api) => api.poll());
    for (const line of log) console.error(line);
    switch (state.kind) {
      case 'done':
        await writeReports(lab, job.outFolder);
        return state.summary;
      case 'failed':
        throw new InputError(state.failure);
      case 'idle':
      case 'working':
        if (progressLine(state) !== told) console.error((told = progressLine(state)));
        await sleep(pollMs);
    }
  }
}

function progressLine(state: HeadlessState): string {
  if (state.kind !== 'working' || !state.progress) return 'Preparing…';
  const { step, strategy, round, rounds, doneInferences, totalInferences, remainingMs } = state.progress;
  const percent = Math.floor((100 * doneInferences) / Math.max(1, totalInferences));
  const where = round === null ? '' : `, round ${round + 1} of ${rounds}`;
  const left = remainingMs === null ? '' : `, ${formatMs(remainingMs)} left`;
  return `${String(percent).padStart(3)} %  ${step} ${strategy}${where}${left}`;
}

async function writeReports(lab: JSHandle<HeadlessApi>, folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (const name of reportNames) {
    const parts: string[] = [];
    for (let from = 0; ; from += partLength) {
      const range = { name, from, to: from + partLength };
      const part = await lab.evaluate(
        (api, wanted) => api.report(wanted.name, wanted.from, wanted.to),
        range,
      );
      if (part === '') break;
      parts.push(part);
    }
    const path = join(folder, name);
    if (parts.length > 0) writeFileSync(path, parts.join(''));
    // Not one of an earlier study.
    else rmSync(path, { force: true });
  }
}

function merge({ values, positionals }: ReturnType<typeof parseCommandLine>): void {
  if (values.out === undefined) throw new UsageError('--out DIR is missing');
  if (positionals.length < 2)
    throw new UsageError(`--merge: found ${positionals.length} study files, wanted two or more`);
  const asked = values.advice === undefined ? null : readAsked(values.advice);
  console.log(JSON.stringify(mergeStudies(positionals, resolveUserPath(values.out), asked), null, 2));
}

async function main(): Promise<void> {
  const given = parseCommandLine();
  if (given.values.help) return console.log(usage);
  if (given.values.merge) return merge(given);
  const job = readCommandLine(given);
  const summary = await runJob(job);
  const { wasCancelled, trials, elapsedMs, ...rest } = summary;
  for (const { strategy, reason } of trials.failed) console.error(`${strategy} failed: ${reason}`);
  const files = reportNames.map((name) => join(job.outFolder, name)).filter((file) => existsSync(file));
  console.error(
    `Wrote ${files.map((file) => basename(file)).join(', ')} to ${job.outFolder} in ${formatMs(elapsedMs)}`,
  );
  console.log(JSON.stringify({ ...rest, trials, elapsedMs: Math.round(elapsedMs), files }, null, 2));
  if (wasCancelled) process.exit(130);
  if (trials.done === 0) process.exit(1);
}

main().catch((error: unknown) => {
  if (error instanceof UsageError) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
  console.error(error instanceof Error ? error.message : error);
  if (error instanceof InputError) for (const line of failureHelp(error.failure)) console.error(line);
  process.exit(1);
});
