import { defined } from '../../base/assert.ts';
import type { DecodedImage } from '../../data/dataset.ts';
import type { Inference, SegmentRunner } from '../segment-runner.ts';
import { decodeAt, makeInput } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';
import { nowAndThen } from './progress.ts';

/** Runs the model on images that are decoded ahead: for passes that time nothing. */
export async function forEachImage(
  engine: LoadedStrategy,
  run: SegmentRunner,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
  use: (inference: Inference, image: DecodedImage, position: number) => void | Promise<void>,
): Promise<void> {
  const { request } = engine;
  const tell = nowAndThen(onProgress);
  let next = decodeAt(request, imageIndices[0]);
  for (let i = 0; i < imageIndices.length; i++) {
    const image = defined(await next, 'decoded image');
    // Nothing is timed here, so the browser may decode the next image meanwhile.
    next = decodeAt(request, imageIndices[i + 1]);
    // Its failure belongs to its own turn, not to an unhandled rejection.
    next.catch(() => {});
    await use(await run(makeInput(engine, image)), image, i);
    await tell(i + 1);
  }
  onProgress(imageIndices.length);
}
