import { ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { type CostProfile, costProfileOf } from '../study/profile/cost-profile.ts';
import type { Provider } from '../study/trial.ts';
import { openEngineClient } from './engine-client.ts';

export interface ProfileRequest {
  /** With the model open. */
  readonly model: ModelApi;
  readonly view: GraphView;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
}

const warmUpRuns = 3;
/** About how long the timed runs may take, where the model is as fast as its MACs suggest. */
const budgetMs = 3000;
const assumedMacsPerMs = 10e6;

/**
 * Measures what each node of the unchanged model takes here, in a worker of its own: medians of several runs.
 * @param signal cancels at once
 * @returns failures as of building, loading and running
 */
export async function profileModel(
  { model, view, data, preprocessing, provider, threads }: ProfileRequest,
  signal: AbortSignal,
): Promise<Result<CostProfile>> {
  const engine = openEngineClient();
  const stop = () => engine.terminate();
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  try {
    const built = await model.buildForProfile();
    if (!built.ok) return built;
    const { plan, files } = built.value;
    const loaded = await engine.api.load({
      plan,
      files,
      provider,
      threads,
      data,
      preprocessing,
      isProfiled: true,
    });
    if (!loaded.ok) return loaded;
    const affordable = (budgetMs * assumedMacsPerMs) / Math.max(1, view.totals.macs);
    const runs = warmUpRuns + Math.min(25, Math.max(5, Math.floor(affordable)));
    const { length } = data.dataset.items;
    const images = Array.from({ length: runs }, (_, run) => run % length);
    const profiled = await engine.api.profile(images, warmUpRuns);
    return profiled.ok ? ok(costProfileOf(view, profiled.value)) : profiled;
  } finally {
    signal.removeEventListener('abort', stop);
    engine.terminate();
  }
}
