import type { EngineApi } from '../../protocol/engine-api.ts';
import type { Sample } from '../../study/trial.ts';
import { confidenceOf } from '../../transforms/exits/confidence.ts';
import { decodeImage } from '../decode-image.ts';
import { nextTask } from '../next-task.ts';
import { bestClasses, classCountOf } from '../scores.ts';
import { classesOfPixels } from './classes-of-pixels.ts';
import { itemAt, makeInput, randomInput } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

type Batch = Omit<Parameters<EngineApi['measure']>[0], 'imageIndices' | 'forMs'>;

/** Timed inferences, see `EngineApi.measure`. */
export async function timedInferences(
  engine: LoadedStrategy,
  { imageIndices, forMs = 0, ...batch }: Parameters<EngineApi['measure']>[0],
): Promise<readonly Sample[]> {
  const images = imageIndices.length;
  const startedMs = performance.now();
  let kept: Sample[] = [];
  let keepEvery = 1;
  for (let run = 0; run < images || (images > 0 && performance.now() - startedMs < forMs); run++) {
    const sample = await timedInference(engine, imageIndices[run % images] as number, batch, run);
    if (run % keepEvery === 0) kept.push(sample);
    if (kept.length > 2 * images) {
      kept = kept.filter((_, at) => at % 2 === 0);
      keepEvery *= 2;
    }
    await nextTask();
  }
  return kept;
}

/**
 * One inference with all that an application does for it, timed in parts.
 * @param position in the batch, from 0
 */
export async function timedInference(
  engine: LoadedStrategy,
  imageIndex: number,
  batch: Batch,
  position: number,
): Promise<Sample> {
  const { request, run } = engine;
  const item = itemAt(request, imageIndex);
  const startedMs = performance.now();
  const image = engine.random === null ? await decodeImage(request.data.pack, item) : null;
  const decodedMs = performance.now();
  const { input, others } = image === null ? randomInput(engine) : { input: makeInput(engine, image) };
  const preprocessedMs = performance.now();
  const inference = await run(input, others);
  const computedMs = performance.now();
  // The work an application would do: name the best classes and how sure the model is.
  if (classCountOf(inference.outputDims) !== null) {
    bestClasses(inference.scores, 5);
    confidenceOf(inference.scores, inference.scoresKind);
  } else if (engine.random === null) {
    classesOfPixels(inference, request.preprocessing);
  }
  const endedMs = performance.now();
  return {
    round: batch.round,
    sequence: batch.firstSequence + position,
    startedAtMs: performance.timeOrigin + startedMs,
    imageIndex,
    warmUp: batch.warmUp,
    decodeMs: decodedMs - startedMs,
    preprocessMs: preprocessedMs - decodedMs,
    segmentMs: inference.segmentMs,
    postprocessMs: endedMs - computedMs,
    computeMs: inference.computeMs,
    totalMs: endedMs - startedMs,
    exitIndex: inference.exitIndex,
  };
}
