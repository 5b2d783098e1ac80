import { seededRandom, shuffled } from '../base/random.ts';
import { type Failure, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { FormTrial } from '../study/forms/choose-form.ts';
import type { StaticFormId } from '../study/forms/forms.ts';
import type { ModelTimes } from '../study/forms/model-times.ts';
import { areWellKnown, runTimesOf } from '../study/forms/run-times.ts';
import type { Provider } from '../study/trial.ts';
import { type EngineClient, openEngineClient } from './engine-client.ts';

/** What a model is timed on, and where. */
export interface FormTiming {
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
}

/** No further round is begun after it, except the first. */
const BUDGET_MS = 12_000;
const LEAST_ROUNDS = 7;
const MOST_ROUNDS = 41;

/** A form, ready to run; `form` is null for float32. */
interface Candidate {
  readonly form: StaticFormId | null;
  readonly engine: EngineClient;
  readonly timesMs: number[];
}

/**
 * Times a model in float32 and in the forms that may be its fastest: in rounds of random order, each in a worker of
 * its own, as a study does. Forms that do not run are left out.
 * @param model where it is open
 * @param onProgress share done
 * @param signal cancels at once
 * @returns not ok if float32 or none of the forms runs
 */
export async function timeForms(
  model: ModelApi,
  trial: FormTrial,
  place: FormTiming,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<Result<ModelTimes>> {
  const candidates: Candidate[] = [];
  const stop = () => candidates.forEach(({ engine }) => engine.terminate());
  signal.addEventListener('abort', stop);
  try {
    const forms = [null, ...trial.forms];
    for (const [done, form] of forms.entries()) {
      const candidate: Candidate = { form, engine: openEngineClient(), timesMs: [] };
      candidates.push(candidate);
      const outcome = await ready(model, trial, place, candidate);
      if (signal.aborted) return failed(cancelled);
      if (!outcome.ok) {
        candidate.engine.terminate();
        candidates.pop();
        if (form === null) return outcome;
      }
      onProgress((SETUP_SHARE * (done + 1)) / forms.length);
    }
    if (candidates.length < 2) return failed(noneRuns);
    const ran = await runRounds(candidates, signal, (share) =>
      onProgress(SETUP_SHARE + (1 - SETUP_SHARE) * share),
    );
    return ran.ok ? ok({ ...trial.subject, ...timesOf(candidates) }) : ran;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}

/** Building and loading take about as long as some rounds. */
const SETUP_SHARE = 0.4;

const cancelled: Failure = { code: 'cancelled', message: 'Timing the forms was cancelled.' };
const noneRuns: Failure = { code: 'no-form-runs', message: 'None of the forms runs here.' };

/** Builds, loads and runs once: the first run allocates, and on GPUs compiles. */
async function ready(
  model: ModelApi,
  trial: FormTrial,
  place: FormTiming,
  { form, engine }: Candidate,
): Promise<Result<unknown>> {
  const built = await model.buildInForm(trial, form);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  const loaded = await engine.api.load({ plan, files, ...place });
  return loaded.ok ? engine.api.measure({ ...oneImage, warmUp: true }) : loaded;
}

const oneImage = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };

async function runRounds(
  candidates: readonly Candidate[],
  signal: AbortSignal,
  onProgress: (share: number) => void,
): Promise<Result<null>> {
  const random = seededRandom(4);
  const startedMs = performance.now();
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const elapsedMs = performance.now() - startedMs;
    // Whole rounds, so that each form meets the same moments.
    if (round > 0 && elapsedMs + elapsedMs / round > BUDGET_MS) break;
    if (round >= LEAST_ROUNDS && areWellKnown(candidates.map(({ timesMs }) => timesMs))) break;
    for (const { engine, timesMs } of shuffled(candidates, random)) {
      const measured = await engine.api.measure(oneImage);
      if (signal.aborted) return failed(cancelled);
      if (!measured.ok) return measured;
      timesMs.push(...measured.value.map(({ computeMs }) => computeMs));
    }
    onProgress(Math.max((round + 1) / MOST_ROUNDS, Math.min(1, (performance.now() - startedMs) / BUDGET_MS)));
  }
  return ok(null);
}

function timesOf(candidates: readonly Candidate[]): Pick<ModelTimes, 'float' | 'forms'> {
  const all = candidates.map(({ form, timesMs }) => ({ form, times: runTimesOf(timesMs) }));
  return {
    float: all.filter(({ form }) => form === null).map(({ times }) => times)[0] as ModelTimes['float'],
    forms: all.flatMap(({ form, times }) => (form === null ? [] : [{ form, times }])),
  };
}
