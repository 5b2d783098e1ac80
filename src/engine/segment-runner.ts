import type { InferenceSession, Tensor } from 'onnxruntime-web/wasm';
import { defined } from '../base/assert.ts';
import { float16ToNumber } from '../onnx/float16.ts';
import type { ExitPlan, SegmentPlan, VariantPlan } from '../transforms/variant.ts';
import { confidenceOf } from '../transforms/exits/confidence.ts';
import { freeNumbers } from './free-numbers.ts';
import { requireClassScores, type Scores } from './scores.ts';

/** What came out of one inference, and how long each part of it took. */
export interface Inference {
  /** Compute of each segment that ran, in order, exit decision included. */
  readonly segmentMs: readonly number[];
  readonly computeMs: number;
  /** Exit taken; null if the plan has no exits. */
  readonly exitIndex: number | null;
  readonly scores: Scores;
  readonly scoresKind: 'logits' | 'probabilities';
  readonly outputName: string;
  readonly outputDims: readonly number[];
}

/** Runs one image's input through a variant, with what its model wants besides by name. */
export type SegmentRunner = (
  input: Tensor,
  others?: Iterable<readonly [string, Tensor]>,
) => Promise<Inference>;

/**
 * Runs a plan's segments in order, each fed with the model's input and what earlier segments made, and stops
 * at the first exit whose confidence reaches its threshold: the segments after it do not run.
 * @param sessions one per segment, in order
 * @param onExit sees the scores of every exit that is reached, only while it is called
 * @param now milliseconds; outputs are on the CPU when a segment's time ends, so a GPU's read-back is counted
 */
export function createSegmentRunner(
  plan: VariantPlan,
  sessions: readonly InferenceSession[],
  now: () => number,
  onExit?: (exit: ExitPlan, scores: Scores) => void,
): SegmentRunner {
  const segments = plan.segments.map((segment, i) => ({
    segment,
    session: defined(sessions[i], `session of segment ${i}`),
    // Names come from files, so no prototype; reused, so that nothing is allocated while timing.
    feeds: Object.create(null) as Record<string, Tensor>,
    fetches: neededOutputs(plan, i),
  }));

  return async (input, others = []) => {
    const given = new Map<string, Tensor>([[plan.input.name, input], ...others]);
    const values = new Map(given);
    const segmentMs: number[] = [];
    const startedMs = now();
    let segmentStartedMs = startedMs;
    let exit: SegmentPlan['exit'] = null;
    for (const { segment, session, feeds, fetches } of segments) {
      for (const { name } of segment.inputs) feeds[name] = defined(values.get(name), `value ${name}`);
      const outputs = await session.run(feeds, fetches);
      for (const name of fetches) values.set(name, outputs[name] as Tensor);
      exit = segment.exit;
      if (exit !== null) onExit?.(exit, scoresOf(defined(values.get(exit.output), `output ${exit.output}`)));
      const stops = exit !== null && isConfident(exit, values);
      const endedMs = now();
      segmentMs.push(endedMs - segmentStartedMs);
      segmentStartedMs = endedMs;
      if (stops) break;
    }
    const computeMs = segmentStartedMs - startedMs;

    const outputName = exit?.output ?? plan.output.name;
    const output = defined(values.get(outputName), `output ${outputName}`);
    const inference: Inference = {
      segmentMs,
      computeMs,
      exitIndex: plan.decision ? decidedExit(values, plan.decision.output) : (exit?.index ?? null),
      scores: scoresOf(output),
      scoresKind: exit?.scores ?? plan.output.scores,
      outputName,
      outputDims: output.dims,
    };
    for (const [name, tensor] of values) {
      // The caller keeps its inputs, and reads the scores.
      if (!given.has(name) && name !== outputName) free(tensor);
      tensor.dispose();
    }
    return inference;
  };
}

/**
 * The outputs of a segment that anything uses: later segments, an exit's decision, the answer. Others (early exits
 * of a model that runs to its end) are not worth their copy.
 */
function neededOutputs({ segments, output, decision }: VariantPlan, at: number): string[] {
  const needed = new Set<string>(
    segments.slice(at + 1).flatMap(({ inputs }) => inputs.map(({ name }) => name)),
  );
  for (const name of [output.name, decision?.output, segments[at]?.exit?.output]) if (name) needed.add(name);
  return defined(segments[at], `segment ${at}`)
    .outputs.map(({ name }) => name)
    .filter((name) => needed.has(name));
}

/**
 * The outputs of a segment that may stay where a GPU made them: nobody reads their numbers but later segments of the
 * same tier. What crosses a cut has to leave the device.
 */
export function outputsThatStay({ segments, output, decision }: VariantPlan, at: number): string[] {
  const { tier, outputs } = defined(segments[at], `segment ${at}`);
  const isSent = segments.slice(at + 1).some((later) => later.tier !== tier);
  if (isSent) return [];
  const read = new Set<string>(segments.flatMap(({ exit }) => (exit === null ? [] : [exit.output])));
  for (const name of [output.name, decision?.output]) if (name) read.add(name);
  return outputs
    .filter(({ name, dataType }) => !read.has(name) && dataType === 'float32')
    .map(({ name }) => name);
}

function isConfident(exit: NonNullable<SegmentPlan['exit']>, values: ReadonlyMap<string, Tensor>): boolean {
  if (exit.threshold <= 0) return true;
  const output = defined(values.get(exit.output), `output ${exit.output}`);
  requireClassScores(output.dims, exit.output);
  return confidenceOf(scoresOf(output), exit.scores, exit.confidence) >= exit.threshold;
}

/** Which exit a file says it took. */
function decidedExit(values: ReadonlyMap<string, Tensor>, name: string): number {
  return Number(defined(values.get(name), `output ${name}`).data[0]);
}

function free(tensor: Tensor): void {
  if (tensor.location === 'cpu' && ArrayBuffer.isView(tensor.data)) freeNumbers(tensor.data);
}

/** A tensor's numbers; 64-bit integers and half floats become ordinary numbers. */
export function scoresOf(tensor: Tensor): Scores {
  const data = tensor.data;
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) return Array.from(data, Number);
  // Float16Array where there is one; else its bits.
  if (tensor.type === 'float16' && data instanceof Uint16Array) return Array.from(data, float16ToNumber);
  return data as Scores;
}
