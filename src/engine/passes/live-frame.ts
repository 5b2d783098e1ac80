import type { DecodedImage } from '../../data/dataset.ts';
import { seenByNetwork } from '../../data/input-preview.ts';
import type { EngineApi, FramePictures } from '../../protocol/engine-api.ts';
import type { ExitReason, LiveAnswer, RankedClass } from '../../study/live/live-tally.ts';
import { NO_CLASS } from '../../study/trial.ts';
import { confidenceOf, DEFAULT_CONFIDENCE } from '../../transforms/exits/confidence.ts';
import { readFrame } from '../decode-image.ts';
import type { Inference } from '../segment-runner.ts';
import { bestClasses, classCountOf, requireClassScores, type Scores } from '../scores.ts';
import { makeInput, requireImages } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** See `EngineApi.classifyFrame`. */
export async function classifyFrame(
  engine: LoadedStrategy,
  { frame, keep, show = false }: Parameters<EngineApi['classifyFrame']>[0],
): Promise<LiveAnswer & FramePictures> {
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
    seen: show ? seenByNetwork(image, engine.request.preprocessing) : null,
  };
}

/** The class of the picture, or those of its pixels. */
async function answered(
  inference: Inference,
  engine: LoadedStrategy,
  image: DecodedImage,
): Promise<Pick<LiveAnswer, 'best' | 'confidence' | 'ranked' | 'leftBy' | 'mask'>> {
  const { scores, scoresKind, outputDims, outputName } = inference;
  if (classCountOf(outputDims) === null) {
    const { liveMask } = await import('./live-mask.ts');
    return { best: NO_CLASS, confidence: Number.NaN, mask: liveMask(inference, engine, image) };
  }
  requireClassScores(outputDims, outputName);
  const leftBy = exitReason(inference, engine);
  const ranked = rankedClasses(scores, scoresKind);
  const [first] = ranked;
  return {
    best: first?.best ?? NO_CLASS,
    confidence: first?.probability ?? Number.NaN,
    ranked,
    ...(leftBy && { leftBy }),
  };
}

const RANKED_CLASSES = 3;

function rankedClasses(scores: Scores, kind: Inference['scoresKind']): readonly RankedClass[] {
  const largest = confidenceOf(scores, kind);
  const [first, ...others] = bestClasses(scores, RANKED_CLASSES);
  if (first === undefined) return [];
  const scoreOf = (at: number) => scores[at] as number;
  // The quotient of two softmaxed scores is the exponential of their difference.
  const probabilityOf = (at: number) =>
    kind === 'logits' ? largest * Math.exp(scoreOf(at) - scoreOf(first)) : scoreOf(at);
  return [
    { best: first, probability: largest },
    ...others.map((best) => ({ best, probability: probabilityOf(best) })),
  ];
}

/** What an exit on the way went by; the last one is not asked. */
function exitReason(
  { exitIndex, scores, scoresKind }: Inference,
  { request: { plan } }: LoadedStrategy,
): ExitReason | null {
  const way = plan.segments.slice(0, -1);
  const exit = way.find((segment) => segment.exit?.index === exitIndex)?.exit;
  if (!exit || plan.decision) return null;
  const measure = exit.confidence ?? DEFAULT_CONFIDENCE;
  return { measure, sureness: confidenceOf(scores, scoresKind, measure), threshold: exit.threshold };
}

/** Loses nothing: a dataset of such images holds what the model saw. */
function asPng({ width, height, rgba }: DecodedImage): Promise<Blob> {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { colorSpace: 'srgb' });
  if (context === null) throw new Error('this browser gives workers no 2D canvas');
  context.putImageData(new ImageData(new Uint8ClampedArray(rgba), width, height), 0, 0);
  return canvas.convertToBlob({ type: 'image/png' });
}
