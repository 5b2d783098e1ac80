import { type Failure, failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { FormTrial } from '../study/forms/choose-form.ts';
import type { StaticFormId } from '../study/forms/forms.ts';
import type { ModelTimes } from '../study/forms/model-times.ts';
import { runTimesOf } from '../study/forms/run-times.ts';
import type { Provider } from '../study/trial.ts';
import { openEngineClient } from './engine-client.ts';
import { getReady, type Rounds, type TimedEngine, timeInTurns } from './time-in-turns.ts';

/** What a model is timed on, and where. */
export interface FormTiming {
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  readonly provider: Provider;
  readonly threads: number;
}

const ROUNDS: Rounds = { least: 7, most: 41, budgetMs: 12_000 };

/** A form, ready to run; `form` is null for float32. */
interface Candidate extends TimedEngine {
  readonly form: StaticFormId | null;
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
    const told = (share: number) => onProgress(SETUP_SHARE + (1 - SETUP_SHARE) * share);
    const ran = await timeInTurns(candidates, ROUNDS, told, signal, cancelled);
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

async function ready(
  model: ModelApi,
  trial: FormTrial,
  place: FormTiming,
  candidate: Candidate,
): Promise<Result<unknown>> {
  const built = await model.buildInForm(trial, candidate.form);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  return getReady(candidate, { plan, files, ...place });
}

function timesOf(candidates: readonly Candidate[]): Pick<ModelTimes, 'float' | 'forms'> {
  const all = candidates.map(({ form, timesMs }) => ({ form, times: runTimesOf(timesMs) }));
  return {
    float: all.filter(({ form }) => form === null).map(({ times }) => times)[0] as ModelTimes['float'],
    forms: all.flatMap(({ form, times }) => (form === null ? [] : [{ form, times }])),
  };
}
