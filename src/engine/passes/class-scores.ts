import { InputError } from '../../base/result.ts';
import type { ExitScoresPass } from '../../protocol/engine-api.ts';
import { NO_CLASS, type Predictions } from '../../study/trial.ts';
import { confidenceOf } from '../../transforms/exits/confidence.ts';
import { bestClasses, requireClassScores } from '../scores.ts';
import { createSegmentRunner } from '../segment-runner.ts';
import { forEachImage } from './each-image.ts';
import { requireImages } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** The classes that a strategy names: see `EngineApi.predict`. */
export async function predictAll(
  engine: LoadedStrategy,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<Predictions> {
  requireImages(engine);
  const top1: number[] = [];
  const top5: number[][] = [];
  const confidence: number[] = [];
  const exitIndex: (number | null)[] = [];
  await forEachImage(engine, engine.run, imageIndices, onProgress, (inference) => {
    requireClassScores(inference.outputDims, inference.outputName);
    const best = bestClasses(inference.scores, 5);
    top1.push(best[0] ?? NO_CLASS);
    top5.push(best);
    const sure = confidenceOf(inference.scores, inference.scoresKind);
    confidence.push(Number.isNaN(sure) ? 0 : sure);
    exitIndex.push(inference.exitIndex);
  });
  return { imageIndices, top1, top5, confidence, exitIndex };
}

/** Every exit's scores of all images; thresholds must not be reached before the end. */
export async function scoreExits(
  engine: LoadedStrategy,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<ExitScoresPass> {
  requireImages(engine);
  const { plan } = engine.request;
  const exits = plan.segments.flatMap(({ exit }) => (exit === null ? [] : [exit]));
  const scores = new Map<number, Float32Array>();
  let classCount = 0;
  let image = 0;
  const run = createSegmentRunner(
    plan,
    engine.sessions,
    () => performance.now(),
    (exit, of) => {
      classCount ||= of.length;
      if (of.length !== classCount) throw exitsDiffer(exit.output, of.length, classCount);
      let all = scores.get(exit.index);
      if (!all) scores.set(exit.index, (all = new Float32Array(imageIndices.length * classCount)));
      all.set(of, image * classCount);
    },
  );
  await forEachImage(engine, run, imageIndices, onProgress, () => {
    image++;
  });
  return {
    classCount,
    exits: exits.map(({ index, output, scores: kind }) => ({
      index,
      output,
      kind,
      scores: scores.get(index) ?? new Float32Array(0),
    })),
  };
}

function exitsDiffer(output: string, found: number, wanted: number): InputError {
  return new InputError({
    code: 'exits-differ',
    message: `The exit ${output} scores ${found} classes, the exits before it ${wanted}.`,
    where: output,
  });
}
