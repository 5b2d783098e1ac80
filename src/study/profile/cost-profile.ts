import type { GraphView } from '../../onnx/graph-view.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample } from '../trial.ts';
import { attributeTimes, type RuntimeNodeTime } from './attribute-times.ts';
import { areTimesMissing, type NodeTimes } from './runtime-profile.ts';

/** What running a model on this device costs, node by node. */
export interface CostProfile {
  /** By `NodeView.index`; their sum is the median time of the whole. */
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

/** A session's run with the runtime's profile on. */
export interface ProfiledRun {
  readonly nodes: readonly NodeTimes[];
  /** The profiled runs, warm-up included. */
  readonly samples: readonly Sample[];
  /** Runs without the runtime's profile, which takes some time at each node; what an inference takes is told by them. */
  readonly plainSamples?: readonly Sample[];
  /** Median size of the images' files. */
  readonly imageBytes: number;
}

/**
 * Costs of a graph's nodes from a profile of the whole model, whose nodes were named after their first output; see
 * `attributeTimes` for those that the runtime fused or added. What the runtime needs between nodes is shared out, so
 * that the sum is what an inference takes. Where most of the time cannot be told node by node, the total is shared
 * out by multiply-accumulates.
 */
export function costProfileOf(view: GraphView, profiled: ProfiledRun): CostProfile {
  const { nodes, samples, plainSamples = samples, imageBytes } = profiled;
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
  const { nodeMs, guessedMs } = attributeTimes(view, timesPerInference(nodes, samples));
  const nodesMs = nodeMs.reduce((sum, ms) => sum + ms, 0);
  const scaled = scaledTo(nodeMs, computeMs);
  if (scaled === null) return byMacs('The runtime told no times of single operators.');
  if (guessedMs > nodesMs / 2)
    return byMacs('The runtime runs most of this model as one, without times of single operators.');
  return {
    ...common,
    nodeMs: scaled,
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

/** Median time of each of the runtime's nodes, times how often it runs in an inference. */
function timesPerInference(nodes: readonly NodeTimes[], samples: readonly Sample[]): RuntimeNodeTime[] {
  const warmUps = samples.filter(({ warmUp }) => warmUp).length;
  const timedRuns = Math.max(1, samples.length - warmUps);
  return nodes.map(({ name, opType, timesMs }) => {
    // What is done once (a GPU's layout of weights) does not belong to an inference.
    const isOnce = timesMs.length <= warmUps;
    const counted = isOnce ? [] : timesMs.slice(Math.round((timesMs.length * warmUps) / samples.length));
    return { name, opType, ms: (counted.length / timedRuns) * (summarise(counted)?.median ?? 0) };
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
