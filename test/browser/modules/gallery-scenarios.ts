// Runs in the page: the real model worker, engine and runtime on one architecture of the gallery.
import type { Result } from '../../../src/base/result.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { boxesOf } from '../../../src/canvas/boxes.ts';
import { openEngineClient } from '../../../src/clients/engine-client.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';
import { guessPreprocessing } from '../../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../../src/data/noise-dataset.ts';
import { type Runtime, startRuntime } from '../../../src/engine/ort.ts';
import { createSegmentRunner } from '../../../src/engine/segment-runner.ts';
import { sessionInput } from '../../../src/engine/session-input.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import type { BuiltVariant } from '../../../src/protocol/model-api.ts';
import { tapPlaces } from '../../../src/transforms/exits/trained-placement.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

type Files = Pick<BuiltVariant, 'plan' | 'files'>;

const refusal = (result: Result<unknown>): string | null => (result.ok ? null : result.failure.message);

const skip: Recipe = [{ op: 'early-exit', kind: 'skip', blocks: 2 }];
const cut: Recipe = [{ op: 'partition', cut: 'equal-size' }];

async function opened(name: string) {
  const client = openModelClient();
  const response = await fetch(`/samples/zoo/${name}.onnx`);
  if (!response.ok) throw new Error(`${name}: ${response.status}`);
  const view = value(await client.api.open(await response.blob(), `${name}.onnx`, []));
  return { client, view };
}

/** The place for a trained exit nearest to the middle of the work; null if there is none. */
function middleTap(view: GraphView): string | null {
  const places = tapPlaces(view).map(({ value: name, afterNode }) => ({
    name,
    macs: view.frontiers[afterNode]?.macsBefore ?? 0,
  }));
  const distance = ({ macs }: { macs: number }) => Math.abs(macs - view.totals.macs / 2);
  return places.toSorted((a, b) => distance(a) - distance(b))[0]?.name ?? null;
}

/** What the lab makes of an architecture without touching its weights. */
export async function lookAt(name: string) {
  const { client, view } = await opened(name);
  try {
    return {
      isHollow: view.hollow,
      warnings: view.warnings,
      nodes: view.nodes.length,
      boxes: boxesOf(view, new Set()).length,
      tap: middleTap(view),
      skipRefused: refusal(await client.api.check(skip)),
      cutRefused: refusal(await client.api.check(cut)),
    };
  } finally {
    client.terminate();
  }
}

/** Runs an architecture whole, cut, with blocks skipped and up to a trained exit's features, with weights of noise. */
export async function runAll(name: string) {
  const { client, view } = await opened(name);
  try {
    const runtime = await startRuntime('wasm', 1);
    const whole = await output(runtime, value(await client.api.build([])));
    const parts = value(await client.api.build(cut));
    const composed = await output(runtime, parts);
    const skipped = await client.api.build(skip);
    const shortened = skipped.ok ? await output(runtime, skipped.value) : null;
    const tap = middleTap(view);
    return {
      macs: view.totals.macs,
      outputs: whole.length,
      isFinite: whole.every(Number.isFinite),
      largest: largest(whole),
      segments: parts.plan.segments.map(({ macs }) => macs),
      crossing: parts.cuts.flatMap(({ crossing }) => crossing.map((each) => each.name as string)),
      difference: difference(whole, composed),
      /** Null if no blocks can be skipped. */
      skip: skipped.ok && shortened && { macs: skipped.value.macs, difference: difference(whole, shortened) },
      ...(await inEngine(
        view,
        parts,
        tap === null ? null : value(await client.api.buildForFeatures([tap], [])),
      )),
    };
  } finally {
    client.terminate();
  }
}

/** One timed inference of the cut variant and one feature pass, in workers, as a study does. */
async function inEngine(view: GraphView, parts: Files, features: Files | null) {
  const shape = view.values.get(view.inputs[0] ?? ('' as never))?.shape ?? [];
  const [channels = 3, height = 224, width = 224] = shape.slice(1).map(Number);
  const { dataset, pack } = noiseDataset({ width, height, channels: channels === 1 ? 1 : 3 }, 1);
  const { preprocessing } = guessPreprocessing(view, dataset, dataset.imageSize ?? null);
  const data = { dataset, pack: new Blob([pack]) };
  const run = async <T>(
    { plan, files }: Files,
    use: (api: ReturnType<typeof openEngineClient>['api']) => Promise<T>,
  ) => {
    const engine = openEngineClient();
    try {
      const load = { plan, files, provider: 'wasm', threads: 1, data, preprocessing } as const;
      value(await engine.api.load(load));
      return await use(engine.api);
    } finally {
      engine.terminate();
    }
  };
  const batch = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };
  return {
    segmentMs: await run(parts, async (api) => value(await api.measure(batch))[0]?.segmentMs ?? []),
    /** Of the value that a trained exit hangs on; null if the model is no classifier. */
    features:
      features &&
      (await run(features, async (api) => value(await api.features([0], () => {})).rows[0]?.length ?? 0)),
  };
}

/** The output of one inference, its input always the same; the sessions are gone afterwards. */
async function output(runtime: Runtime, { plan, files }: Files): Promise<Float32Array> {
  const sessions = [];
  for (const { file } of plan.segments) {
    const { blob } = files.find(({ name }) => name === file) ?? {};
    if (!blob) throw new Error(`no file ${file}`);
    const { modelBytes, externalData } = await sessionInput(blob, file);
    sessions.push(await runtime.createSession(modelBytes, { externalData }));
  }
  const dims = (plan.input.shape ?? []).map((dim) => (typeof dim === 'number' ? dim : 1));
  const random = seededRandom(1);
  const numbers = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, () => 2 * random() - 1);
  const runSegments = createSegmentRunner(plan, sessions, () => performance.now());
  const { scores } = await runSegments(new runtime.ort.Tensor('float32', numbers, dims));
  for (const session of sessions) await session.release();
  return Float32Array.from(scores);
}

function largest(numbers: Float32Array): number {
  return numbers.reduce((most, each) => Math.max(most, Math.abs(each)), 0);
}

function difference(a: Float32Array, b: Float32Array): number {
  return a.length === b.length ? largest(a.map((each, i) => each - (b[i] ?? Number.NaN))) : Number.NaN;
}
