import type { GraphView } from '../../onnx/graph-view.ts';
import { valueName } from '../../onnx/model.ts';
import { poolingOf } from '../../transforms/exits/pooling.ts';

/** What a trained exit's head computes: it is no part of the model's own graph. */
export interface HeadWork {
  /** Numbers that are pooled. */
  readonly elements: number;
  /** Of the linear layer. */
  readonly macs: number;
}

/** Work of a head on a value; null if a size is not known. */
export function headWork(view: GraphView, name: string): HeadWork | null {
  const value = view.values.get(valueName(name));
  const scores = view.exits.at(-1)?.output;
  const classes = scores && view.values.get(scores)?.shape?.at(-1);
  const pooled = poolingOf(value?.counted ?? value?.shape ?? null);
  if (value?.bytes == null || pooled === null || typeof classes !== 'number') return null;
  return { elements: value.bytes / 4, macs: pooled.width * classes };
}

/** What pooling and linear layers take on a device. */
interface HeadRates {
  readonly leastMs: number;
  readonly msPerElement: number;
  readonly msPerMac: number;
}

/** A slow core: where the model has no such layers to tell. */
const USUAL: HeadRates = { leastMs: 0.005, msPerElement: 1e-6, msPerMac: 5e-7 };

/** Asked for at every movement of a cut. */
const known = new WeakMap<GraphView, WeakMap<ArrayLike<number>, HeadRates>>();

/** What a head is expected to take where the model's nodes take so long: as its own pooling and linear layers do. */
export function headMs(view: GraphView, nodeMs: ArrayLike<number>, { elements, macs }: HeadWork): number {
  const ofView = known.get(view) ?? new WeakMap<ArrayLike<number>, HeadRates>();
  known.set(view, ofView);
  const rates = ofView.get(nodeMs) ?? ratesOf(view, nodeMs);
  ofView.set(nodeMs, rates);
  const { leastMs, msPerElement, msPerMac } = rates;
  return Math.max(leastMs, elements * msPerElement) + Math.max(leastMs, macs * msPerMac);
}

function ratesOf({ nodes, values }: GraphView, nodeMs: ArrayLike<number>): HeadRates {
  const layers = nodes
    .filter(({ opType }) => /Pool|^Reduce|^Gemm$|^MatMul$/.test(opType))
    .flatMap(({ index, macs, inputs }) => {
      const ms = nodeMs[index] ?? 0;
      const elements = inputs.reduce((sum, name) => sum + (values.get(name)?.bytes ?? 0) / 4, 0);
      return ms > 0 ? [{ ms, macs, elements }] : [];
    });
  // Of the largest, where a layer's own overhead matters least.
  const rate = (work: 'elements' | 'macs', of: typeof layers): number | undefined => {
    const [largest] = of.toSorted((a, b) => b[work] - a[work]);
    return largest && largest[work] > 0 ? largest.ms / largest[work] : undefined;
  };
  const pools = layers.filter(({ macs }) => macs === 0);
  return {
    leastMs: layers.reduce((least, { ms }) => Math.min(least, ms), USUAL.leastMs),
    msPerElement: rate('elements', pools) ?? USUAL.msPerElement,
    msPerMac: rate('macs', layers) ?? USUAL.msPerMac,
  };
}
