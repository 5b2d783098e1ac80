import type { Tensor } from 'onnxruntime-web/wasm';
import { defined } from '../../base/assert.ts';
import { attempt, type Failure } from '../../base/result.ts';
import type { ChannelMeansPass, DecodedImages, EngineApi } from '../../protocol/engine-api.ts';
import { decodeImage } from '../decode-image.ts';
import { nextTask } from '../next-task.ts';
import { scoresOf } from '../segment-runner.ts';
import { runFirstSegment } from './first-segment.ts';
import { itemAt, makeInput } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** Adds up what the first segment tells of images, some at a time. */
export async function meansOfChannels(
  engine: LoadedStrategy,
  { imageIndices, batch }: Parameters<EngineApi['channelMeans']>[0],
  onProgress: (done: number) => void,
): Promise<ChannelMeansPass> {
  const { request, runtime } = engine;
  const { outputs } = defined(request.plan.segments[0], 'a segment');
  const fetches = outputs.map(({ name }) => name);
  let sums = new Float64Array(0);
  const add = (output: Tensor | undefined, images: number): void => {
    const told = scoresOf(defined(output, 'an output'));
    if (sums.length === 0) sums = new Float64Array(told.length);
    for (let at = 0; at < told.length; at++) sums[at] = (sums[at] as number) + images * (told[at] as number);
  };
  const meansOf = (decoded: DecodedImages): ChannelMeansPass => {
    const count = Math.max(1, decoded.imageIndices.length);
    return { ...decoded, means: sums.map((sum) => sum / count) };
  };
  if (batch === 1 || engine.random !== null) {
    const all = { fetches, imageIndices };
    return meansOf(await runFirstSegment(engine, all, onProgress, ([output]) => add(output, 1)));
  }
  const session = defined(engine.sessions[0], 'a session');
  const [, ...dims] = engine.dims;
  const decoded: number[] = [];
  let undecodable: Failure | null = null;
  const batches = Math.ceil(imageIndices.length / batch);
  for (let at = 0; at < batches; at++) {
    const [from, to] = [at, at + 1].map((each) => Math.round((each * imageIndices.length) / batches));
    const inputs: Tensor[] = [];
    for (const imageIndex of imageIndices.slice(from, to)) {
      const image = await attempt(() => decodeImage(request.data.pack, itemAt(request, imageIndex)));
      if (!image.ok) {
        undecodable ??= image.failure;
        continue;
      }
      inputs.push(makeInput(engine, image.value));
      decoded.push(imageIndex);
    }
    if (inputs.length === 0) continue;
    const each = inputs.map(({ data }) => data as Float32Array);
    const numbers = new Float32Array(each.reduce((sum, { length }) => sum + length, 0));
    each.forEach((image, position) => numbers.set(image, position * image.length));
    const many = new runtime.ort.Tensor('float32', numbers, [inputs.length, ...dims]);
    const values = await session.run({ [request.plan.input.name]: many }, fetches);
    add(values[defined(fetches[0], 'an output')], inputs.length);
    onProgress(to ?? 0);
    await nextTask();
  }
  return meansOf({ imageIndices: decoded, undecodable });
}
