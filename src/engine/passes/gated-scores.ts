import { defined } from '../../base/assert.ts';
import type { EngineApi, GatedPass } from '../../protocol/engine-api.ts';
import { bestClasses } from '../scores.ts';
import { scoresOf } from '../segment-runner.ts';
import { runFirstSegment } from './first-segment.ts';
import type { MoreInputs } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** What a gated model scores with all gates open, then with each setting. */
export async function scoreGated(
  engine: LoadedStrategy,
  { imageIndices, gates, settings }: Parameters<EngineApi['gatedScores']>[0],
  onProgress: (inferences: number) => void,
): Promise<GatedPass> {
  const { runtime, request } = engine;
  const given = (setting: Float32Array): MoreInputs => [
    [gates, new runtime.ort.Tensor('float32', setting, [setting.length])],
  ];
  const allOpen = new Float32Array(settings[0]?.length ?? 0).fill(1);
  const count = imageIndices.length;
  const whole = { best: new Int32Array(count), power: new Float64Array(count) };
  const found = settings.map(() => ({ best: new Int32Array(count), noise: new Float64Array(count) }));
  let scoresOfWhole = new Float64Array(0);
  const fetches = [request.plan.output.name];
  const runs = { fetches, imageIndices, settings: [allOpen, ...settings].map(given) };
  const decoded = await runFirstSegment(engine, runs, onProgress, ([output], _, position, run) => {
    const scores = scoresOf(defined(output, 'scores'));
    const best = bestClasses(scores, 1)[0] ?? -1;
    if (run === 0) {
      scoresOfWhole = Float64Array.from(scores);
      whole.best[position] = best;
      whole.power[position] = scoresOfWhole.reduce((sum, score) => sum + score * score, 0);
      return;
    }
    const setting = defined(found[run - 1], `setting ${run - 1}`);
    setting.best[position] = best;
    setting.noise[position] = scoresOfWhole.reduce(
      (sum, score, at) => sum + (score - (scores[at] as number)) ** 2,
      0,
    );
  });
  const seen = decoded.imageIndices.length;
  return {
    ...decoded,
    whole: { best: whole.best.subarray(0, seen), power: whole.power.subarray(0, seen) },
    settings: found.map(({ best, noise }) => ({
      best: best.subarray(0, seen),
      noise: noise.subarray(0, seen),
    })),
  };
}
