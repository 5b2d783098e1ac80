import { seededRandom, shuffled } from '../base/random.ts';
import { failed, type Failure, ok, type Result } from '../base/result.ts';
import type { EngineLoad } from '../protocol/engine-api.ts';
import { areWellKnown } from '../study/forms/run-times.ts';
import type { EngineClient } from './engine-client.ts';
import { warmUpEngine } from './warm-up-engine.ts';

/** A worker with a variant in it, and what its runs took. */
export interface TimedEngine {
  readonly engine: EngineClient;
  readonly timesMs: number[];
}

/** When timing ends: at the latest, or from the least rounds on once medians are well known. */
export interface Rounds {
  readonly least: number;
  readonly most: number;
  /** No further round is begun that would end after it, except the first. */
  readonly budgetMs: number;
}

const oneImage = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };

/** Loads a variant and warms it up. */
export async function getReady({ engine }: TimedEngine, variant: EngineLoad): Promise<Result<unknown>> {
  const loaded = await engine.api.load(variant);
  return loaded.ok ? warmUpEngine(engine.api, oneImage.imageIndices) : loaded;
}

/**
 * Runs variants in rounds of random order, so that whatever else the device does hits all alike.
 * @param onProgress share done
 * @param cancelled the failure once `signal` aborts; who aborts ends the workers
 */
export async function timeInTurns(
  timed: readonly TimedEngine[],
  { least, most, budgetMs }: Rounds,
  onProgress: (share: number) => void,
  signal: AbortSignal,
  cancelled: Failure,
): Promise<Result<null>> {
  const random = seededRandom(4);
  const startedMs = performance.now();
  for (let round = 0; round < most; round++) {
    const elapsedMs = performance.now() - startedMs;
    // Whole rounds, so that each variant meets the same moments.
    if (round > 0 && elapsedMs + elapsedMs / round > budgetMs) break;
    if (round >= least && areWellKnown(timed.map(({ timesMs }) => timesMs))) break;
    for (const { engine, timesMs } of shuffled(timed, random)) {
      const measured = await engine.api.measure(oneImage);
      if (signal.aborted) return failed(cancelled);
      if (!measured.ok) return measured;
      timesMs.push(...measured.value.map(({ computeMs }) => computeMs));
    }
    onProgress(Math.max((round + 1) / most, Math.min(1, (performance.now() - startedMs) / budgetMs)));
  }
  return ok(null);
}
