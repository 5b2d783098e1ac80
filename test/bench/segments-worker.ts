// A worker with a runtime of its own: a whole model and its four segments as the lab runs them, side by side.
import { seededRandom, shuffled } from '../../src/base/random.ts';
import { startRuntime } from '../../src/engine/ort.ts';
import { createSegmentRunner, type SegmentRunner } from '../../src/engine/segment-runner.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import { refillHollow } from '../../src/onnx/hollow.ts';
import type { Model, ValueName } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { modelToBytes } from '../../src/onnx/serialize.ts';
import { analyseModel, type AnalysedModel } from '../../src/transforms/analyse-model.ts';
import { compileSegment, inputAndOutput, wholeSegment } from '../../src/transforms/compile-segments.ts';
import { nodesBetween } from '../../src/transforms/extract.ts';
import type { SegmentNodes } from '../../src/transforms/plan-segments.ts';

export interface SegmentsTask {
  /** Of a gallery model; its input is `[1, 3, size, size]`. */
  readonly url: string;
  readonly size: number;
  readonly threads: number;
  readonly rounds: number;
}

export interface SegmentsResult {
  /** One entry per round. */
  readonly wholeMs: readonly number[];
  readonly segmentsMs: readonly number[];
  /** Largest difference of any score. */
  readonly largestDifference: number;
}

/** The nodes in four parts of about equal work, divided where a single value crosses. */
function fourParts(model: Model, analysed: AnalysedModel): SegmentNodes[] {
  const view = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
  const single = view.frontiers.filter(({ legal, crossing }) => legal && crossing.length === 1);
  const cuts = [1, 2, 3].map((quarter): ValueName => {
    const distance = (macs: number) => Math.abs(macs - (quarter / 4) * view.totals.macs);
    const nearest = single.reduce((a, b) => (distance(b.macsBefore) < distance(a.macsBefore) ? b : a));
    return nearest.crossing[0] as ValueName;
  });
  const { outputs, ...whole } = wholeSegment(analysed);
  const done = new Set<number>();
  return [...cuts, ...outputs.slice(-1)].map((end, at) => {
    const nodes = [...nodesBetween(analysed.index, new Set(), [end])].filter((node) => !done.has(node));
    for (const node of nodes) done.add(node);
    const start = cuts[at - 1];
    return {
      ...whole,
      nodes: new Set(nodes),
      inputs: start === undefined ? whole.inputs : [start],
      outputs: [end],
    };
  });
}

async function compare({ url, size, threads, rounds }: SegmentsTask): Promise<SegmentsResult> {
  const bytes = new Uint8Array(await (await fetch(url)).arrayBuffer());
  const model = refillHollow(parseModel(memorySource(bytes)));
  const analysed = analyseModel(model);
  const runtime = await startRuntime('wasm', threads);
  const runnerOf = async (parts: readonly SegmentNodes[]): Promise<SegmentRunner> => {
    const draft = { analysed, quantize: null } as Parameters<typeof compileSegment>[0];
    const compiled = parts.map((part, at) => compileSegment(draft, part, `${at}`, at === parts.length - 1));
    const sessions = [];
    for (const part of compiled) sessions.push(await runtime.createSession(modelToBytes(part.model)));
    const plan = { segments: compiled.map((part) => part.plan), ...inputAndOutput(analysed) };
    return createSegmentRunner(plan, sessions, () => performance.now());
  };
  const sides = {
    whole: { run: await runnerOf([wholeSegment(analysed)]), ms: [] as number[], scores: [] as number[] },
    segments: { run: await runnerOf(fourParts(model, analysed)), ms: [] as number[], scores: [] as number[] },
  };
  const random = seededRandom(1);
  const pixels = Float32Array.from({ length: 3 * size * size }, () => random() - 0.5);
  const warmUps = 2;
  for (let round = -warmUps; round < rounds; round++) {
    for (const side of shuffled([sides.whole, sides.segments], random)) {
      const { computeMs, scores } = await side.run(
        new runtime.ort.Tensor('float32', pixels.slice(), [1, 3, size, size]),
      );
      if (round >= 0) side.ms.push(computeMs);
      side.scores = Array.from(scores);
    }
  }
  const differences = sides.whole.scores.map((score, at) =>
    Math.abs(score - (sides.segments.scores[at] ?? Number.NaN)),
  );
  return {
    wholeMs: sides.whole.ms,
    segmentsMs: sides.segments.ms,
    largestDifference: Math.max(...differences),
  };
}

self.onmessage = (event: MessageEvent<SegmentsTask>) => {
  compare(event.data).then(
    (result) => self.postMessage({ result }),
    (error: unknown) => self.postMessage({ error: error instanceof Error ? error.message : String(error) }),
  );
};
