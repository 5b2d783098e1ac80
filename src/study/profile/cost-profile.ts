import type { GraphView } from '../../onnx/graph-view.ts';
import { summarise } from '../statistics/summary.ts';
import type { Sample } from '../trial.ts';
import type { NodeTimes } from './runtime-profile.ts';

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
}

/** A session's run with the runtime's profile on. */
export interface ProfiledRun {
  readonly nodes: readonly NodeTimes[];
  /** The timed runs, warm-up included. */
  readonly samples: readonly Sample[];
  /** Median size of the images' files. */
  readonly imageBytes: number;
}

/**
 * Costs of a graph's nodes from a profile of the whole model, whose nodes were named after their first output.
 * The runtime fuses nodes and adds some of its own: a fused node's time counts for the node that gave it its name,
 * and what belongs to no node of the graph counts for the one that ran before it. What the runtime needs between
 * nodes is shared out, so that the sum is what an inference takes.
 */
export function costProfileOf(view: GraphView, { nodes, samples, imageBytes }: ProfiledRun): CostProfile {
  const warmUpShare = samples.filter(({ warmUp }) => warmUp).length / Math.max(1, samples.length);
  const timed = samples.filter(({ warmUp }) => !warmUp);
  const nodeOfOutput = new Map<string, number>();
  for (const { index, outputs } of view.nodes) for (const name of outputs) nodeOfOutput.set(name, index);

  const nodeMs = new Float64Array(view.nodes.length);
  let current = 0;
  for (const { name, timesMs } of nodes) {
    current = nodeNamed(name, nodeOfOutput) ?? current;
    const counted = timesMs.slice(Math.round(timesMs.length * warmUpShare));
    const runs = Math.max(1, counted.length / Math.max(1, timed.length));
    nodeMs[current] = (nodeMs[current] ?? 0) + runs * (summarise(counted)?.median ?? 0);
  }
  const median = (part: (sample: Sample) => number): number => summarise(timed.map(part))?.median ?? 0;
  const computeMs = median((sample) => sample.computeMs);
  return {
    nodeMs: scaledTo(nodeMs, computeMs) ?? sharedByMacs(view, computeMs),
    decodeMs: median((sample) => sample.decodeMs),
    preprocessMs: median((sample) => sample.preprocessMs),
    postprocessMs: median((sample) => sample.postprocessMs),
    imageBytes,
    source: nodes.length > 0 ? 'measured' : 'by-macs',
  };
}

/** Where nothing was profiled: the time of the whole, shared out by multiply-accumulates. */
export function costProfileByMacs(view: GraphView, computeMs: number, imageBytes: number): CostProfile {
  const nodeMs = sharedByMacs(view, computeMs);
  return { nodeMs, decodeMs: 0, preprocessMs: 0, postprocessMs: 0, imageBytes, source: 'by-macs' };
}

/** Fused nodes are called `fused NAME` or `NAME/…`. */
function nodeNamed(name: string, nodeOfOutput: ReadonlyMap<string, number>): number | undefined {
  let plain = name.startsWith('fused ') ? name.slice('fused '.length) : name;
  for (;;) {
    const node = nodeOfOutput.get(plain);
    if (node !== undefined) return node;
    const end = plain.lastIndexOf('/');
    if (end <= 0) return undefined;
    plain = plain.slice(0, end);
  }
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
