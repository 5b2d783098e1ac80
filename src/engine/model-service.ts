import { defined } from '../base/assert.ts';
import { attempt, InputError } from '../base/result.ts';
import { buildGraphView } from '../onnx/build-graph-view.ts';
import { checkRunnable } from '../onnx/check-runnable.ts';
import { type CountedSize, dimsAtSize, type InputDims } from '../onnx/counted-size.ts';
import { attachExternalData, externalLocations } from '../onnx/external-data.ts';
import { isHollow, refillHollow } from '../onnx/hollow.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Model } from '../onnx/model.ts';
import { parseModel } from '../onnx/parse.ts';
import type { BuiltFiles, BuiltVariant, ModelApi } from '../protocol/model-api.ts';
import { formTrialFor, inForm, leavesFormOpen, withFormChosen } from '../study/forms/choose-form.ts';
import type { FormFigures } from '../study/forms/form-figures.ts';
import { STATIC_FORMS } from '../study/forms/forms.ts';
import type { Compared } from '../study/quality/compared.ts';
import { analyseModel } from '../transforms/analyse-model.ts';
import { type Heads, headsByKey, NO_HEADS } from '../transforms/exits/trained-head.ts';
import { hasTrainedExits } from '../transforms/exits/trained-placement.ts';
import { nodesNamedByOriginal, nodesNamedByOutput } from '../transforms/name-nodes.ts';
import {
  imagesPrunedWith,
  NO_STATISTICS,
  type Statistics,
  statisticsByKey,
} from '../transforms/prune/statistics/channel-statistics.ts';
import {
  type Calibration,
  type Calibrations,
  calibrationFor,
  calibrationsByKey,
  NO_CALIBRATIONS,
  staticOperatorOf,
} from '../transforms/quantize/calibrate/calibration.ts';
import { untilChannelsGo } from '../transforms/order-of-effect.ts';
import { isIdentity, type Recipe } from '../transforms/recipe.ts';
import type { ScannedForm } from '../transforms/quantize/sensitivity-probe.ts';
import type { Parameter } from '../transforms/variant.ts';
import { blobSource } from './blob-source.ts';
import { createGzipSizer } from './gzip-size.ts';
import { nextTask } from './next-task.ts';
import { createVariantStore, type VariantStore } from './variant-files.ts';

interface OpenModel {
  readonly model: Model;
  /** Of the file, without its ending. */
  readonly baseName: string;
  /** The file itself, if it holds the whole model: what the identity recipe gives. */
  readonly original: Blob | null;
  /** What sizes that the model leaves open are counted as. */
  readonly size: CountedSize;
}

/** The open model with what only its view tells. */
interface Opened extends OpenModel {
  readonly fileName: string;
  readonly fileBytes: number;
  /** About running it. */
  readonly notes: readonly string[];
}

/** What changes models, loaded when it is first asked for: the graph is on the screen by then. */
const building = () => import('../transforms/build-variant.ts');
const applying = () => import('../transforms/apply-recipe.ts');
const tapping = () => import('../transforms/exits/attach-head.ts');
const calibrating = () => import('../transforms/quantize/calibrate/calibration-model.ts');
const lookingAtChannels = () => import('../transforms/prune/statistics/missing-statistics.ts');
const reducing = () => import('../transforms/quantize/calibrate/extremes-model.ts');
const comparing = () => import('../study/quality/comparison-models.ts');
const scanning = () => import('../transforms/quantize/sensitivity-model.ts');
const dividing = () => import('../transforms/quantize/sensitivity-units.ts');
const grouping = () => import('../transforms/prune/channels/group-view.ts');
const gating = () => import('../transforms/prune/gated-recipe.ts');
const looking = () => import('./prune-scans.ts');
const probing = () => import('../transforms/quantize/sensitivity-probe.ts');

/** Variants are kept until the model changes, the oldest going first. */
const keptVariants = 24;

/** One model: reads its structure, checks recipes, builds and keeps variants. */
export function createModelService(): ModelApi {
  const store = createVariantStore();
  const gzipSizer = createGzipSizer();
  let opened: Opened | null = null;
  let heads: Heads = NO_HEADS;
  let calibrations: Calibrations = NO_CALIBRATIONS;
  let statistics: Statistics = NO_STATISTICS;
  let forms: FormFigures | null = null;
  // Promises, so that two requests for one variant build it once.
  const variants = new Map<string, Promise<UncountedVariant>>();
  /** By arithmetic: files lie on disk for as long as this worker lives, so each is written once. */
  const profileFiles = new Map<string, BuiltFiles>();

  function current(): Opened {
    if (opened !== null) return opened;
    throw new InputError({ code: 'no-model', message: 'No model is open.', hint: 'Open a model first.' });
  }

  const pruneScans = async () => (await looking()).createPruneScans(() => ({ ...current(), statistics }));

  /** The recipe with nothing left open, and why it is that one. */
  function decided(recipe: Recipe): { readonly recipe: Recipe; readonly reasons: readonly string[] } {
    if (!leavesFormOpen(recipe)) return { recipe, reasons: [] };
    const chosen = withFormChosen(recipe, viewOf(current()), forms);
    return { recipe: chosen.recipe, reasons: chosen.choice === null ? [] : [chosen.choice.reason] };
  }

  async function build(asked: Recipe): Promise<UncountedVariant> {
    const { recipe, reasons } = decided(asked);
    const { built, parameters } = await buildDecided(recipe);
    return { built: { ...built, recipe: asked, warnings: [...reasons, ...built.warnings] }, parameters };
  }

  function buildDecided(recipe: Recipe): Promise<UncountedVariant> {
    const key = JSON.stringify(recipe);
    const kept = variants.get(key);
    if (kept !== undefined) return kept;
    const made = knownRanges(recipe).then((calibration) =>
      buildFiles(current(), recipe, store, { heads, calibration, statistics }),
    );
    variants.set(key, made);
    made.catch(() => variants.delete(key));
    for (const oldest of variants.keys()) {
      if (variants.size <= keptVariants) break;
      variants.delete(oldest);
    }
    return made;
  }

  /** All ranges that a recipe needs; null where some are missing, which would leave layers float without a word. */
  async function knownRanges(recipe: Recipe): Promise<Calibration | null> {
    const { model, size } = current();
    const calibration = calibrationFor(recipe, calibrations);
    if (calibration === null) return null;
    const { isCalibrated } = await calibrating();
    return isCalibrated(analyseModel(model, size), recipe, heads, calibration) ? calibration : null;
  }

  /** Their files hold what was used before. */
  function forgetVariants(concerns: (recipe: Recipe) => boolean): void {
    for (const [key, variant] of variants) {
      const forget = () => variants.delete(key);
      variant.then(({ built }) => concerns(built.recipe) && forget(), forget);
    }
  }

  /** Of a recipe that gives one file. */
  async function modelMadeBy(recipe: Recipe): Promise<Model> {
    const { name, blob } = defined((await build(recipe)).built.files[0], 'a file of the variant');
    return parseModel(blobSource(blob), name);
  }

  async function namedForProfile(model: Model, arithmetic: Recipe): Promise<Model> {
    if (arithmetic.length === 0) return nodesNamedByOutput(model);
    return nodesNamedByOriginal(await modelMadeBy(arithmetic), model);
  }

  return {
    open: (file, fileName, externalFiles, size = {}) =>
      attempt(() => {
        const parsed = parseModel(blobSource(file), fileName);
        const model = completed(parsed, externalFiles);
        const { errors, warnings } = checkRunnable(model);
        // A model without its weights can still be looked at.
        const fatal = errors.find(({ code }) => code !== 'onnx-external-missing');
        if (fatal) throw new InputError(fatal);
        const isWhole = !isHollow(parsed) && externalLocations(model).length === 0;
        const now: Opened = {
          model,
          baseName: baseNameOf(fileName),
          original: isWhole ? file : null,
          size,
          fileName,
          fileBytes: file.size,
          notes: [...warnings, ...errors.map(({ message, hint }) => [message, hint].join(' '))],
        };
        const view = viewOf(now);
        variants.clear();
        profileFiles.clear();
        heads = NO_HEADS;
        calibrations = NO_CALIBRATIONS;
        statistics = NO_STATISTICS;
        opened = now;
        return view;
      }),

    countAt: (size) =>
      attempt(() => {
        const resized = { ...current(), size };
        const view = viewOf(resized);
        variants.clear();
        opened = resized;
        return view;
      }),

    check: (recipe) =>
      attempt(async () => {
        const { checkRecipe } = await building();
        const { model, size } = current();
        checkRecipe(model, recipe, heads, size);
        return null;
      }),

    build: (recipe) => attempt(async () => counted(await build(recipe))),

    buildForProfile: (arithmetic = []) =>
      attempt(async () => {
        const key = JSON.stringify(decided(arithmetic).recipe);
        const kept = profileFiles.get(key);
        if (kept !== undefined) return kept;
        const { model, baseName, size } = current();
        const named = { model: await namedForProfile(model, arithmetic), baseName, original: null, size };
        const { built } = await buildFiles(named, [], store);
        profileFiles.set(key, built);
        return built;
      }),

    buildForFeatures: (values, backbone) =>
      attempt(async () => {
        const [{ applyRecipe }, { featureModel }] = await Promise.all([applying(), tapping()]);
        const { model, baseName, size } = current();
        const { analysed } = applyRecipe(analyseModel(model, size), backbone, 'build', NO_HEADS, statistics);
        const features = featureModel(analysed, values).model;
        const tapped = { model: features, baseName: `${baseName}-features`, original: null, size };
        return (await buildFiles(tapped, [], store)).built;
      }),

    buildForCalibration: (recipe, others, shows) =>
      attempt(async () => {
        const [{ calibrationModel }, { extremesModel }] = await Promise.all([calibrating(), reducing()]);
        const { model, baseName, size } = current();
        const [first, ...rest] = [recipe, ...others].map((each) => decided(each).recipe) as [
          Recipe,
          ...Recipe[],
        ];
        const numbers = calibrationModel(analyseModel(model, size), first, heads, rest, statistics);
        const observed = shows === 'extremes' ? extremesModel(numbers) : numbers;
        const whole = { model: observed.model, baseName: `${baseName}-calibration`, original: null, size };
        const { values, inputs } = observed;
        return { ...(await buildFiles(whole, [], store)).built, values, inputs };
      }),

    buildForComparison: (recipe, values) =>
      attempt(async () => {
        const { comparisonModels } = await comparing();
        const { model, baseName, size } = current();
        const models = comparisonModels(analyseModel(model, size), recipe, await modelMadeBy(recipe), values);
        const files = async (shown: Model, name: string) => {
          const whole = { model: shown, baseName: `${baseName}-${name}`, original: null, size };
          return (await buildFiles(whole, [], store)).built;
        };
        return {
          ...models,
          original: await files(models.original, 'original'),
          variant: await files(models.variant, 'variant'),
        };
      }),

    compareWeights: (recipe, weight) =>
      attempt(async () => {
        const { compareWeights } = await comparing();
        const { model, size } = current();
        const variant = await modelMadeBy(recipe);
        const compared: Compared[] = [];
        for (const each of compareWeights(analyseModel(model, size), recipe, variant, weight)) {
          compared.push(each);
          await nextTask();
        }
        return compared;
      }),

    isCalibrated: (recipe) =>
      attempt(
        async () => staticOperatorOf(recipe) === null || (await knownRanges(decided(recipe).recipe)) !== null,
      ),

    useForms: (figures) =>
      attempt(() => {
        forms = figures;
        return null;
      }),

    formTrial: (recipe) =>
      attempt(() => (forms === null ? null : formTrialFor(recipe, viewOf(current()), forms))),

    buildInForm: ({ operator }, form) =>
      attempt(async () => {
        const choice = STATIC_FORMS.find(({ id }) => id === form);
        if (choice === undefined) return (await buildFiles(current(), [{ op: 'identity' }], store)).built;
        const recipe = [inForm(operator, choice)];
        const { calibrationModel } = await calibrating();
        const { model, size } = current();
        const { values, inputs } = calibrationModel(analyseModel(model, size), recipe, NO_HEADS);
        const ranges = new Map([...values, ...inputs].map((name) => [name, ANY_RANGE]));
        const calibration = { ranges, warnings: [] };
        return (await buildFiles(current(), recipe, store, { calibration })).built;
      }),

    useCalibrations: (given) =>
      attempt(() => {
        calibrations = calibrationsByKey(given);
        forgetVariants((recipe) => staticOperatorOf(recipe) !== null);
        return null;
      }),

    buildForStatistics: (recipe) =>
      attempt(async () => {
        const { missingStatistics } = await lookingAtChannels();
        const { model, baseName, size } = current();
        const missing = missingStatistics(analyseModel(model, size), decided(recipe).recipe, statistics);
        if (missing === null) return null;
        const { model: observing, kind, of, samples, observed, batch } = missing;
        const whole = { model: observing, baseName: `${baseName}-statistics`, original: null, size };
        return { ...(await buildFiles(whole, [], store)).built, kind, of, samples, observed, batch };
      }),

    useStatistics: (given) =>
      attempt(() => {
        statistics = statisticsByKey(given);
        forgetVariants((recipe) => imagesPrunedWith(recipe) > 0);
        return null;
      }),

    sensitivityUnits: (recipe) =>
      attempt(async () => {
        const [{ sensitivityModel }, { sensitivityUnits }] = await Promise.all([scanning(), dividing()]);
        const { model, size } = current();
        const scanned = sensitivityModel(
          analyseModel(model, size),
          decided(recipe).recipe,
          heads,
          statistics,
        );
        return sensitivityUnits(scanned.model, scanned.form);
      }),

    buildForSensitivity: (recipe, precision, units) =>
      attempt(async () => {
        const [{ sensitivityModel }, { sensitivityProbe }] = await Promise.all([scanning(), probing()]);
        const { model, baseName, size } = current();
        const asked = decided(recipe).recipe;
        const scanned = sensitivityModel(analyseModel(model, size), asked, heads, statistics);
        const form = async (): Promise<ScannedForm> => {
          if (precision !== 'int8') return { precision };
          const { ranges } = defined((await knownRanges(asked)) ?? undefined, 'calibrated ranges');
          return { precision, form: scanned.form, ranges };
        };
        const probe = sensitivityProbe(scanned.model, await form(), units, scanned.scores);
        const whole = { model: probe, baseName: `${baseName}-sensitivity`, original: null, size };
        return (await buildFiles(whole, [], store)).built;
      }),

    channelGroups: (recipe) =>
      attempt(async () => {
        const [{ applyRecipe }, { groupViews }] = await Promise.all([applying(), grouping()]);
        const { model, size } = current();
        const { before, operator } = untilChannelsGo(recipe);
        const original = analyseModel(model, size);
        const analysed =
          before.length === 0 ? original : applyRecipe(original, before, 'check', NO_HEADS).analysed;
        return groupViews(analysed, operator);
      }),

    removableBlocks: (recipe) =>
      attempt(async () => {
        const { removableBlocks } = await gating();
        const { model, size } = current();
        return removableBlocks(analyseModel(model, size), recipe, statistics);
      }),

    buildForGates: (recipe, question) =>
      attempt(async () => {
        const { gatedRecipe } = await gating();
        const { model, baseName, size } = current();
        const { gates, gateCount, firstBlock, ...gated } = gatedRecipe(
          analyseModel(model, size),
          recipe,
          question,
          statistics,
        );
        const whole = { model: gated.model, baseName: `${baseName}-gates`, original: null, size };
        return { ...(await buildFiles(whole, [], store)).built, gates, gateCount, firstBlock };
      }),

    pruneQuestions: async (...asked) => (await pruneScans()).pruneQuestions(...asked),
    pruneGates: async (...asked) => (await pruneScans()).pruneGates(...asked),
    planPruning: async (...asked) => (await pruneScans()).planPruning(...asked),

    useHeads: (given) =>
      attempt(() => {
        heads = headsByKey(given);
        forgetVariants(hasTrainedExits);
        return null;
      }),

    packedBytes: (recipe) =>
      attempt(async () => {
        const { sparseSavings } = await import('../transforms/sparse-size.ts');
        let [gzipBytes, sparseBytes] = [0, 0];
        for (const { blob } of (await build(recipe)).built.files) {
          gzipBytes += await gzipSizer.byteLength(blob);
          sparseBytes += blob.size;
          for (const saved of sparseSavings(parseModel(blobSource(blob)))) {
            sparseBytes -= saved;
            await nextTask();
          }
        }
        return { gzipBytes, sparseBytes };
      }),

    view: (recipe, fileIndex = 0) =>
      attempt(async () => {
        const { files, rawBytes, params, macs } = (await build(recipe)).built;
        const { name, blob } = defined(files[Math.min(fileIndex, files.length - 1)], 'a file of the variant');
        const model = parseModel(blobSource(blob), name);
        const meta = { modelId: modelFingerprint(model), fileName: name, fileBytes: blob.size };
        const view = buildGraphView(model, meta, dimsIn(current()));
        return { view, fileNames: files.map((file) => file.name), rawBytes, params, macs };
      }),
  };
}

function viewOf({ model, fileName, fileBytes, size, notes }: Opened): GraphView {
  const meta = { modelId: modelFingerprint(model), fileName, fileBytes };
  const view = buildGraphView(model, meta, dimsAtSize(size));
  return { ...view, warnings: [...view.warnings, ...notes] };
}

/** What the inputs of a part of a model are counted with: as in the whole. */
function dimsIn({ model, size }: OpenModel): InputDims {
  const { counted } = analyseModel(model, size);
  return (input) => counted.get(input.name)?.shape ?? dimsAtSize(size)(input);
}

/** A variant whose parameters have not all been looked at. */
interface UncountedVariant {
  readonly built: BuiltFiles;
  readonly parameters: readonly Parameter[];
}

/**
 * Counts the parameters that are not zero: apart from building, which is timed, and tensor by tensor, so that nobody
 * waits for a check of a recipe meanwhile.
 */
async function counted({ built, parameters }: UncountedVariant): Promise<BuiltVariant> {
  let nonZeroParams = 0;
  for (const { nonZero } of parameters) {
    nonZeroParams += nonZero();
    await nextTask();
  }
  return { ...built, nonZeroParams };
}

/** The model with its weights: from the files given along, and as noise where a gallery model was emptied. */
function completed(
  model: Model,
  externalFiles: readonly { readonly location: string; readonly file: Blob }[],
): Model {
  const attached = attachExternalData(
    model,
    new Map(externalFiles.map((given) => [given.location, blobSource(given.file)])),
  );
  return isHollow(attached) ? refillHollow(attached) : attached;
}

/** What recipes may need besides the model. */
interface Given {
  readonly heads?: Heads;
  readonly calibration?: Pick<Calibration, 'ranges' | 'warnings'> | null;
  readonly statistics?: Statistics;
}

/** Of values that nobody looked at, in models that are only timed. */
const ANY_RANGE = { low: -4, high: 4 };

async function buildFiles(
  { model, baseName, original, size }: OpenModel,
  recipe: Recipe,
  store: VariantStore,
  { heads = NO_HEADS, calibration = null, statistics = NO_STATISTICS }: Given = {},
): Promise<UncountedVariant> {
  // Not part of what building takes.
  const { buildVariant } = await building();
  const startedMs = performance.now();
  const variant = buildVariant(model, recipe, {
    baseName,
    now: () => performance.now(),
    heads,
    ranges: calibration?.ranges ?? null,
    statistics,
    size,
  });
  const isUntouched = isIdentity(recipe);
  const files: { name: string; blob: Blob }[] = [];
  for (const file of variant.files) {
    // Hundreds of megabytes need not be copied to change nothing.
    const blob = isUntouched && original?.size === file.bytes ? original : await store.save(file);
    files.push({ name: file.name, blob });
  }
  // Writing counts: transforms may do their work only when the bytes are asked for.
  const buildMs = performance.now() - startedMs;
  const { plan, params, parameters, macs, cuts } = variant;
  const warnings = [...variant.warnings, ...(calibration?.warnings ?? [])];
  const rawBytes = files.reduce((sum, { blob }) => sum + blob.size, 0);
  return { built: { recipe, plan, files, rawBytes, params, macs, cuts, buildMs, warnings }, parameters };
}

function baseNameOf(fileName: string): string {
  return fileName.replace(/\.onnx$/i, '') || 'model';
}
