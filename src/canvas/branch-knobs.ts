import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import type { CutGraph } from '../transforms/cuts/cut-graph.ts';
import { type BranchPlace, placesOnBranch } from '../transforms/cuts/frontier.ts';
import { type PlacedCut, placedCut } from '../transforms/cuts/placed-cut.ts';
import { bottomOf, centreOf, type PlacedBox } from './geometry.ts';
import type { Layout } from './layout.ts';

/** Where a cut crosses one of several branches, and where else on that branch it could. */
export interface Knob {
  /** Which of the cuts it belongs to. */
  readonly cutIndex: number;
  readonly value: ValueName;
  /** From top to bottom; at least two. */
  readonly places: readonly KnobPlace[];
  /** Index of the present place. */
  readonly resting: number;
}

export interface KnobPlace {
  readonly x: number;
  readonly y: number;
  /** The whole cut, if this knob stood here. */
  readonly cut: PlacedCut;
}

/** More would lie on top of each other; DenseNet's cuts cross dozens of values. */
const MOST_KNOBS = 8;

/**
 * The knobs of a cut: one for each branch along which it can be pulled while the others stay. None where a single
 * value crosses: there the line itself is what is moved. None inside folded boxes, whose branches are not seen.
 */
export function knobsOf(view: GraphView, layout: Layout, cut: PlacedCut, cutIndex: number): readonly Knob[] {
  const { graph, before, crossing } = cut;
  if (crossing.length < 2) return [];
  const lineY = layout.frontierY[cut.afterNode] ?? 0;
  return crossing
    .flatMap((value): Knob[] => {
      const places = placesOnBranch(graph, before, graph.valueIds.get(value) ?? -1);
      const seen = places.flatMap((place): KnobPlace[] => {
        const point = pointOf(view, layout, graph, place, lineY);
        return point === null ? [] : [{ ...point, cut: placedCut(graph, place.before, null, null) }];
      });
      const resting = seen.findIndex((place) => String(place.cut.before) === String(before));
      return seen.length < 2 || resting < 0 ? [] : [{ cutIndex, value, places: seen, resting }];
    })
    .slice(0, MOST_KNOBS);
}

/** On the value's wire: at the cut's line where the wire passes it, else at the end nearest to the line. Null: no wire, for both ends are in one folded box. */
function pointOf(
  view: GraphView,
  layout: Layout,
  graph: CutGraph,
  { before, value }: BranchPlace,
  lineY: number,
): { readonly x: number; readonly y: number } | null {
  const made = graph.values[value];
  const name = made?.name;
  const rowOf = (unit: number): number => {
    const nodes = graph.units[unit]?.nodes ?? [];
    const node = nodes.find((each) => view.nodes[each]?.outputs.includes(name as ValueName)) ?? nodes[0];
    return node === undefined ? 0 : (layout.rowOfNode[node] ?? 0);
  };
  const sourceRow = made === undefined || made.producer < 0 ? 0 : rowOf(made.producer);
  const targetRow = rowOf(made?.consumers.find((unit) => before[unit] === 0) ?? -1);
  const [source, target] = [layout.boxes[sourceRow], layout.boxes[targetRow]];
  if (!source || !target || sourceRow === targetRow) return null;
  const top = bottomOf(source) + 7;
  const y = Math.max(top, Math.min(lineY, Math.max(top, target.y - 7)));
  return { x: wireX(layout, sourceRow, targetRow, y) ?? nearer(source, target), y };
}

/** Where the wire between two rows is at this height. */
function wireX(layout: Layout, from: number, to: number, y: number): number | null {
  const wire = layout.wires.find((each) => each.from === from && each.to === to && !each.minor);
  const points = wire?.points ?? [];
  for (let at = 0; at + 3 < points.length; at += 2) {
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = points.slice(at, at + 4);
    if (x0 === x1 && Math.min(y0, y1) <= y && y <= Math.max(y0, y1)) return x0;
  }
  return null;
}

function nearer(source: PlacedBox, target: PlacedBox): number {
  return source.column === 'side' ? centreOf(source) : centreOf(target);
}
