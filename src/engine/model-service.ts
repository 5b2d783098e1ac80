import { attempt, InputError } from '../base/result.ts';
import { buildGraphView } from '../onnx/build-graph-view.ts';
import { attachExternalData, externalLocations } from '../onnx/external-data.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { isHollow, refillHollow } from '../onnx/hollow.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { Model } from '../onnx/model.ts';
import { parseModel } from '../onnx/parse.ts';
import type { BuiltVariant, ModelApi } from '../protocol/model-api.ts';
import { buildVariant, checkRecipe } from '../transforms/build-variant.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { blobSource } from './blob-source.ts';
import { createVariantStore, gzipByteLength, type VariantStore } from './variant-files.ts';

interface OpenModel {
  readonly model: Model;
  /** Of the file, without its ending. */
  readonly baseName: string;
  readonly view: GraphView;
}

/** Variants are kept until the model changes, the oldest going first. */
const keptVariants = 24;

/** One model: reads its structure, checks recipes, builds and keeps variants. */
export function createModelService(): ModelApi {
  const store = createVariantStore();
  let opened: OpenModel | null = null;
  // Promises, so that two requests for one variant build it once.
  const variants = new Map<string, Promise<BuiltVariant>>();

  function current(): OpenModel {
    if (opened !== null) return opened;
    throw new InputError({ code: 'no-model', message: 'No model is open.', hint: 'Open a model first.' });
  }

  function build(recipe: Recipe): Promise<BuiltVariant> {
    const key = JSON.stringify(recipe);
    const kept = variants.get(key);
    if (kept !== undefined) return kept;
    const { model, baseName } = current();
    const building = buildFiles(model, baseName, recipe, store);
    variants.set(key, building);
    building.catch(() => variants.delete(key));
    for (const oldest of variants.keys()) {
      if (variants.size <= keptVariants) break;
      variants.delete(oldest);
    }
    return building;
  }

  return {
    open: (file, fileName, externalFiles) =>
      attempt(() => {
        const model = readModel(file, fileName, externalFiles);
        const view = buildGraphView(model, {
          modelId: modelFingerprint(model),
          fileName,
          fileBytes: file.size,
        });
        variants.clear();
        opened = { model, baseName: baseNameOf(fileName), view };
        return { ...view, warnings: [...view.warnings, ...missingData(model)] };
      }),

    check: (recipe) =>
      attempt(() => {
        checkRecipe(current().model, recipe);
        return null;
      }),

    build: (recipe) => attempt(() => build(recipe)),

    view: (recipe) =>
      attempt(async () => {
        const { files } = await build(recipe);
        const [first] = files;
        if (first === undefined) throw new Error('Assertion failed: a variant without files');
        const model = parseModel(blobSource(first.blob), first.name);
        return buildGraphView(model, {
          modelId: modelFingerprint(model),
          fileName: first.name,
          fileBytes: first.blob.size,
        });
      }),
  };
}

function readModel(
  file: Blob,
  fileName: string,
  externalFiles: readonly { readonly location: string; readonly file: Blob }[],
): Model {
  const parsed = parseModel(blobSource(file), fileName);
  const attached = attachExternalData(
    parsed,
    new Map(externalFiles.map((given) => [given.location, blobSource(given.file)])),
  );
  return isHollow(attached) ? refillHollow(attached) : attached;
}

function missingData(model: Model): string[] {
  const given = new Set(
    model.graph.initializers.flatMap(({ data }) =>
      data.kind === 'external' && data.source !== null ? [data.location] : [],
    ),
  );
  return externalLocations(model)
    .filter((location) => !given.has(location))
    .map((location) => `Weights are in “${location}”, which was not given: open it together with the model.`);
}

async function buildFiles(
  model: Model,
  baseName: string,
  recipe: Recipe,
  store: VariantStore,
): Promise<BuiltVariant> {
  const startedMs = performance.now();
  const variant = buildVariant(model, recipe, { baseName, now: () => performance.now() });
  const files: { name: string; blob: Blob }[] = [];
  for (const file of variant.files) files.push({ name: file.name, blob: await store.save(file) });
  // Writing counts: transforms may do their work only when the bytes are asked for.
  const buildMs = performance.now() - startedMs;
  let gzipBytes = 0;
  for (const { blob } of files) gzipBytes += await gzipByteLength(blob);
  return {
    recipe,
    plan: variant.plan,
    files,
    rawBytes: files.reduce((sum, { blob }) => sum + blob.size, 0),
    gzipBytes,
    params: variant.params,
    nonZeroParams: variant.nonZeroParams,
    macs: variant.macs,
    cuts: variant.cuts,
    buildMs,
    warnings: variant.warnings,
  };
}

function baseNameOf(fileName: string): string {
  return fileName.replace(/\.onnx$/i, '') || 'model';
}
