import { ok } from '../base/result.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import { wrapWorker, type Client } from './spawn.ts';

export type EngineClient = Client<EngineApi>;

/**
 * Starts a worker that runs one strategy. Where the runtime cannot start its threads (some phones), a fresh
 * worker with one thread takes over, and the load's warnings say so.
 * `heapBytes` of a worker that is gone is NaN.
 */
export function openEngineClient(): EngineClient {
  let current = startEngine();
  let isEnded = false;

  const load: EngineApi['load'] = async (request) => {
    const first = await current.api.load(request);
    if (isEnded || first.ok || first.failure.code !== 'threads-failed') return first;
    current.terminate();
    current = startEngine();
    const second = await current.api.load({ ...request, threads: 1 });
    if (!second.ok) return second;
    return ok({ ...second.value, warnings: [...second.value.warnings, first.failure.message] });
  };
  return {
    api: {
      load,
      measure: (request) => current.api.measure(request),
      predict: (...request) => current.api.predict(...request),
      answerMasks: (...request) => current.api.answerMasks(...request),
      exitScores: (...request) => current.api.exitScores(...request),
      profile: (...request) => current.api.profile(...request),
      activations: (...request) => current.api.activations(...request),
      features: (...request) => current.api.features(...request),
      gatedScores: (...request) => current.api.gatedScores(...request),
      channelMeans: (...request) => current.api.channelMeans(...request),
      classifyFrame: (request) => current.api.classifyFrame(request),
      heapBytes: async () => {
        const bytes: unknown = await current.api.heapBytes();
        return typeof bytes === 'number' ? bytes : Number.NaN;
      },
    },
    terminate: () => {
      isEnded = true;
      current.terminate();
    },
  };
}

function startEngine(): Client<EngineApi> {
  const worker = new Worker(new URL('../../workers/engine.ts', import.meta.url), { type: 'module' });
  return wrapWorker<EngineApi>(worker, 'the engine');
}
