// Runs in the page: channels pruned by the real workers and runtime, judged on labelled images.
import type { Result } from '../../src/base/result.ts';
import { openDataClient } from '../../src/clients/data-client.ts';
import { openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { allocateRatios } from '../../src/clients/allocate-ratios.ts';
import { scanPruning } from '../../src/clients/scan-pruning.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { imagesToCalibrateWith, imagesToCheckWith, splitImages } from '../../src/study/evaluation-images.ts';
import type { StructuredPruneOperator } from '../../src/transforms/prune/prune-operator.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

const fetched = async (url: string): Promise<Blob> => (await fetch(url)).blob();
const provider = 'wasm';

/** Prunes all groups alike, then by ratios found for the same MACs. */
export async function allocateAndUniform(task: {
  readonly modelUrl: string;
  readonly dataUrl: string;
  readonly ratios: readonly number[];
  /** To look at each group alone. */
  readonly images: number;
  readonly evaluated: number;
  readonly threads: number;
}) {
  const { images, threads } = task;
  const [models, files] = [openModelClient(), openDataClient()];
  try {
    const model = models.api;
    const view = value(await model.open(await fetched(task.modelUrl), 'model.onnx', []));
    const archive = [{ path: 'images.zip', file: await fetched(task.dataUrl) }];
    const data = value(await files.api.open(archive, 'images', () => {}));
    const { dataset } = data;
    const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
    const labels = dataset.items.map(({ label }) => label);
    const { evaluation } = splitImages(labels);
    const step = Math.max(1, Math.floor(evaluation.length / task.evaluated));
    const judged = evaluation.filter((_, at) => at % step === 0).slice(0, task.evaluated);

    const judge = async (recipe: Recipe) => {
      const { plan, files: built, macs } = value(await model.build(recipe));
      const engine = openEngineClient();
      value(await engine.api.load({ plan, files: built, provider, threads, data, preprocessing }));
      const { top1, imageIndices } = value(await engine.api.predict(judged, () => {}));
      engine.terminate();
      const right = top1.filter(
        (found, at) => found === (labels[imageIndices[at] ?? -1] ?? Number.NaN) + preprocessing.classOffset,
      );
      return { macs, accuracy: right.length / top1.length };
    };

    const operator = {
      op: 'prune',
      kind: 'structured',
      ratio: 0.5,
    } as const satisfies StructuredPruneOperator;
    const whole = await judge([{ op: 'identity' }]);
    const startedMs = performance.now();
    const imageIndices = imagesToCalibrateWith(labels, images);
    const { signal } = new AbortController();
    const run = {
      model,
      recipe: [operator],
      data,
      preprocessing,
      threads,
      imageIndices,
      scoresClasses: true,
    };
    const scan = value(await scanPruning({ ...run, images, known: null }, () => {}, signal));
    const scanSeconds = (performance.now() - startedMs) / 1000;
    const inner = scan.curves.filter(({ subject }) => subject.made.length === 1);
    /** The least of these ratios for all groups that one layer makes alone with which the model keeps within a share. */
    const innerAlike = async (share: number): Promise<StructuredPruneOperator | null> => {
      for (let percent = 2; percent < 90; percent++) {
        const groups = inner.map(({ subject: { at } }) => ({ at, ratio: percent / 100 }));
        const alike = { ...operator, ratio: 0, groups };
        if (value(await model.build([alike])).macs <= share * whole.macs) return alike;
      }
      return null;
    };
    const rows = [];
    for (const ratio of task.ratios) {
      const uniform = await judge([{ ...operator, ratio }]);
      const target = { kind: 'macs', share: uniform.macs / whole.macs } as const;
      const alike = await innerAlike(target.share);
      const searchMs = performance.now();
      const checkedImages = imagesToCheckWith(labels, imageIndices);
      const search = { ...run, scan, target, nodeMs: null, provider, checkedImages } as const;
      const { plan, effect } = value(await allocateRatios(search, () => {}, signal));
      const searchSeconds = (performance.now() - searchMs) / 1000;
      rows.push({
        ratio,
        uniform,
        inner: alike === null ? null : await judge([alike]),
        allocated: await judge([plan.operator]),
        seen: effect.accuracy,
        searchSeconds,
      });
    }
    return { whole, groups: scan.curves.length, answers: scan.total, scanSeconds, rows };
  } finally {
    models.terminate();
    files.terminate();
  }
}
