import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { InputError } from '../base/result.ts';
import { formatBytes, formatMs } from '../base/units.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import { parseModel } from '../onnx/parse.ts';
import type { Model } from '../onnx/model.ts';
import { parseCalibrations } from '../study/calibration-json.ts';
import { analyseModel } from '../transforms/analyse-model.ts';
import { buildVariant, checkRecipe } from '../transforms/build-variant.ts';
import { nonZeroParams } from '../transforms/count-non-zero.ts';
import { type Heads, headsByKey, NO_HEADS, parseHeads } from '../transforms/exits/trained-head.ts';
import { parseStatistics } from '../study/statistics-json.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import {
  NO_STATISTICS,
  type Statistics,
  statisticsByKey,
} from '../transforms/prune/statistics/channel-statistics.ts';
import { recipeLabel } from '../transforms/parse-recipe.ts';
import { calibrationFor, calibrationsByKey } from '../transforms/quantize/calibrate/calibration.ts';
import { isCalibrated } from '../transforms/quantize/calibrate/calibration-model.ts';
import type { Ranges } from '../transforms/quantize/quantization.ts';
import { sparseSavings } from '../transforms/sparse-size.ts';
import type { NamedRecipe, Recipe } from '../transforms/recipe.ts';
import type { Variant, VariantFile } from '../transforms/variant.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import { checkInputSize, INPUT_SIZE_HELP, inputSizeProblem, readInputSize } from './input-size.ts';
import { failureHelp } from './failure-help.ts';
import { fileSource } from './node-file-source.ts';
import { openModelArgument, resolveUserPath } from './open-model-argument.ts';

const usage = `usage: npm run -s transform -- --model FILE|zoo:NAME|sample --recipe FILE.json --out DIR [--name NAME] [--heads FILE] [--calibration FILE] [--statistics FILE] [--input-size HxW]

Writes the variant's .onnx files and variant.json into DIR, and prints variant.json.
The recipe file holds a list of operators, e.g. [{"op":"prune","kind":"unstructured","ratio":0.5}],
or {"name": "...", "recipe": [...]}; of several, as the recipes.json that a study wrote, --name tells which. Trained exits need their heads: the heads.json that the app or a study wrote. Static int8 needs the ranges of values
on images: the calibration.json that they wrote. Pruning that ranks or recalibrates on images needs what was seen of
channels there: the statistics.json.
${INPUT_SIZE_HELP};
automatic cuts are found for that size, and the files keep it open.`;

/** Exit codes: 0 written, 1 the model or recipe was refused, 2 wrong arguments. */
function main(): void {
  const args = readArguments();
  if (args === null) return;
  try {
    const { recipe } = readRecipe(args.recipe, args.name);
    const { model, fileName, baseName } = openModelArgument(args.model);
    if (args.size !== null) checkInputSize(model, args.size);
    const size = args.size ?? {};
    const heads = args.heads === undefined ? NO_HEADS : readHeads(args.heads, model);
    const ranges =
      args.calibration === undefined ? null : readRanges(args.calibration, { model, recipe, heads, size });
    const statistics = args.statistics === undefined ? NO_STATISTICS : readStatistics(args.statistics, model);
    process.stderr.write(`${fileName}: ${recipeLabel(recipe)}\n`);
    const startedMs = performance.now();
    checkRecipe(model, recipe, heads, size);
    const variant = buildVariant(model, recipe, {
      baseName,
      now: () => performance.now(),
      heads,
      ranges,
      statistics,
      size,
      onProgress: (share) => process.stderr.write(`  ${Math.round(100 * share)} %\n`),
    });
    const folder = resolveUserPath(args.out);
    mkdirSync(folder, { recursive: true });
    for (const file of variant.files) writeVariantFile(folder, file);
    // Transforms do some of their work only when the bytes are asked for, so writing counts.
    const buildMs = performance.now() - startedMs;
    process.stderr.write(`  built and written in ${formatMs(buildMs)}\n`);
    const summary = `${JSON.stringify(describeVariant(variant, fileName, folder, buildMs), null, 2)}\n`;
    writeFileSync(join(folder, 'variant.json'), summary);
    process.stdout.write(summary);
  } catch (thrown) {
    if (!(thrown instanceof InputError) && !isFileError(thrown)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    if (thrown instanceof InputError)
      for (const line of failureHelp(thrown.failure)) process.stderr.write(`${line}\n`);
    process.exitCode = 1;
  }
}

interface Arguments {
  readonly model: string;
  readonly recipe: string;
  readonly out: string;
  /** Of the recipe, where the file has several. */
  readonly name?: string;
  readonly heads?: string;
  readonly calibration?: string;
  readonly statistics?: string;
  readonly size: CountedSize | null;
}

function readArguments(): Arguments | null {
  const refuse = (message: string): null => {
    process.stderr.write(`${message}\n\n${usage}\n`);
    process.exitCode = 2;
    return null;
  };
  try {
    const { values } = parseArgs({
      options: {
        model: { type: 'string' },
        recipe: { type: 'string' },
        out: { type: 'string' },
        name: { type: 'string' },
        heads: { type: 'string' },
        calibration: { type: 'string' },
        statistics: { type: 'string' },
        'input-size': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      return null;
    }
    const { model, recipe, out, name, heads, calibration, statistics, 'input-size': given } = values;
    if (model === undefined) return refuse('--model is missing');
    if (recipe === undefined) return refuse('--recipe is missing');
    if (out === undefined) return refuse('--out is missing');
    const size = given === undefined ? null : readInputSize(given);
    if (given !== undefined && size === null) return refuse(inputSizeProblem(given));
    return {
      model,
      recipe,
      out,
      size,
      ...(name === undefined ? {} : { name }),
      ...(heads === undefined ? {} : { heads }),
      ...(calibration === undefined ? {} : { calibration }),
      ...(statistics === undefined ? {} : { statistics }),
    };
  } catch (thrown) {
    return refuse(thrown instanceof Error ? thrown.message : String(thrown));
  }
}

/** Heads of a file; they must have been trained for this model. */
function readHeads(path: string, model: Model): Heads {
  const heads = parseHeads(readFileSync(resolveUserPath(path), 'utf8'));
  const modelId = modelFingerprint(model);
  const strange = heads.find((head) => head.modelId !== modelId);
  if (strange === undefined) return headsByKey(heads);
  throw new InputError({
    code: 'heads-of-another-model',
    message: `${path}: the head for "${strange.value}" was trained for model ${strange.modelId}, wanted ${modelId}`,
    where: path,
    hint: 'Give the model that the exits were trained for, or train them for this one.',
  });
}

/** Of a file, the ranges that a recipe needs; they must be this model's, and all there. */
function readRanges(
  path: string,
  {
    model,
    recipe,
    heads,
    size,
  }: { readonly model: Model; readonly recipe: Recipe; readonly heads: Heads; readonly size: CountedSize },
): Ranges | null {
  const all = parseCalibrations(readFileSync(resolveUserPath(path), 'utf8'));
  const modelId = modelFingerprint(model);
  const own = all.filter((calibration) => calibration.modelId === modelId);
  const found = calibrationFor(recipe, calibrationsByKey(own));
  if (isCalibrated(analyseModel(model, size), recipe, heads, found)) return found?.ranges ?? null;
  throw new InputError({
    code: 'not-calibrated',
    message: `${path}: found ${own.length === 0 ? 'no ranges of this model' : 'no ranges for this recipe'} among ${all.length} calibrations, wanted those of ${recipeLabel(recipe)}`,
    where: path,
    hint: 'Calibrate for this recipe: measure it in the app or by `npm run -s study`.',
  });
}

/** Statistics of a file; some must be this model's. */
function readStatistics(path: string, model: Model): Statistics {
  const all = parseStatistics(readFileSync(resolveUserPath(path), 'utf8'));
  const modelId = modelFingerprint(model);
  const own = all.filter((each) => each.modelId === modelId);
  if (own.length > 0) return statisticsByKey(own);
  throw new InputError({
    code: 'statistics-of-another-model',
    message: `${path}: found no statistics of model ${modelId} among ${all.length}`,
    where: path,
    hint: 'Give the model that was looked at, or measure the recipe with this one: in the app or by `npm run -s study`.',
  });
}

/** The recipe of a file, of several the one with a name. */
function readRecipe(path: string, wanted: string | undefined): NamedRecipe {
  const text = readFileSync(resolveUserPath(path), 'utf8');
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (thrown) {
    throw new InputError({
      code: 'recipe-not-json',
      message: `${path}: ${(thrown as Error).message}`,
      where: path,
      hint: 'A recipe file is JSON, e.g. [{"op":"identity"}].',
    });
  }
  const recipes = parseStrategies(json);
  const [first, ...others] = recipes.filter(({ name }) => wanted === undefined || name === wanted);
  if (first !== undefined && others.length === 0) return first;
  const names = recipes.map(({ name }) => `"${name}"`).join(', ');
  const asked = wanted === undefined ? 'wanted one' : `wanted one called "${wanted}"`;
  throw new InputError({
    code: 'recipe-count',
    message: `${path}: found ${recipes.length} recipes (${names}), ${asked}`,
    where: path,
    hint: 'Name one of them by --name.',
  });
}

function writeVariantFile(folder: string, file: VariantFile): void {
  const path = join(folder, file.name);
  const descriptor = openSync(path, 'w');
  try {
    file.write((chunk) => {
      for (let done = 0; done < chunk.length; ) done += writeSync(descriptor, chunk, done);
    });
  } finally {
    closeSync(descriptor);
  }
  process.stderr.write(`  ${path} (${formatBytes(file.bytes)})\n`);
}

/** `variant.json`: all that is known about a variant before it runs. Sizes in bytes, at batch 1. */
function describeVariant(variant: Variant, modelFile: string, folder: string, buildMs: number): object {
  const { recipe, plan, files } = variant;
  let macsToHere = 0;
  const exits = plan.segments.flatMap((segment, index) => {
    macsToHere += segment.macs;
    if (segment.exit === null) return [];
    return [{ ...segment.exit, segment: index, macsToHere }];
  });
  return {
    model: modelFile,
    recipe,
    label: recipeLabel(recipe),
    files: plan.segments.map((segment, index) => ({
      name: segment.file,
      bytes: files[index]?.bytes ?? 0,
      sparseBytes: sparseBytesOf(join(folder, segment.file)),
      inputs: segment.inputs.map(describeValue),
      outputs: segment.outputs.map(describeValue),
      params: segment.params,
      nonZeroParams: nonZeroParams(files[index]?.parameters ?? []),
      macs: segment.macs,
    })),
    params: variant.params,
    nonZeroParams: nonZeroParams(variant.parameters),
    macs: variant.macs,
    cuts: variant.cuts.map(({ afterSegment, crossing }) => ({
      afterSegment,
      crossing: crossing.map(describeValue),
      bytes: crossing.every(({ bytes }) => bytes !== null)
        ? crossing.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0)
        : null,
    })),
    ...(variant.automaticCut && { automaticCut: variant.automaticCut }),
    exits,
    plan,
    buildMs,
    warnings: variant.warnings,
  };
}

/** Of a file that was written: with its tensors in a simple sparse encoding. */
function sparseBytesOf(path: string): number {
  const source = fileSource(path);
  try {
    let bytes = source.size;
    for (const saved of sparseSavings(parseModel(source))) bytes -= saved;
    return bytes;
  } finally {
    source.close();
  }
}

function describeValue({
  name,
  shape,
  counted,
  dataType,
  bytes,
}: Variant['cuts'][number]['crossing'][number]): object {
  return { name, shape, ...(counted && { counted }), dtype: dataType, bytes };
}

function isFileError(thrown: unknown): thrown is Error {
  return thrown instanceof Error && 'code' in thrown && 'syscall' in thrown;
}

main();
