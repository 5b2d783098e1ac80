import { ok, type Result } from '../base/result.ts';
import type { EngineApi } from '../protocol/engine-api.ts';
import { LEAST_WARM_UP_MS } from '../study/measuring/warm-up.ts';

/** A model of a tenth of a millisecond is not run longer than it takes to show. */
const MOST_RUNS = 200;

/**
 * Runs a loaded variant before it is timed: once for what the first run allocates and compiles, then for as long as
 * engines need to replace code that they compiled in haste. Slow models have that behind them after a run or two.
 * @param imageIndices run in turn
 */
export async function warmUpEngine(
  engine: EngineApi,
  imageIndices: readonly number[],
): Promise<Result<null>> {
  let tookMs = 0;
  for (let run = 0; run < MOST_RUNS && tookMs < LEAST_WARM_UP_MS; run++) {
    const image = imageIndices[run % imageIndices.length] ?? 0;
    const measured = await engine.measure({
      imageIndices: [image],
      round: 0,
      warmUp: true,
      firstSequence: run,
    });
    if (!measured.ok) return measured;
    if (run > 0) for (const { computeMs } of measured.value) tookMs += computeMs;
  }
  return ok(null);
}
