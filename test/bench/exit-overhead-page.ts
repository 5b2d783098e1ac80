// Runs in the page, on the project's own engine.
import type { InferenceSession } from 'onnxruntime-web/wasm';
import type { Result } from '../../src/base/result.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { startRuntime } from '../../src/engine/ort.ts';
import { createSegmentRunner } from '../../src/engine/segment-runner.ts';
import type { ConfidenceMeasure } from '../../src/transforms/exits/confidence.ts';
import { neverStopping } from '../../src/transforms/exits/threshold-recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/**
 * What the lab itself takes of each inference with dynamic exits, in milliseconds: the whole less all the time in
 * the runtime's `run`. No exit is taken, so all decisions are made.
 */
export async function exitOverheadMs(
  url: string,
  dims: readonly number[],
  confidence: ConfidenceMeasure,
  runs: number,
): Promise<readonly number[]> {
  const models = openModelClient();
  value(await models.api.open(await (await fetch(url)).blob(), 'model.onnx', []));
  const built = value(
    await models.api.build([{ op: 'early-exit', kind: 'existing', threshold: 0.5, confidence }]),
  );
  models.terminate();
  const plan = neverStopping(built.plan);
  const runtime = await startRuntime('wasm', 1);
  let inRuntimeMs = 0;
  const sessions = [];
  for (const { file } of plan.segments) {
    const blob = built.files.find(({ name }) => name === file)?.blob ?? new Blob();
    const session = await runtime.createSession(new Uint8Array(await blob.arrayBuffer()));
    const run: InferenceSession['run'] = session.run.bind(session);
    session.run = async (feeds: InferenceSession.FeedsType, ...rest: unknown[]) => {
      const startedMs = performance.now();
      const outputs = await (run as (...all: unknown[]) => ReturnType<typeof run>)(feeds, ...rest);
      inRuntimeMs += performance.now() - startedMs;
      return outputs;
    };
    sessions.push(session);
  }
  const runSegments = createSegmentRunner(plan, sessions, () => performance.now());
  const count = dims.reduce((a, b) => a * b, 1);
  const overheadMs: number[] = [];
  for (let i = 0; i < runs; i++) {
    const input = new runtime.ort.Tensor('float32', new Float32Array(count).fill(0.5), dims);
    inRuntimeMs = 0;
    const { computeMs } = await runSegments(input);
    overheadMs.push(computeMs - inRuntimeMs);
  }
  return overheadMs;
}
