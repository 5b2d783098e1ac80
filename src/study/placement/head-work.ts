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

/** Where the model has no such layers large enough to tell: so many times as long as its work takes on average. */
const USUAL = { element: 10, mac: 4 };
/** Of smaller layers the runtime's own overhead is told, not the rate. */
const TELLING = 50_000;

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

function ratesOf({ nodes, values, totals }: GraphView, nodeMs: ArrayLike<number>): HeadRates {
  const layers = nodes
    .filter(({ opType }) => /Pool|^Reduce|^Gemm$|^MatMul$/.test(opType))
    .flatMap(({ index, macs, inputs }) => {
      const ms = nodeMs[index] ?? 0;
      const elements = inputs.reduce((sum, name) => sum + (values.get(name)?.bytes ?? 0) / 4, 0);
      return ms > 0 ? [{ ms, macs, elements }] : [];
    });
  const wholeMs = Array.from(nodeMs).reduce((sum, ms) => sum + ms, 0);
  const usual = wholeMs / Math.max(1, totals.macs);
  const rate = (work: 'elements' | 'macs', of: typeof layers): number | undefined => {
    const [largest] = of.toSorted((a, b) => b[work] - a[work]);
    return largest && largest[work] >= TELLING ? largest.ms / largest[work] : undefined;
  };
  const pools = layers.filter(({ macs }) => macs === 0);
  return {
    leastMs: layers.length === 0 ? 0 : layers.reduce((least, { ms }) => Math.min(least, ms), Infinity),
    msPerElement: rate('elements', pools) ?? USUAL.element * usual,
    msPerMac: rate('macs', layers) ?? USUAL.mac * usual,
  };
}
