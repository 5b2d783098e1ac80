import { cancellation, failed, ok, type Result } from '../base/result.ts';
import type { ProbeApi } from '../protocol/probe-api.ts';
import type { FormFigures, FormPlace } from '../study/forms/form-figures.ts';
import { type Client, wrapWorker } from './spawn.ts';

/** With what making the sessions takes, well within a minute even on a slow phone. */
const BUDGET_MS = 25_000;
const ROUNDS = 31;

/**
 * Times layers of vision models in every form, in a fresh worker, in at most a minute.
 * @param signal cancels at once
 * @param onProgress share done
 * @param effort less of it for tests
 */
export async function probeForms(
  { environment, provider, threads }: FormPlace,
  onProgress: (share: number) => void,
  signal: AbortSignal,
  effort = { budgetMs: BUDGET_MS, rounds: ROUNDS },
): Promise<Result<FormFigures>> {
  if (signal.aborted) return failed(cancelled);
  let client = openProbeClient();
  const stop = () => client.terminate();
  signal.addEventListener('abort', stop);
  try {
    let outcome = await client.api.probe({ provider, threads, ...effort }, onProgress);
    if (!outcome.ok && outcome.failure.code === 'threads-failed' && !signal.aborted) {
      client.terminate();
      client = openProbeClient();
      outcome = await client.api.probe({ provider, threads: 1, ...effort }, onProgress);
    }
    if (!outcome.ok) return outcome;
    const { userAgent, runtimeVersion } = environment;
    const figures = outcome.value;
    return ok({ userAgent, runtimeVersion, provider, threads, measuredAtMs: Date.now(), figures });
  } finally {
    signal.removeEventListener('abort', stop);
    client.terminate();
  }
}

function openProbeClient(): Client<ProbeApi> {
  const worker = new Worker(new URL('../../workers/probe.ts', import.meta.url), { type: 'module' });
  return wrapWorker<ProbeApi>(worker, 'the comparison of forms');
}

const cancelled = cancellation('The comparison of forms');
