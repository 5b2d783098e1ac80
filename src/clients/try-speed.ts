import { cancellation, ok, type Result } from '../base/result.ts';
import type { SessionCosts } from '../study/design/expected-study.ts';
import { inEngine } from './in-engine.ts';
import type { VariantTiming } from './time-variants.ts';

/** What trying a model for a moment told of how fast it runs here. */
export interface TriedSpeed extends SessionCosts {
  /** Decode to answer. */
  readonly inferenceMs: number;
}

/** Inferences of each call, until it took long enough. */
const BATCHES = [1, 3, 8, 8, 16, 16] as const;
const ENOUGH_MS = 800;

/**
 * Runs the unchanged model for about a second, to tell how long studies of it will take: not for comparing anything.
 * @param signal cancels at once
 */
export async function trySpeed(
  { model, ...place }: VariantTiming,
  signal: AbortSignal,
): Promise<Result<TriedSpeed>> {
  const startedMs = performance.now();
  const built = await model.build([{ op: 'identity' }]);
  if (!built.ok) return built;
  const { plan, files } = built.value;
  return inEngine({ plan, files, ...place }, signal, cancelled, async (engine) => {
    const readyMs = performance.now();
    const images = place.data.dataset.items.length;
    const tookMs: number[] = [];
    for (const batch of BATCHES) {
      const imageIndices = Array.from({ length: batch }, (_, run) => (tookMs.length + run) % images);
      const ran = await engine.measure({ imageIndices, round: 0, warmUp: true, firstSequence: 0 });
      if (!ran.ok) return ran;
      tookMs.push(...ran.value.map(({ totalMs }) => totalMs));
      if (performance.now() - readyMs > ENOUGH_MS) break;
    }
    const later = tookMs.slice(Math.floor(tookMs.length / 2));
    const inferenceMs = sum(later) / later.length;
    return ok({
      setupMs: readyMs - startedMs,
      firstRunsMs: Math.max(0, sum(tookMs) - tookMs.length * inferenceMs),
      inferenceMs,
    });
  });
}

const cancelled = cancellation('The trial');

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
