import { failed, type Failure, type Result } from '../base/result.ts';
import type { EngineApi, EngineLoad } from '../protocol/engine-api.ts';
import { openEngineClient } from './engine-client.ts';

/**
 * Loads a variant into a worker that lives as long as the work with it.
 * @param signal cancels at once
 * @param cancelled the failure of work that was cancelled before it began; later the worker's own
 */
export async function inEngine<T>(
  variant: EngineLoad,
  signal: AbortSignal,
  cancelled: Failure,
  use: (engine: EngineApi) => Promise<Result<T>>,
): Promise<Result<T>> {
  if (signal.aborted) return failed(cancelled);
  const engine = openEngineClient();
  const stop = () => engine.terminate();
  signal.addEventListener('abort', stop);
  try {
    const loaded = await engine.api.load(variant);
    return loaded.ok ? await use(engine.api) : loaded;
  } finally {
    signal.removeEventListener('abort', stop);
    stop();
  }
}
