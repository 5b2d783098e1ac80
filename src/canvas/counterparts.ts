import type { GraphView } from '../onnx/graph-view.ts';
import { foldKeysAround } from './boxes.ts';
import type { Layout } from './layout.ts';

/** A graph as it lies on its canvas. */
export interface LaidOut {
  readonly view: GraphView;
  readonly layout: Layout;
}

/** Heights that stand for each other in two layouts, both strictly increasing. */
export interface Anchors {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The frontiers after nodes that make a value of the same name in two graphs, from top to bottom. */
export function anchorsBetween(from: LaidOut, to: LaidOut): Anchors {
  const makers = nodesByValue(to.view);
  const anchors: { from: number[]; to: number[] } = { from: [], to: [] };
  for (const { index, outputs } of from.view.nodes) {
    const node = makers.get(outputs[0] ?? '');
    if (node === undefined) continue;
    const [here, there] = [from.layout.frontierY[index] ?? 0, to.layout.frontierY[node] ?? 0];
    if (there <= (anchors.to.at(-1) ?? -Infinity)) continue;
    anchors.from.push(here);
    anchors.to.push(there);
  }
  return anchors;
}

/** The height that stands for another: between anchors in proportion, beyond them at the same distance. */
export function heightThere({ from, to }: Anchors, height: number): number {
  const next = from.findIndex((each) => each > height);
  const [firstFrom, firstTo] = [from[0] ?? 0, to[0] ?? 0];
  if (next === 0 || from.length === 0) return firstTo + height - firstFrom;
  const last = next < 0 ? from.length - 1 : next - 1;
  const [lowFrom, lowTo] = [from[last] ?? 0, to[last] ?? 0];
  if (next < 0) return lowTo + height - lowFrom;
  const [highFrom, highTo] = [from[next] ?? 0, to[next] ?? 0];
  return lowTo + ((height - lowFrom) / (highFrom - lowFrom)) * (highTo - lowTo);
}

/** What folds in another graph what a key folds in this one; null: there is nothing of the kind. */
export function foldKeyThere(from: GraphView, to: GraphView, key: string, node: number): string | null {
  const there = nodesByValue(to).get(from.nodes[node]?.outputs[0] ?? '');
  if (there === undefined) return null;
  const kind = key.slice(0, key.indexOf('-'));
  return foldKeysAround(to, there).find((other) => other.startsWith(`${kind}-`)) ?? null;
}

function nodesByValue({ nodes }: GraphView): ReadonlyMap<string, number> {
  return new Map(nodes.map(({ outputs, index }) => [outputs[0] ?? '', index]));
}
