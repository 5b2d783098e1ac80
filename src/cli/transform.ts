import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { InputError } from '../base/result.ts';
import { formatBytes, formatMs } from '../base/units.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { Model } from '../onnx/model.ts';
import { buildVariant, checkRecipe } from '../transforms/build-variant.ts';
import { nonZeroParams } from '../transforms/count-non-zero.ts';
import { type Heads, headsByKey, NO_HEADS, parseHeads } from '../transforms/exits/trained-head.ts';
import { parseStrategies } from '../study/strategies-file.ts';
import { recipeLabel } from '../transforms/parse-recipe.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import type { Variant, VariantFile } from '../transforms/variant.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import { checkInputSize, INPUT_SIZE_HELP, inputSizeProblem, readInputSize } from './input-size.ts';
import { failureHelp } from './failure-help.ts';
import { openModelArgument, resolveUserPath } from './open-model-argument.ts';

const usage = `usage: npm run -s transform -- --model FILE|zoo:NAME|sample --recipe FILE.json --out DIR [--heads FILE] [--input-size HxW]

Writes the variant's .onnx files and variant.json into DIR, and prints variant.json.
The recipe file holds a list of operators, e.g. [{"op":"prune","kind":"unstructured","ratio":0.5}],
or {"name": "...", "recipe": [...]}. Trained exits need their heads: the heads.json that the app or a study wrote.
${INPUT_SIZE_HELP};
automatic cuts are found for that size, and the files keep it open.`;

/** Exit codes: 0 written, 1 the model or recipe was refused, 2 wrong arguments. */
function main(): void {
  const args = readArguments();
  if (args === null) return;
  try {
    const { recipe } = readRecipe(args.recipe);
    const { model, fileName, baseName } = openModelArgument(args.model);
    if (args.size !== null) checkInputSize(model, args.size);
    const size = args.size ?? {};
    const heads = args.heads === undefined ? NO_HEADS : readHeads(args.heads, model);
    process.stderr.write(`${fileName}: ${recipeLabel(recipe)}\n`);
    const startedMs = performance.now();
    checkRecipe(model, recipe, heads, size);
    const variant = buildVariant(model, recipe, {
      baseName,
      now: () => performance.now(),
      heads,
      size,
      onProgress: (share) => process.stderr.write(`  ${Math.round(100 * share)} %\n`),
    });
    const folder = resolveUserPath(args.out);
    mkdirSync(folder, { recursive: true });
    for (const file of variant.files) writeVariantFile(folder, file);
    // Transforms do some of their work only when the bytes are asked for, so writing counts.
    const buildMs = performance.now() - startedMs;
    process.stderr.write(`  built and written in ${formatMs(buildMs)}\n`);
    const summary = `${JSON.stringify(describeVariant(variant, fileName, buildMs), null, 2)}\n`;
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
  readonly heads?: string;
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
        heads: { type: 'string' },
        'input-size': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(`${usage}\n`);
      return null;
    }
    const { model, recipe, out, heads, 'input-size': given } = values;
    if (model === undefined) return refuse('--model is missing');
    if (recipe === undefined) return refuse('--recipe is missing');
    if (out === undefined) return refuse('--out is missing');
    const size = given === undefined ? null : readInputSize(given);
    if (given !== undefined && size === null) return refuse(inputSizeProblem(given));
    return { model, recipe, out, size, ...(heads === undefined ? {} : { heads }) };
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

function readRecipe(path: string): NamedRecipe {
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
  const [first] = recipes;
  if (first === undefined || recipes.length > 1) {
    throw new InputError({
      code: 'recipe-count',
      message: `${path}: found ${recipes.length} recipes, wanted one`,
      where: path,
      hint: 'Give each recipe a file of its own.',
    });
  }
  return first;
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
function describeVariant(variant: Variant, modelFile: string, buildMs: number): object {
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
