import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { seededRandom, shuffled } from '../base/random.ts';
import { attempt } from '../base/result.ts';
import { elementCount } from '../onnx/tensor.ts';
import { modelToBytes } from '../onnx/serialize.ts';
import type { ProbeApi, ProbeRequest } from '../protocol/probe-api.ts';
import type { FormFigure } from '../study/forms/form-figures.ts';
import { FORMS, type ProbedForm } from '../study/forms/forms.ts';
import { LAYER_KINDS, type LayerKindInfo } from '../study/forms/layer-kinds.ts';
import { probeModel } from '../study/forms/probe-models.ts';
import { areWellKnown, runTimesOf } from '../study/forms/run-times.ts';
import { runtimeFailure } from './failures.ts';
import { nextTask } from './next-task.ts';
import { startRuntime, type Runtime } from './ort.ts';

/** A probe's model in a form, ready to run; or why it is not. */
interface Candidate {
  readonly layer: LayerKindInfo;
  readonly form: ProbedForm;
  readonly session: InferenceSession;
  readonly input: Tensor;
  /** The first run, which allocates, and on GPUs compiles: counts only where there is no time for others. */
  readonly firstMs: number;
  readonly timesMs: number[];
}

/** Rounds after which medians may be known well enough. */
const LEAST_ROUNDS = 9;

/** Setup and a first round take at most so many times the budget of rounds; else first runs are all there is. */
const MOST_BUDGETS = 2;

/** Making sessions takes about as long as some rounds. */
const SETUP_SHARE = 0.3;

/** Times every form of every kind of layer, in one worker that does nothing else. */
export function createProbeService(): ProbeApi {
  return {
    probe: (request, onProgress) =>
      attempt(async () => {
        const runtime = await startRuntime(request.provider, request.threads);
        const startedMs = performance.now();
        const pairs = LAYER_KINDS.flatMap((layer) => FORMS.map((form) => ({ layer, form })));
        const failures: FormFigure[] = [];
        const candidates: Candidate[] = [];
        for (const [done, { layer, form }] of pairs.entries()) {
          const opened = await attempt(() => open(runtime, layer, form));
          if (opened.ok) candidates.push(opened.value);
          else
            failures.push({ layer: layer.kind, form: form.id, times: { failure: opened.failure.message } });
          onProgress((SETUP_SHARE * (done + 1)) / pairs.length);
          await nextTask();
        }
        const roundMs = candidates.reduce((sum, { firstMs }) => sum + firstMs, 0);
        if (performance.now() - startedMs + roundMs < MOST_BUDGETS * request.budgetMs)
          await runRounds(candidates, request, (share) =>
            onProgress(SETUP_SHARE + (1 - SETUP_SHARE) * share),
          );
        onProgress(1);
        return [...candidates.map(figureOf), ...failures];
      }),
  };
}

async function open(runtime: Runtime, layer: LayerKindInfo, form: ProbedForm): Promise<Candidate> {
  const { inputShape } = layer;
  try {
    const session = await runtime.createSession(modelToBytes(probeModel(layer, form)));
    const random = seededRandom(1);
    const numbers = Float32Array.from({ length: elementCount(inputShape) }, () => 4 * random() - 2);
    const input = new runtime.ort.Tensor('float32', numbers, inputShape);
    return { layer, form, session, input, firstMs: await timeOf({ session, input }), timesMs: [] };
  } catch (thrown) {
    throw new Error(runtimeFailure(thrown, form.label).message, { cause: thrown });
  }
}

async function runRounds(
  candidates: readonly Candidate[],
  { budgetMs, rounds }: ProbeRequest,
  onProgress: (share: number) => void,
): Promise<void> {
  const random = seededRandom(2);
  const startedMs = performance.now();
  for (let round = 0; round < rounds; round++) {
    const elapsedMs = performance.now() - startedMs;
    // Whole rounds, so that each form meets the same moments.
    if (round > 0 && elapsedMs + elapsedMs / round > budgetMs) break;
    if (round >= LEAST_ROUNDS && areWellKnown(candidates.map(({ timesMs }) => timesMs))) break;
    for (const candidate of shuffled(candidates, random)) {
      candidate.timesMs.push(await timeOf(candidate));
      await nextTask();
    }
    onProgress(Math.max((round + 1) / rounds, Math.min(1, (performance.now() - startedMs) / budgetMs)));
  }
}

async function timeOf({ session, input }: Pick<Candidate, 'session' | 'input'>): Promise<number> {
  const startedMs = performance.now();
  const outputs = await session.run({ x: input });
  const elapsedMs = performance.now() - startedMs;
  for (const output of Object.values(outputs)) output.dispose();
  return elapsedMs;
}

function figureOf({ layer, form, firstMs, timesMs }: Candidate): FormFigure {
  const times = runTimesOf(timesMs.length > 0 ? timesMs : [firstMs]);
  return { layer: layer.kind, form: form.id, times };
}
