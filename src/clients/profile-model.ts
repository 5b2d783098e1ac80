import { cancellation, failed, type Failure, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { typicalComputeMs, type VariantTimes } from '../study/explain/time-difference.ts';
import type { RuntimeNodeTime } from '../study/profile/attribute-times.ts';
import {
  type CostProfile,
  costProfileOf,
  leastOutsideMs,
  type ProfiledRun,
  shareInNodes,
  timesPerInference,
} from '../study/profile/cost-profile.ts';
import { areTimesMissing } from '../study/profile/runtime-profile.ts';
import { LEAST_WARM_UP_MS } from '../study/measuring/warm-up.ts';
import type { ProfileProgress } from '../study/progress.ts';
import type { Provider, Sample } from '../study/trial.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { inEngine } from './in-engine.ts';

export interface ProfileRequest {
  /** With the model open. */
  readonly model: ModelApi;
  readonly view: GraphView;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
  /** The quantize step of recipes whose kernels are to be measured; empty: the model's own. */
  readonly arithmetic?: Recipe;
  /** A whole recipe instead, run as its trials run it. */
  readonly variant?: Recipe;
  /** Those to run, evenly spread, since neighbours are often of one class; left out: all in turn. */
  readonly imageIndices?: readonly number[];
}

/** About how long the timed runs may take, where the model is as fast as its MACs suggest. */
const budgetMs = 3000;
const fewestWarmUpRuns = 3;
/** Each run leaves a line for each node, which a browser has to keep and to read. */
const mostWarmUpRuns = 50;
const assumedMacsPerMs = 10e6;

/** Above this, the runtime's noting of times costs too little to matter. */
const enoughInNodes = 0.97;

/**
 * Measures what each node of the unchanged model takes here, in a worker of its own: medians of several runs. Noting
 * the time of each node takes time itself; where it matters, what a whole inference takes is measured without.
 * @param signal cancels at once
 * @returns failures as of building, loading and running
 */
export async function profileModel(
  request: ProfileRequest,
  signal: AbortSignal,
  onProgress: (progress: ProfileProgress) => void = () => {},
): Promise<Result<CostProfile>> {
  const { view, provider } = request;
  const runs = await prepareRuns(request, signal, onProgress);
  if (!runs.ok) return runs;
  const profiled = await runs.value.profiled();
  if (!profiled.ok) return profiled;
  const isEnough = provider !== 'webgpu' && shareInNodes(profiled.value) >= enoughInNodes;
  if (isEnough) return ok(costProfileOf(view, profiled.value));
  const plain = await runs.value.plain();
  if (!plain.ok) return plain;
  return ok(costProfileOf(view, { ...profiled.value, plainSamples: plain.value }));
}

/**
 * Measures what each of the runtime's nodes takes in an inference, as `profileModel` does, without attributing it to
 * the model's nodes: those that quantizing inserts stay apart.
 * @param signal cancels at once
 * @returns in the order in which they run
 */
export async function profileRuntimeNodes(
  request: ProfileRequest,
  signal: AbortSignal,
  onProgress: (progress: ProfileProgress) => void,
): Promise<Result<readonly RuntimeNodeTime[]>> {
  const runs = await prepareRuns(request, signal, onProgress);
  if (!runs.ok) return runs;
  const profiled = await runs.value.profiled();
  return profiled.ok ? ok(timesPerInference(profiled.value.nodes, profiled.value.samples)) : profiled;
}

/**
 * Measures what each of the runtime's nodes takes in an inference of a variant, and the whole of it: a loaded device
 * disturbs most inferences and few nodes, so what lies outside nodes is told by the run where that was least.
 * @param request with `variant`, and what it needs known to the model
 * @param signal cancels at once
 * @returns `times-missing` where a GPU tells no times
 */
export async function profileVariant(
  request: ProfileRequest,
  signal: AbortSignal,
  onProgress: (progress: ProfileProgress) => void,
): Promise<Result<VariantTimes>> {
  const runs = await prepareRuns(request, signal, onProgress);
  if (!runs.ok) return runs;
  const profiled = await runs.value.profiled();
  if (!profiled.ok) return profiled;
  const { nodes, samples } = profiled.value;
  if (nodes.length === 0 || areTimesMissing(nodes)) return failed(timesMissing);
  const times = timesPerInference(nodes, samples);
  const inNodesMs = times.reduce((sum, { ms }) => sum + ms, 0);
  const outsideMs = leastOutsideMs(profiled.value);
  const timed = samples.filter(({ warmUp }) => !warmUp);
  return ok({
    nodes: times,
    inferenceMs: outsideMs === null ? typicalComputeMs(timed) : inNodesMs + outsideMs,
  });
}

const timesMissing: Failure = {
  code: 'times-missing',
  message: 'the runtime told no times of single operators: this provider or browser does not give them',
  hint: 'Measure the strategies on wasm to see where the time goes.',
};

interface Runs {
  readonly profiled: () => Promise<Result<ProfiledRun>>;
  readonly plain: () => Promise<Result<readonly Sample[]>>;
}

/** Builds the model for profiling, to be run with and without the runtime noting times. */
async function prepareRuns(
  request: ProfileRequest,
  signal: AbortSignal,
  onProgress: (progress: ProfileProgress) => void,
): Promise<Result<Runs>> {
  const {
    model,
    view,
    data,
    preprocessing,
    provider,
    threads,
    arithmetic = [],
    variant,
    imageIndices,
  } = request;
  if (signal.aborted) return failed(cancelled);
  onProgress({ step: 'preparing' });
  const building = variant ? model.buildToExplain(variant) : model.buildForProfile(arithmetic);
  const built = await orCancelled(building, signal);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const runsIn = (ms: number): number => Math.floor((ms * assumedMacsPerMs) / Math.max(1, view.totals.macs));
  const warmUpRuns = Math.min(mostWarmUpRuns, Math.max(fewestWarmUpRuns, runsIn(LEAST_WARM_UP_MS)));
  const runs = warmUpRuns + Math.min(25, Math.max(5, runsIn(budgetMs)));
  const images = Array.from({ length: runs }, (_, run) =>
    imageIndices
      ? (imageIndices[Math.floor((run * imageIndices.length) / runs)] ?? 0)
      : run % data.dataset.items.length,
  );
  const tellRuns = (done: number): void => onProgress({ step: 'running', runs: done, of: runs });

  const loadedInto = <T>(
    isProfiled: boolean,
    use: (engine: EngineApi) => Promise<Result<T>>,
  ): Promise<Result<T>> => {
    onProgress({ step: 'loading' });
    return inEngine(
      { plan, files, provider, threads, data, preprocessing, isProfiled },
      signal,
      cancelled,
      use,
    );
  };

  const profiled = () => loadedInto(true, (engine) => engine.profile(images, warmUpRuns, tellRuns));
  const plain = () =>
    loadedInto(false, async (engine) => {
      const samples: Sample[] = [];
      for (const [done, image] of images.entries()) {
        const batch = { imageIndices: [image], round: 0, warmUp: done < warmUpRuns, firstSequence: done };
        const measured = await engine.measure(batch);
        if (!measured.ok) return measured;
        samples.push(...measured.value);
        tellRuns(done + 1);
      }
      return ok(samples);
    });
  return ok({ profiled, plain });
}

const cancelled = cancellation('Profiling');

/** Work that cannot be stopped, but need not be waited for. */
function orCancelled<T>(work: Promise<Result<T>>, signal: AbortSignal): Promise<Result<T>> {
  return new Promise((resolve) => {
    const stop = () => resolve(failed(cancelled));
    signal.addEventListener('abort', stop);
    void work.then((result) => {
      signal.removeEventListener('abort', stop);
      resolve(result);
    });
  });
}
