import { ok, type Result } from '../base/result.ts';
import type { EngineApi, EngineLoad, EngineLoaded } from '../protocol/engine-api.ts';
import type { Environment } from '../study/trial.ts';
import { type EngineClient, openEngineClient } from './engine-client.ts';

/**
 * The workers of a study, one for each strategy, as many at a time as the memory allows: interleaving wants all of
 * them ready. The one that rested longest goes first.
 */
export interface EnginePool {
  /**
   * The worker that has this strategy loaded, loading it if need be.
   * @param estimateBytes memory it will take, as far as can be told before
   * @returns `fresh`: what loading told, null if it was loaded already
   */
  acquire(
    strategyId: string,
    estimateBytes: number,
    request: EngineLoad,
  ): Promise<Result<{ readonly engine: EngineApi; readonly fresh: EngineLoaded | null }>>;
  /** Whether it is loaded. */
  has(strategyId: string): boolean;
  /** Corrects the estimate by what was really taken. */
  noteHeap(strategyId: string, heapBytes: number): void;
  discard(strategyId: string): void;
  discardAll(): void;
}

interface Resident {
  readonly client: EngineClient;
  bytes: number;
}

/** Compiled code, threads and the worker itself, which the heap does not show. */
const workerOverheadBytes = 48e6;

/** Memory that the workers of one study may take together. */
export function memoryBudgetBytes(environment: Environment): number {
  const deviceBytes = (environment.deviceMemoryGb ?? 2) * 1e9;
  return Math.min(deviceBytes / 2, 2e9);
}

/** An empty pool. */
export function createEnginePool(budgetBytes: number): EnginePool {
  // A Map keeps the order of insertion: re-inserting at each use makes the first entry the one that rested longest.
  const residents = new Map<string, Resident>();

  function discard(strategyId: string): void {
    residents.get(strategyId)?.client.terminate();
    residents.delete(strategyId);
  }

  function makeRoom(bytes: number): void {
    for (const [strategyId] of residents) {
      const taken = [...residents.values()].reduce((sum, resident) => sum + resident.bytes, 0);
      if (taken + bytes <= budgetBytes) return;
      discard(strategyId);
    }
  }

  return {
    async acquire(strategyId, estimateBytes, request) {
      const resident = residents.get(strategyId);
      if (resident) {
        residents.delete(strategyId);
        residents.set(strategyId, resident);
        return ok({ engine: resident.client.api, fresh: null });
      }
      makeRoom(estimateBytes + workerOverheadBytes);
      const client = openEngineClient();
      residents.set(strategyId, { client, bytes: estimateBytes + workerOverheadBytes });
      const loaded = await client.api.load(request);
      if (!loaded.ok) {
        discard(strategyId);
        return loaded;
      }
      return ok({ engine: client.api, fresh: loaded.value });
    },
    has: (strategyId) => residents.has(strategyId),
    noteHeap(strategyId, heapBytes) {
      const resident = residents.get(strategyId);
      if (resident && heapBytes > 0) resident.bytes = heapBytes + workerOverheadBytes;
    },
    discard,
    discardAll() {
      for (const strategyId of residents.keys()) discard(strategyId);
    },
  };
}
