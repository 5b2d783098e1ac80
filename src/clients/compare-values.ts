import * as Comlink from 'comlink';
import { failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { BuiltFiles, ModelApi } from '../protocol/model-api.ts';
import type { ComparedValue } from '../study/quality/variant-errors.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { openCompareClient } from './compare-client.ts';
import { openEngineClient } from './engine-client.ts';

export interface ValuesToCompare {
  /** With the model open, and what the recipe needs known to it. */
  readonly model: ModelApi;
  /** One that gives one file: see `recipeToCompare`. */
  readonly recipe: Recipe;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly threads: number;
  readonly imageIndices: readonly number[];
  /** One value, with its histograms; null: all, without. */
  readonly value: string | null;
}

export interface ComparedValues {
  /** Images that were run; those that cannot be decoded are left out. */
  readonly images: number;
  readonly values: readonly ComparedValue[];
}

/**
 * Runs a variant and its float model side by side on the CPU, each in a worker, while a third one compares what they
 * compute, image by image.
 * @param onProgress images done, of how many
 * @param signal cancels at once
 */
export async function compareValues(
  { model, recipe, data, preprocessing, threads, imageIndices, value }: ValuesToCompare,
  onProgress: (done: number, total: number) => void,
  signal: AbortSignal,
): Promise<Result<ComparedValues>> {
  const comparer = openCompareClient();
  const engines = [openEngineClient(), openEngineClient()] as const;
  const stop = () => {
    for (const client of [comparer, ...engines]) client.terminate();
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const built = await model.buildForComparison(recipe, value === null ? null : [value]);
    if (!built.ok) return built;
    const { original, variant, values, unrounded, ranges } = built.value;
    const share = Math.max(1, Math.floor(threads / 2));
    const [first, second] = [new MessageChannel(), new MessageChannel()];
    const receiving = await comparer.api.receive(
      Comlink.transfer(first.port1, [first.port1]),
      Comlink.transfer(second.port1, [second.port1]),
      values,
      unrounded,
      value !== null,
    );
    if (!receiving.ok) return receiving;
    const total = imageIndices.length;
    const run = async (engine: (typeof engines)[number], { plan, files }: BuiltFiles, port: MessagePort) => {
      const loaded = await engine.api.load({
        plan,
        files,
        provider: 'wasm',
        threads: share,
        data,
        preprocessing,
      });
      if (!loaded.ok) return loaded;
      const outputs = plan.segments[0]?.outputs.map(({ name }) => name) ?? [];
      return engine.api.activations(
        { imageIndices, outputs, inputs: [] },
        Comlink.transfer(port, [port]),
        (done) => onProgress(done, total),
      );
    };
    // Each waits for the other: where one fails, the other must not wait for ever.
    let failure: Result<never> | null = null;
    const orStop = async (work: ReturnType<typeof run>) => {
      const outcome = await work;
      if (!outcome.ok && failure === null) {
        failure = outcome;
        stop();
      }
      return outcome;
    };
    const [passed] = await Promise.all([
      orStop(run(engines[0], original, first.port2)),
      orStop(run(engines[1], variant, second.port2)),
    ]);
    if (failure !== null) return failure;
    if (!passed.ok) return passed;
    const images = passed.value.imageIndices.length;
    if (images === 0 && passed.value.undecodable !== null) return failed(passed.value.undecodable);
    const compared = await comparer.api.outcome();
    if (!compared.ok) return compared;
    return ok({ images, values: compared.value.map((each, at) => ({ ...each, range: ranges[at] ?? null })) });
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
