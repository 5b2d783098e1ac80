import type { GraphView } from '../../onnx/graph-view.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample } from '../trial.ts';
import { attributeTimes, type RuntimeNodeTime } from './attribute-times.ts';
import { areTimesMissing, type NodeTimes } from './runtime-profile.ts';

/** What running a model on this device costs, node by node. */
export interface CostProfile extends SessionCosts {
  /** By `NodeView.index`; with `startMs` their sum is the median time of the whole. */
  readonly nodeMs: Float64Array;
  readonly decodeMs: number;
  readonly preprocessMs: number;
  readonly postprocessMs: number;
  /** Size of an encoded image. */
  readonly imageBytes: number;
  /** Measured node by node; or a total (measured or assumed) shared out by multiply-accumulates. */
  readonly source: 'measured' | 'by-macs';
  /** Why there are no times of single nodes though they were asked for, as a sentence for people. */
  readonly whyByMacs?: string;
  /** Share of the nodes' times whose node is a guess, see `attributeTimes`; only of measured ones. */
  readonly guessedShare?: number;
  /** Share of an inference that no node takes, which the runtime needs between them; only of measured ones. */
  readonly betweenNodesShare?: number;
  /** Timed inferences behind the medians. */
  readonly runs?: number;
}

/** What sessions cost besides their nodes; 0 where left out. */
export interface SessionCosts {
  /** Once for each inference: taking in the input, handing out the output, caches that decoding has emptied. */
  readonly startMs?: number;
  /** For each further session of the same inference, and for each byte that it is handed by the one before. */
  readonly handOverMs?: number;
  readonly handOverMsPerByte?: number;
}

/** A session's run with the runtime's profile on. */
export interface ProfiledRun {
  readonly nodes: readonly NodeTimes[];
  /** The profiled runs, warm-up included. */
  readonly samples: readonly Sample[];
  /** Runs without the runtime's profile, which takes some time at each node; what an inference takes is told by them. */
  readonly plainSamples?: readonly Sample[];
  /** Median size of the images' files. */
  readonly imageBytes: number;
  /** How long the runtime executed the graph in each of `samples`, where it told. */
  readonly executionMs?: readonly number[];
  /** What a session costs that does nothing, alone and for each byte that goes in and out again. */
  readonly handOver?: { readonly ms: number; readonly msPerByte: number };
}

/**
 * Costs of a graph's nodes from a profile of the whole model, whose nodes were named after their first output; see
 * `attributeTimes` for those that the runtime fused or added. What the runtime needs between nodes is shared out among
 * them, what it needs before and after them is told apart. Where most of the time cannot be told node by node, the total is shared
 * out by multiply-accumulates.
 */
export function costProfileOf(view: GraphView, profiled: ProfiledRun): CostProfile {
  const { nodes, samples, plainSamples = samples, imageBytes, handOver } = profiled;
  const timed = plainSamples.filter(({ warmUp }) => !warmUp);
  const median = (part: (sample: Sample) => number): number => summarise(timed.map(part))?.median ?? 0;
  const computeMs = median((sample) => sample.computeMs);
  const common = {
    decodeMs: median((sample) => sample.decodeMs),
    preprocessMs: median((sample) => sample.preprocessMs),
    postprocessMs: median((sample) => sample.postprocessMs),
    imageBytes,
    runs: timed.length,
  };
  const byMacs = (whyByMacs: string): CostProfile => {
    return { ...common, nodeMs: sharedByMacs(view, computeMs), source: 'by-macs', whyByMacs };
  };

  if (areTimesMissing(nodes)) return byMacs('The GPU tells no times of single operators in this browser.');
  const { aroundMs, betweenMs } = timesAround(profiled);
  // Noting times costs something around the execution, too: a session without a profile tells better.
  const idleMs = handOver ? handOver.ms + handOver.msPerByte * bytesInAndOut(view) : Infinity;
  const startMs = Math.min(aroundMs, idleMs, computeMs / 2);
  const times = timesPerInference(nodes, samples);
  const { nodeMs, guessedMs } = attributeTimes(
    view,
    times.map((time) => ({ ...time, ms: time.ms + betweenMs / times.length })),
  );
  const nodesMs = times.reduce((sum, { ms }) => sum + ms, 0);
  const scaled = scaledTo(nodeMs, computeMs - startMs);
  if (scaled === null) return byMacs('The runtime told no times of single operators.');
  if (guessedMs > nodesMs / 2)
    return byMacs('The runtime runs most of this model as one, without times of single operators.');
  return {
    ...common,
    nodeMs: scaled,
    startMs,
    ...(handOver && { handOverMs: handOver.ms, handOverMsPerByte: handOver.msPerByte }),
    source: 'measured',
    guessedShare: guessedMs / nodesMs,
    betweenNodesShare: Math.max(0, 1 - nodesMs / computeMs),
  };
}

/**
 * Share of profiled inferences that the runtime's nodes account for; the rest is the runtime's work between them and
 * that of profiling.
 */
export function shareInNodes({ nodes, samples }: ProfiledRun): number {
  const nodesMs = timesPerInference(nodes, samples).reduce((sum, { ms }) => sum + ms, 0);
  const computeMs = samples.filter(({ warmUp }) => !warmUp).map((sample) => sample.computeMs);
  return nodesMs / (summarise(computeMs)?.median ?? Number.NaN);
}

/** What an inference takes besides the runtime's nodes: around the execution of the graph, and between the nodes. */
function timesAround({ nodes, samples, executionMs = [] }: ProfiledRun): {
  readonly aroundMs: number;
  readonly betweenMs: number;
} {
  if (executionMs.length !== samples.length || samples.every(({ warmUp }) => warmUp))
    return { aroundMs: 0, betweenMs: 0 };
  const runs = samples.map(({ computeMs, warmUp }, run) => {
    const ms = executionMs[run] ?? 0;
    return { warmUp, aroundMs: computeMs - ms, betweenMs: ms - inNodesOfRunMs(nodes, run, samples.length) };
  });
  // Whatever disturbs a run makes times this short many times longer, so the least of them counts.
  const leastOf = (part: 'aroundMs' | 'betweenMs'): number =>
    runs.filter(({ warmUp }) => !warmUp).reduce((least, run) => Math.min(least, run[part]), Infinity);
  return { aroundMs: Math.max(0, leastOf('aroundMs')), betweenMs: Math.max(0, leastOf('betweenMs')) };
}

/** What nodes take in one of the runs; those that do not run equally often in each are left out. */
function inNodesOfRunMs(nodes: readonly NodeTimes[], run: number, runs: number): number {
  return nodes.reduce((sum, { timesMs }) => {
    const perRun = timesMs.length / runs;
    return sum + (Number.isInteger(perRun) ? sumOf(timesMs.slice(run * perRun, (run + 1) * perRun)) : 0);
  }, 0);
}

/**
 * What an inference takes besides the runtime's nodes, where it is the least disturbed; null where images leave early,
 * so that nodes cannot be told run by run.
 */
export function leastOutsideMs({ nodes, samples }: ProfiledRun): number | null {
  if (nodes.some(({ timesMs }) => !Number.isInteger(timesMs.length / samples.length))) return null;
  const outsideMs = samples.flatMap(({ computeMs, warmUp }, run) =>
    warmUp ? [] : [computeMs - inNodesOfRunMs(nodes, run, samples.length)],
  );
  return outsideMs.length === 0 ? null : Math.max(0, Math.min(...outsideMs));
}

function bytesInAndOut({ inputs, exits, values }: GraphView): number {
  const names = [...inputs, ...exits.map(({ output }) => output)];
  return sumOf(names.map((name) => values.get(name)?.bytes ?? 0));
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Runs at the start of which a node may take part in all without belonging to an inference. */
const MOST_AT_START = 3;

/** Median time of each of the runtime's nodes, times how often it runs in an inference. */
export function timesPerInference(
  nodes: readonly NodeTimes[],
  samples: readonly Sample[],
): RuntimeNodeTime[] {
  const warmUps = samples.filter(({ warmUp }) => warmUp).length;
  const timedRuns = Math.max(1, samples.length - warmUps);
  return nodes.map(({ name, opType, provider, timesMs }) => {
    // What is done once or twice (a GPU's layout of weights) does not belong to an inference.
    const isOnce = timesMs.length <= Math.min(warmUps, MOST_AT_START);
    const counted = isOnce ? [] : timesMs.slice(Math.round((timesMs.length * warmUps) / samples.length));
    return { name, opType, provider, ms: (counted.length / timedRuns) * (summarise(counted)?.median ?? 0) };
  });
}

/** Where nothing was profiled: the time of the whole, shared out by multiply-accumulates. */
export function costProfileByMacs(view: GraphView, computeMs: number, imageBytes: number): CostProfile {
  const nodeMs = sharedByMacs(view, computeMs);
  return { nodeMs, decodeMs: 0, preprocessMs: 0, postprocessMs: 0, imageBytes, source: 'by-macs' };
}

function sharedByMacs(view: GraphView, computeMs: number): Float64Array {
  const macs = Float64Array.from(view.nodes, (node) => node.macs);
  return scaledTo(macs, computeMs) ?? macs.fill(computeMs / Math.max(1, macs.length));
}

/** Null if there is nothing to scale. */
function scaledTo(values: Float64Array, sum: number): Float64Array | null {
  const present = values.reduce((total, value) => total + value, 0);
  return present > 0 ? values.map((value) => (value * sum) / present) : null;
}
