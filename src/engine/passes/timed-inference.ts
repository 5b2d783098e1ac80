import type { Sample } from '../../study/trial.ts';
import { confidenceOf } from '../../transforms/exits/confidence.ts';
import { decodeImage } from '../decode-image.ts';
import { bestClasses, classCountOf } from '../scores.ts';
import { itemAt, makeInput, randomInput } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/**
 * One inference with all that an application does for it, timed in parts.
 * @param position in the batch, from 0
 */
export async function timedInference(
  engine: LoadedStrategy,
  imageIndex: number,
  batch: { readonly round: number; readonly warmUp: boolean; readonly firstSequence: number },
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
