import { defined } from '../base/assert.ts';
import { costOfNodes, type NodeCost, type ShapesByValue } from '../onnx/cost.ts';
import type { GraphIndex } from '../onnx/graph-index.ts';
import type { Tensor, ValueName } from '../onnx/model.ts';
import type { AnalysedModel } from '../transforms/analyse-model.ts';
import type { JointCosts } from './prune-allocation.ts';
import type { PruneSubjects } from './prune-subjects.ts';

/** What a node costs once channels went, of whatever is to be told. */
export type Priced = (node: number, left: NodeCost, whole: NodeCost) => number;

/** How long an axis is while some subjects are at levels. */
interface AxisLevels {
  readonly length: number;
  /** For each subject that holds indices of it, how many go at each level. */
  readonly removed: ReadonlyMap<number, Int32Array>;
}

/** Nodes whose costs depend on the lengths of the same axes. */
interface Cell {
  /** Positions in `AxisLevels`. */
  readonly axes: readonly number[];
  readonly nodes: number[];
  /** By the axes' lengths. */
  readonly known: Map<number | string, number>;
  /** Whether their lengths fit into one number. */
  readonly isNumbered: boolean;
}

/** Of a subject: the axes that it shortens, and the cells that they are part of. */
interface Reach {
  readonly axes: readonly { readonly axis: number; readonly removed: Int32Array }[];
  readonly cells: readonly number[];
}

/**
 * What a model costs while each subject has lost a share of its units, told from the groups alone and exact: a layer
 * between two groups costs the product of what is left of both. Lengths of axes are kept as of the levels asked about
 * last, nodes that depend on the same axes are counted together, and for the same lengths once.
 */
export class PruneCosts implements JointCosts {
  private readonly analysed: AnalysedModel;
  private readonly priced: Priced;
  private readonly axes: readonly AxisLevels[];
  /** By value or weight, its axes that get shorter, by dimension. */
  private readonly axesOf: ReadonlyMap<string, ReadonlyMap<number, number>>;
  private readonly cells: readonly Cell[];
  private readonly reaches: readonly Reach[];
  private readonly nextTo = new Map<number, readonly number[]>();
  /** What was asked about last, and by axis what is left of it then, by cell what it costs. */
  private readonly levels: Int32Array;
  private readonly left: Float64Array;
  private readonly costs: Float64Array;

  /** @param ratios by subject, the share that goes at each level; the first is 0 */
  constructor(
    analysed: AnalysedModel,
    { groups, subjects, removedFrom }: PruneSubjects,
    ratios: readonly (readonly number[])[],
    priced: Priced,
  ) {
    this.analysed = analysed;
    this.priced = priced;
    const removedOf = new Map<Int32Array, Map<number, Int32Array>>();
    // By unit, the axes that hold indices of it, once for each index.
    const holders = Array.from({ length: groups.unitCount }, (): Int32Array[] => []);
    for (const { units } of groups.places) {
      if (removedOf.has(units)) continue;
      removedOf.set(units, new Map());
      for (const unit of units) if (unit >= 0) holders[unit]?.push(units);
    }
    subjects.forEach((_, subject) => {
      (ratios[subject] ?? []).forEach((ratio, level, own) => {
        for (const unit of removedFrom(subject, ratio))
          for (const units of holders[unit] ?? []) {
            const removed = defined(removedOf.get(units), 'an axis');
            const levels = removed.get(subject) ?? new Int32Array(own.length);
            levels[level] = (levels[level] as number) + 1;
            removed.set(subject, levels);
          }
      });
    });
    const axes: AxisLevels[] = [];
    const numberOf = new Map<Int32Array, number>();
    const axesOf = new Map<string, Map<number, number>>();
    for (const { name, axis, units } of groups.places) {
      const removed = defined(removedOf.get(units), name);
      const own = axesOf.get(name) ?? new Map<number, number>();
      if (removed.size === 0 || own.has(axis)) continue;
      const number = numberOf.get(units) ?? axes.push({ length: units.length, removed }) - 1;
      numberOf.set(units, number);
      axesOf.set(name, own.set(axis, number));
    }
    this.axes = axes;
    this.axesOf = axesOf;
    this.cells = cellsOf(analysed, axes, axesOf);
    this.reaches = reachesOf(subjects.length, axes, this.cells);
    this.levels = new Int32Array(subjects.length);
    this.left = Float64Array.from(axes, ({ length }) => length);
    this.costs = Float64Array.from(this.cells, (cell) => this.costOf(cell, this.left));
  }

  total(levels: readonly number[]): number {
    this.goTo(levels);
    let sum = 0;
    for (const cost of this.costs) sum += cost;
    return sum;
  }

  change(levels: readonly number[], subject: number, level: number): number {
    this.goTo(levels);
    const { axes, cells } = defined(this.reaches[subject], `subject ${subject}`);
    this.move(axes, this.levels[subject] as number, level);
    let sum = 0;
    for (const cell of cells)
      sum += this.costOf(this.cells[cell] as Cell, this.left) - (this.costs[cell] as number);
    this.move(axes, level, this.levels[subject] as number);
    return sum;
  }

  neighbours(subject: number): readonly number[] {
    const known = this.nextTo.get(subject);
    if (known !== undefined) return known;
    const axes = new Set(
      (this.reaches[subject]?.cells ?? []).flatMap((cell) => this.cells[cell]?.axes ?? []),
    );
    const found = [...new Set([...axes].flatMap((axis) => [...(this.axes[axis]?.removed.keys() ?? [])]))];
    this.nextTo.set(subject, found);
    return found;
  }

  private goTo(levels: readonly number[]): void {
    for (let subject = 0; subject < this.levels.length; subject++) {
      const [from, to] = [this.levels[subject] as number, levels[subject] ?? 0];
      if (from === to) continue;
      const { axes, cells } = defined(this.reaches[subject], `subject ${subject}`);
      this.move(axes, from, to);
      this.levels[subject] = to;
      for (const cell of cells) this.costs[cell] = this.costOf(this.cells[cell] as Cell, this.left);
    }
  }

  private move(axes: Reach['axes'], from: number, to: number): void {
    for (const { axis, removed } of axes)
      this.left[axis] = (this.left[axis] as number) + (removed[from] as number) - (removed[to] as number);
  }

  private costOf({ axes, nodes, known, isNumbered }: Cell, left: Float64Array): number {
    let key: number | string = 0;
    if (isNumbered)
      for (const axis of axes) key = key * ((this.axes[axis]?.length ?? 0) + 1) + (left[axis] as number);
    else key = axes.map((axis) => left[axis]).join();
    let cost = known.get(key);
    if (cost === undefined) {
      cost = nodes.reduce((sum, node) => sum + this.counted(node), 0);
      known.set(key, cost);
    }
    return cost;
  }

  private counted(position: number): number {
    const { model, index, counted, costs } = this.analysed;
    const node = defined(model.graph.nodes[position], `node ${position}`);
    const initializers = new Map<string, Tensor>();
    const shapes = new Map<ValueName, NonNullable<ReturnType<ShapesByValue['get']>>>();
    for (const name of [...node.inputs, ...node.outputs]) {
      const tensor = index.initializers.get(name);
      if (tensor !== undefined) initializers.set(name, { ...tensor, dims: this.dimsLeft(name, tensor.dims) });
      const facts = counted.get(name);
      if (facts === undefined) continue;
      shapes.set(name, { ...facts, shape: facts.shape && this.dimsLeft(name, facts.shape) });
    }
    const graph = { ...model.graph, nodes: [node] };
    const left: GraphIndex = { ...index, initializers };
    const [cost] = costOfNodes(graph, left, shapes);
    return this.priced(position, defined(cost, node.opType), defined(costs[position], node.opType));
  }

  private dimsLeft<D>(name: string, dims: readonly D[]): (D | number)[] {
    const found: (D | number)[] = [...dims];
    for (const [dimension, axis] of this.axesOf.get(name) ?? [])
      if (typeof found[dimension] === 'number') found[dimension] = this.left[axis] as number;
    return found;
  }
}

function cellsOf(
  { model, costs }: AnalysedModel,
  axes: readonly AxisLevels[],
  axesOf: ReadonlyMap<string, ReadonlyMap<number, number>>,
): readonly Cell[] {
  const cells = new Map<string, Cell>();
  model.graph.nodes.forEach(({ inputs, outputs }, position) => {
    // What computes nothing and holds no weights costs what it writes, however many channels it joins.
    const isIdle = costs[position]?.macs === 0 && costs[position].weightBytes === 0;
    const touched = isIdle ? outputs : [...inputs, ...outputs];
    const own = [...new Set(touched.flatMap((name) => [...(axesOf.get(name)?.values() ?? [])]))];
    const key = own.sort((a, b) => a - b).join();
    const cell = cells.get(key);
    if (cell !== undefined) cell.nodes.push(position);
    else {
      const combinations = own.reduce((product, axis) => product * ((axes[axis]?.length ?? 0) + 1), 1);
      const isNumbered = combinations <= Number.MAX_SAFE_INTEGER;
      cells.set(key, { axes: own, nodes: [position], known: new Map(), isNumbered });
    }
  });
  return [...cells.values()];
}

function reachesOf(
  subjectCount: number,
  axes: readonly AxisLevels[],
  cells: readonly Cell[],
): readonly Reach[] {
  const cellsOfAxis = axes.map((): number[] => []);
  cells.forEach((cell, position) => {
    for (const axis of cell.axes) cellsOfAxis[axis]?.push(position);
  });
  return Array.from({ length: subjectCount }, (_, subject): Reach => {
    const own = axes.flatMap(({ removed }, axis) => {
      const levels = removed.get(subject);
      return levels === undefined ? [] : [{ axis, removed: levels }];
    });
    return { axes: own, cells: [...new Set(own.flatMap(({ axis }) => cellsOfAxis[axis] ?? []))] };
  });
}
