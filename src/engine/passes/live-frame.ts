import type { DecodedImage } from '../../data/dataset.ts';
import type { EngineApi } from '../../protocol/engine-api.ts';
import type { LiveAnswer } from '../../study/live/live-tally.ts';
import { NO_CLASS } from '../../study/trial.ts';
import { confidenceOf } from '../../transforms/exits/confidence.ts';
import { readFrame } from '../decode-image.ts';
import type { Inference } from '../segment-runner.ts';
import { bestClasses, classCountOf, requireClassScores } from '../scores.ts';
import { makeInput, requireImages } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** See `EngineApi.classifyFrame`. */
export async function classifyFrame(
  engine: LoadedStrategy,
  { frame, keep }: Parameters<EngineApi['classifyFrame']>[0],
): Promise<LiveAnswer & { readonly png: Blob | null }> {
  const startedMs = performance.now();
  const image = readFrame(frame);
  requireImages(engine);
  const input = makeInput(engine, image);
  const preparedMs = performance.now();
  const inference = await engine.run(input);
  return {
    ...(await answered(inference, engine, image)),
    exitIndex: inference.exitIndex,
    prepareMs: preparedMs - startedMs,
    computeMs: inference.computeMs,
    png: keep ? await asPng(image) : null,
  };
}

/** The class of the picture, or those of its pixels. */
async function answered(
  inference: Inference,
  engine: LoadedStrategy,
  image: DecodedImage,
): Promise<Pick<LiveAnswer, 'best' | 'confidence' | 'mask'>> {
  const { scores, scoresKind, outputDims, outputName } = inference;
  if (classCountOf(outputDims) === null) {
    const { liveMask } = await import('./live-mask.ts');
    return { best: NO_CLASS, confidence: Number.NaN, mask: liveMask(inference, engine, image) };
  }
  requireClassScores(outputDims, outputName);
  const [best = NO_CLASS] = bestClasses(scores, 1);
  return { best, confidence: confidenceOf(scores, scoresKind) };
}

/** Loses nothing: a dataset of such images holds what the model saw. */
function asPng({ width, height, rgba }: DecodedImage): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { colorSpace: 'srgb' });
  if (context === null) throw new Error('this browser gives workers no 2D canvas');
  context.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
