import type { InferenceSession } from 'onnxruntime-web/wasm';
import { defined } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import type { Preprocessing } from '../../data/preprocessing.ts';
import { RANDOM_INPUTS_NOTE } from '../../data/random-inputs.ts';
import type { EngineLoad, EngineLoaded } from '../../protocol/engine-api.ts';
import { decidingInSinglePrecision } from '../../transforms/exits/single-precision.ts';
import { runtimeFailure } from '../failures.ts';
import { inputDims } from '../input-dims.ts';
import { startRuntime, type Runtime } from '../ort.ts';
import { randomInputsOf, type RandomInput } from '../random-inputs.ts';
import { createSegmentRunner, outputsThatStay, type SegmentRunner } from '../segment-runner.ts';
import { sessionInput } from '../session-input.ts';

/** A strategy whose sessions are there: what passes over images run. */
export interface LoadedStrategy {
  readonly request: EngineLoad;
  readonly runtime: Runtime;
  /** One for each segment of the plan. */
  readonly sessions: readonly InferenceSession[];
  readonly run: SegmentRunner;
  /** Under which images are given to the model; none where it gets random numbers. */
  readonly dims: readonly number[];
  /** Inputs in place of images; null where images are given. */
  readonly random: readonly RandomInput[] | null;
}

/**
 * Starts the runtime and opens a session for each segment.
 * @throws InputError what the runtime says of a file, or that images or random numbers do not fit its input
 */
export async function loadStrategy(
  request: EngineLoad,
): Promise<{ readonly engine: LoadedStrategy; readonly loaded: EngineLoaded }> {
  const { plan, preprocessing } = request;
  const random = preprocessing.random ? randomInputsOf(plan) : null;
  const dims = random === null ? inputDims(plan.input, preprocessing) : [];
  const runtime = await startRuntime(request.provider, request.threads);
  const startedMs = performance.now();
  const sessions: InferenceSession[] = [];
  for (const at of plan.segments.keys()) sessions.push(await openSession(runtime, request, at));
  const sessionCreateMs = performance.now() - startedMs;
  const run = createSegmentRunner(plan, sessions, () => performance.now());
  return {
    engine: { request, runtime, sessions, dims, random, run },
    loaded: {
      sessionCreateMs,
      threadsUsed: runtime.threadsUsed,
      heapBytes: runtime.heapBytes(),
      warnings: warningsOf(request, runtime),
    },
  };
}

/** The same engine with images prepared differently. */
export function prepared(
  { request, ...engine }: LoadedStrategy,
  preprocessing: Preprocessing,
): LoadedStrategy {
  const dims = inputDims(request.plan.input, preprocessing);
  return { ...engine, dims, request: { ...request, preprocessing } };
}

async function openSession(runtime: Runtime, request: EngineLoad, at: number): Promise<InferenceSession> {
  const { plan, files, isProfiled } = request;
  const name = defined(plan.segments[at], `segment ${at}`).file;
  const { blob } = defined(
    files.find((file) => file.name === name),
    `file ${name}`,
  );
  try {
    // Nothing here keeps the bytes: the runtime copies them into its heap.
    const { modelBytes, externalData } = await sessionInput(
      blob,
      name,
      decidesInSinglePrecision(request) ? decidingInSinglePrecision : null,
    );
    return await runtime.createSession(modelBytes, {
      externalData,
      isProfiled,
      outputsThatStay: outputsThatStay(plan, at),
    });
  } catch (thrown) {
    throw new InputError(runtimeFailure(thrown, name));
  }
}

/** The runtime's build for GPUs has no float64. */
function decidesInSinglePrecision({ plan, provider }: EngineLoad): boolean {
  return plan.decision !== undefined && provider !== 'wasm';
}

function warningsOf(request: EngineLoad, runtime: Runtime): string[] {
  const warnings: string[] = [];
  if (request.preprocessing.random) warnings.push(RANDOM_INPUTS_NOTE);
  if (runtime.threadsUsed < request.threads) {
    warnings.push(
      `Runs with ${runtime.threadsUsed} thread instead of ${request.threads}: threads are not possible here.`,
    );
  }
  if (decidesInSinglePrecision(request)) {
    warnings.push(
      `On ${request.provider} the file decides in single precision: images whose confidence is within a millionth of the threshold may leave at another exit.`,
    );
  }
  const log = runtime.takeLog();
  if (log.some((line) => line.includes('not assigned to the preferred execution providers'))) {
    warnings.push(`Some operators are not available on ${request.provider} and run on the CPU instead.`);
  }
  return warnings;
}
