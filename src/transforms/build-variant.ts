import { InputError } from '../base/result.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import { isHollow, RANDOM_WEIGHTS_NOTE } from '../onnx/hollow.ts';
import { mapModelTensors } from '../onnx/map-tensors.ts';
import type { Model } from '../onnx/model.ts';
import { serializeModel } from '../onnx/serialize.ts';
import { tensorRange } from '../onnx/tensor.ts';
import { type AnalysedModel, analyseModel } from './analyse-model.ts';
import { applyRecipe } from './apply-recipe.ts';
import type { PlannedDraft } from './draft.ts';
import { convertCrossing } from './cuts/convert-crossing.ts';
import { automaticCutOf, type ResolvedCuts } from './cuts/resolve-cut.ts';
import { withSafeNames } from './cuts/safe-names.ts';
import { valuesWithForeignHeads } from './exits/backbone.ts';
import { subModel } from './extract.ts';
import { type Heads, NO_HEADS } from './exits/trained-head.ts';
import { nestCompiled } from './compile-nested.ts';
import {
  type CompiledSegment,
  compileSegment,
  cutsOf,
  inputAndOutput,
  paramsIn,
  wholeSegment,
} from './compile-segments.ts';
import { leavesBlocksOut } from './order-of-effect.ts';
import type { Statistics } from './prune/statistics/channel-statistics.ts';
import { remedyFor } from './remedies.ts';
import { staticOperatorOf } from './quantize/calibrate/calibration.ts';
import type { Ranges } from './quantize/quantization.ts';
import { quantizationWarnings } from './quantize/quantization-warnings.ts';
import { isIdentity, type Recipe } from './recipe.ts';
import type { Variant, VariantFile } from './variant.ts';

/** protobuf, and with it ONNX, ends here; more needs external data. */
const LARGEST_FILE_BYTES = 2 ** 31 - 1;

/**
 * Whether a recipe fits a model, without reading its weights.
 * @param size what sizes that the model leaves open are counted as
 * @throws InputError with the reason if it does not, and the nearest recipe that does
 */
export function checkRecipe(
  model: Model,
  recipe: Recipe,
  heads: Heads = NO_HEADS,
  size: CountedSize = {},
): void {
  const analysed = analyseModel(model, size);
  checkRunnableParts(analysed);
  try {
    if (isIdentity(recipe)) return;
    const planned = applyRecipe(analysed, recipe, 'check', heads);
    // What crosses must be of a known type.
    for (const { nodes, inputs, outputs } of planned.segments) {
      subModel(planned.analysed, nodes, inputs, outputs);
    }
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const { failure } = thrown;
    const remedy = remedyFor({ analysed, recipe, heads, failure });
    throw remedy === null ? thrown : new InputError({ ...failure, remedy });
  }
}

/**
 * Makes a recipe's variant of a model: its files, how they run, and what they count. `identity` alone keeps the
 * file as it is, byte for byte, except that external weights are taken in. Files are written when asked for, and
 * weights that stay as they are stream from where they lie: they are not read before, not even to be counted.
 *
 * `buildMs` is the time until the files are known; writing them may still compute (pruned weights are made when
 * they are written), so whoever writes them should time the whole.
 * @throws InputError with the reason if the recipe does not fit the model
 */
export function buildVariant(
  model: Model,
  recipe: Recipe,
  options: {
    /** The files' names begin with it. */
    readonly baseName: string;
    /** A clock in milliseconds. */
    readonly now: () => number;
    /** Called with the share done, ending with 1. */
    readonly onProgress?: (share: number) => void;
    /** What trained exits need; without them they are refused. */
    readonly heads?: Heads;
    /** What static quantization needs, see `calibrate/calibration.ts`; without them it is refused. */
    readonly ranges?: Ranges | null;
    /** What pruning on images needs; without them it is refused. */
    readonly statistics?: Statistics;
    /** What sizes that the model leaves open are counted as; the files keep them open. */
    readonly size?: CountedSize;
  },
): Variant {
  const startedMs = options.now();
  const analysed = analyseModel(model, options.size);
  checkRunnableParts(analysed);
  const draft: PlannedDraft = isIdentity(recipe)
    ? {
        analysed,
        stops: [],
        isNested: false,
        partition: null,
        cuts: [],
        automaticCuts: null,
        quantize: null,
        standIns: new Map(),
        taps: new Map(),
        notes: [],
        segments: [wholeSegment(analysed)],
      }
    : applyRecipe(analysed, recipe, 'build', options.heads ?? NO_HEADS, options.statistics);
  const names = fileNames(options.baseName, draft);
  const plain = draft.segments.map((segment, at): CompiledSegment => {
    const isLast = at === draft.segments.length - 1;
    const whole = isIdentity(recipe) ? model : null;
    const result = compileSegment(draft, segment, names[at] as string, isLast, {
      whole,
      ranges: options.ranges ?? null,
    });
    options.onProgress?.((at + 1) / draft.segments.length);
    return result;
  });
  const safe = withSafeNames(plain, cutsOf(draft.analysed, draft.segments));
  const { segments: compiled, cuts } = convertCrossing(
    safe.segments,
    safe.cuts,
    new Set(draft.analysed.exits.map(({ output }) => output)),
    draft.partition?.transfer ?? 'float32',
  );
  const nested = draft.isNested ? nestCompiled(draft, compiled, `${options.baseName}.onnx`) : null;
  const written = nested === null ? compiled : [nested.segment];
  const files = written.map(toFile);
  // Two segments may share a weight; it is one parameter of the variant.
  const parameters = new Map(compiled.flatMap((segment) => [...segment.parameters]));
  return {
    recipe,
    files,
    plan: {
      segments: written.map(({ plan }) => plan),
      ...inputAndOutput(draft.analysed),
      ...(nested !== null && { decision: nested.decision }),
    },
    params: paramsIn(parameters.values()),
    parameters: [...parameters.values()],
    macs: compiled.reduce((sum, { plan }) => sum + plan.macs, 0),
    cuts,
    ...automaticCutReport(draft),
    buildMs: options.now() - startedMs,
    warnings: [
      ...warningsOf(model, recipe, draft, compiled),
      ...foreignHeadWarnings(recipe, options.heads ?? NO_HEADS),
    ],
  };
}

function automaticCutReport({ partition, automaticCuts }: PlannedDraft): Pick<Variant, 'automaticCut'> {
  const kind = partition === null ? null : automaticCutOf(partition);
  if (kind === null || automaticCuts === null) return {};
  const { isExact, prediction } = automaticCuts;
  const [first = [], second] = automaticCuts.cuts.map(({ crossing }) => crossing);
  const place = second === undefined ? { cut: first } : { cuts: [first, second] as const };
  const times = partition?.nodeMicroseconds === undefined ? 'from-macs' : 'measured';
  return {
    automaticCut: { kind, ...place, isExact, ...(prediction !== null && { times, prediction }) },
  };
}

function checkRunnableParts({ inputs, exits }: AnalysedModel): void {
  if (inputs.length > 0 && exits.length > 0) return;
  throw new InputError({
    code: inputs.length === 0 ? 'onnx-no-input' : 'onnx-no-output',
    message: `The graph has no ${inputs.length === 0 ? 'input' : 'output'}, so there is nothing to run.`,
  });
}

function toFile({ model, plan, parameters }: CompiledSegment): VariantFile {
  const file = serializeModel(withInlineData(model));
  const { bytes } = file;
  if (bytes > LARGEST_FILE_BYTES) {
    throw new InputError({
      code: 'file-too-large',
      message: `${plan.file} would have ${bytes} bytes, an ONNX file can have at most ${LARGEST_FILE_BYTES}`,
      where: plan.file,
      hint: 'Cut the model into parts, or quantize it.',
    });
  }
  return { name: plan.file, ...file, parameters: [...parameters.values()] };
}

/** A variant's file stands alone: weights of other files are taken in. */
function withInlineData(model: Model): Model {
  return mapModelTensors(model, (tensor) => {
    if (tensor.data.kind !== 'external') return tensor;
    const range = tensorRange(tensor);
    if (range !== null) return { ...tensor, data: { kind: 'raw', range } };
    throw new InputError({
      code: 'onnx-external-missing',
      message: `The weights "${tensor.name}" are in "${tensor.data.location}", which was not given`,
      where: tensor.name,
      hint: 'Open the model together with this file.',
    });
  });
}

function fileNames(baseName: string, { segments, stops }: PlannedDraft): string[] {
  if (segments.length === 1) return [`${baseName}.onnx`];
  const parts = segments.length === 3 ? ['head', 'middle', 'tail'] : ['head', 'tail'];
  if (stops.length === 0 && segments.length === parts.length) {
    return parts.map((part) => `${baseName}-${part}.onnx`);
  }
  return segments.map((_, at) => `${baseName}-segment-${at}.onnx`);
}

function foreignHeadWarnings(recipe: Recipe, heads: Heads): string[] {
  const { length } = valuesWithForeignHeads(recipe, heads);
  if (length === 0) return [];
  return [
    `${length === 1 ? 'An exit was' : `${length} exits were`} trained for the unchanged model, not for what pruning or skipping makes of it: trained again for this recipe ${length === 1 ? 'it is' : 'they are'} right more often.`,
  ];
}

/** What somebody who reads the numbers should know. */
function warningsOf(
  model: Model,
  recipe: Recipe,
  draft: PlannedDraft,
  compiled: readonly CompiledSegment[],
): string[] {
  const warnings: string[] = isHollow(model) ? [RANDOM_WEIGHTS_NOTE] : [];
  warnings.push(...draft.notes);
  if (recipe.some((operator) => operator.op === 'prune' && operator.kind === 'unstructured')) {
    warnings.push(
      'Pruned weights are zeros in tensors of the same size: the file shrinks only when it is compressed (gzip), and dense kernels run no faster.',
    );
  }
  if (recipe.some(leavesBlocksOut)) {
    warnings.push(
      'Blocks are left out without training anew: how much accuracy that costs differs from model to model.',
    );
  }
  warnings.push(...orderWarnings(recipe));
  if (draft.quantize !== null) {
    const parts = compiled.flatMap(({ quantization }) => (quantization === null ? [] : [quantization]));
    warnings.push(...quantizationWarnings(model, draft.quantize, parts));
  }
  if (draft.automaticCuts !== null) warnings.push(...automaticCutWarnings(draft.automaticCuts));
  const notNeeded = notCrossing(draft);
  if (notNeeded.length > 0) {
    warnings.push(
      `Named in the cut, but nothing behind it uses them, so they are not sent: ${notNeeded.slice(0, 5).join(', ')}.`,
    );
  }
  return warnings;
}

/** What quantizing before leaving out blocks changes, and what after. */
function orderWarnings(recipe: Recipe): string[] {
  const calibrated = staticOperatorOf(recipe);
  const quantize = recipe.findIndex((operator) => operator === calibrated);
  const skip = recipe.findIndex(leavesBlocksOut);
  if (quantize < 0 || skip < 0) return [];
  return quantize < skip
    ? [
        'Ranges were calibrated on the whole model, since it is quantized before blocks are left out; quantized after, they are those of what is left.',
      ]
    : [
        'Ranges were calibrated on what is left of the model, since it is quantized after blocks are left out.',
      ];
}

function automaticCutWarnings({ isExact, prediction }: ResolvedCuts): string[] {
  const warnings: string[] = [];
  if (!isExact) {
    warnings.push(
      'The model has too many places to cut to compare them all: the one found is good, perhaps not the best.',
    );
  }
  if (prediction !== null) {
    const { totalMs, headAloneMs, middleAloneMs, tailAloneMs } = prediction;
    const ms = (time: number): string => `${time.toPrecision(3)} ms`;
    const alone: readonly (readonly [tier: string, ms: number])[] = [
      ['first', headAloneMs],
      ...(middleAloneMs === undefined ? [] : [['second', middleAloneMs] as const]),
      [middleAloneMs === undefined ? 'second' : 'third', tailAloneMs],
    ];
    const [tier, best] = alone.reduce((a, b) => (b[1] < a[1] ? b : a));
    if (best <= totalMs) {
      warnings.push(
        `No cut is expected to be faster than the whole model on the ${tier} tier: ${ms(best)} there, ${ms(totalMs)} cut.`,
      );
    }
  }
  return warnings;
}

function notCrossing({ cuts, analysed, segments }: PlannedDraft): string[] {
  const crossing = new Set(
    cutsOf(analysed, segments).flatMap((each) => each.crossing.map(({ name }) => name)),
  );
  return cuts.flat().filter((name) => !crossing.has(name));
}
