import type { Tensor } from 'onnxruntime-web/wasm';
import { defined } from '../../base/assert.ts';
import { attempt, type Failure } from '../../base/result.ts';
import type { DecodedImages, EngineApi, FeaturesPass } from '../../protocol/engine-api.ts';
import type { ActivationPort } from '../../protocol/sketch-api.ts';
import { scoresOf } from '../segment-runner.ts';
import { createActivationSender } from '../send-activations.ts';
import { decodeAt, makeInput, type MoreInputs, randomInput } from './inputs.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';
import { nowAndThen } from './progress.ts';

/**
 * Runs the first segment over the images that can be decoded, which are decoded ahead, or on random inputs.
 * @param settings each image runs with each of these
 */
export async function runFirstSegment(
  engine: LoadedStrategy,
  {
    fetches,
    imageIndices,
    settings = [[]],
  }: {
    readonly fetches: readonly string[];
    readonly imageIndices: readonly number[];
    readonly settings?: readonly MoreInputs[];
  },
  onProgress: (inferences: number) => void,
  use: (
    outputs: readonly Tensor[],
    inputs: ReadonlyMap<string, Tensor>,
    position: number,
    setting: number,
  ) => void | Promise<void>,
  during: <T>(run: () => Promise<T>) => Promise<T> = (run) => run(),
): Promise<DecodedImages> {
  const { request } = engine;
  const session = defined(engine.sessions[0], 'a session');
  const decoded: number[] = [];
  let undecodable: Failure | null = null;
  const tell = nowAndThen(onProgress);
  const isRandom = engine.random !== null;
  const decode = (at: number) => attempt(() => (isRandom ? null : decodeAt(request, imageIndices[at])));
  let next = decode(0);
  for (const [at, imageIndex] of imageIndices.entries()) {
    const image = await next;
    next = decode(at + 1);
    if (!image.ok) {
      undecodable ??= image.failure;
      continue;
    }
    const { input, others = [] } = isRandom
      ? randomInput(engine)
      : { input: makeInput(engine, defined(image.value, 'decoded image')) };
    for (const [setting, more] of settings.entries()) {
      const inputs = new Map([[request.plan.input.name, input], ...others, ...more]);
      const values = await during(() => session.run(Object.fromEntries(inputs), fetches));
      const outputs = fetches.map((name) => defined(values[name], `output ${name}`));
      await use(outputs, inputs, decoded.length, setting);
      for (const output of outputs) output.dispose();
      await tell(at * settings.length + setting + 1);
    }
    decoded.push(imageIndex);
  }
  onProgress(imageIndices.length * settings.length);
  return { imageIndices: decoded, undecodable };
}

/** Lines the outputs of the first segment up as rows. */
export async function allFeatures(
  engine: LoadedStrategy,
  imageIndices: readonly number[],
  onProgress: (done: number) => void,
): Promise<FeaturesPass> {
  const { outputs } = defined(engine.request.plan.segments[0], 'a segment');
  const fetches = outputs.map(({ name }) => name);
  let rows: readonly Float32Array[] = [];
  const decoded = await runFirstSegment(
    engine,
    { fetches, imageIndices },
    onProgress,
    (tensors, _, position) => {
      const row = tensors.map(scoresOf);
      if (position === 0) rows = row.map(({ length }) => new Float32Array(length * imageIndices.length));
      rows.forEach((all, output) => all.set(row[output] ?? [], position * (row[output]?.length ?? 0)));
    },
  );
  const shareDecoded = decoded.imageIndices.length / imageIndices.length;
  const cut = (all: Float32Array) => all.subarray(0, all.length * shareDecoded);
  return { ...decoded, rows: decoded.undecodable ? rows.map(cut) : rows };
}

/** Hands what the first segment makes of each image on, in messages of which one at most waits there. */
export async function sendActivations(
  engine: LoadedStrategy,
  { imageIndices, outputs, inputs }: Parameters<EngineApi['activations']>[0],
  port: ActivationPort,
  onProgress: (done: number) => void,
): Promise<DecodedImages> {
  const { during, send, finish } = createActivationSender(port);
  const use = (tensors: readonly Tensor[], given: ReadonlyMap<string, Tensor>) =>
    send([...tensors, ...inputs.map((name) => defined(given.get(name), `input ${name}`))]);
  try {
    return await runFirstSegment(engine, { fetches: outputs, imageIndices }, onProgress, use, during);
  } finally {
    await finish();
  }
}
