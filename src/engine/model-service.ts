import { defined } from '../base/assert.ts';
import { attempt } from '../base/result.ts';
import { buildGraphView } from '../onnx/build-graph-view.ts';
import { modelFingerprint } from '../onnx/model-fingerprint.ts';
import type { Model } from '../onnx/model.ts';
import { parseModel } from '../onnx/parse.ts';
import { serializeModel } from '../onnx/serialize.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { nodesNamedByOriginal, nodesNamedByOutput } from '../transforms/name-nodes.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { blobSource } from './blob-source.ts';
import { createGzipSizer } from './gzip-size.ts';
import { buildFiles, counted } from './model/build-files.ts';
import { exitCalls } from './model/exit-calls.ts';
import { dimsIn, openModel, viewOf } from './model/open-model.ts';
import { pruneCalls } from './model/prune-calls.ts';
import { quantizeCalls } from './model/quantize-calls.ts';
import { createWorkbench } from './model/workbench.ts';
import { nextTask } from './next-task.ts';

/**
 * One model: reads its structure, checks recipes, builds and keeps variants. What changes models is loaded when it is
 * first asked for: the graph is on the screen by then.
 */
export function createModelService(): ModelApi {
  const bench = createWorkbench();
  const gzipSizer = createGzipSizer();
  const { current, build } = bench;

  async function namedForProfile(model: Model, arithmetic: Recipe): Promise<Model> {
    if (arithmetic.length === 0) return nodesNamedByOutput(model);
    return nodesNamedByOriginal(await bench.modelMadeBy(arithmetic), model);
  }

  return {
    open: (file, fileName, externalFiles, size = {}) =>
      attempt(() => {
        const opened = openModel(file, fileName, externalFiles, size);
        const view = viewOf(opened);
        bench.open(opened);
        return view;
      }),

    countAt: (size) =>
      attempt(() => {
        const resized = { ...current(), size };
        const view = viewOf(resized);
        bench.resize(resized);
        return view;
      }),

    check: (recipe) =>
      attempt(async () => {
        const { checkRecipe } = await import('../transforms/build-variant.ts');
        const { model, size } = current();
        checkRecipe(model, recipe, bench.findings().heads, size);
        return null;
      }),

    build: (recipe) => attempt(async () => counted(await build(recipe))),

    buildForProfile: (arithmetic = []) =>
      attempt(async () => {
        const key = JSON.stringify(bench.decided(arithmetic));
        const kept = bench.profileFiles.get(key);
        if (kept !== undefined) return kept;
        const open = current();
        const model = await namedForProfile(open.model, arithmetic);
        const { built } = await buildFiles({ ...open, model, original: null }, [], bench.store);
        bench.profileFiles.set(key, built);
        return built;
      }),

    buildToExplain: (recipe) =>
      attempt(async () => {
        const { built } = await build(recipe);
        const files: (typeof built.files)[number][] = [];
        for (const { name, blob } of built.files) {
          const named = nodesNamedByOriginal(parseModel(blobSource(blob), name), current().model);
          files.push({ name, blob: await bench.store.save(serializeModel(named)) });
        }
        return { ...built, files };
      }),

    ...exitCalls(bench),
    ...quantizeCalls(bench),
    ...pruneCalls(bench),

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
