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
  readonly axis: number;
  readonly length: number;
  /** For each subject that holds indices of it, how many go at each level. */
  readonly removed: ReadonlyMap<number, Int32Array>;
}

/**
 * What a model costs while each subject has lost a share of its units, told from the groups alone and exact: a layer
 * between two groups costs the product of what is left of both. A node is counted anew only where something it
 * touches changed, and each combination once.
 */
export class PruneCosts implements JointCosts {
  private readonly analysed: AnalysedModel;
  private readonly priced: Priced;
  private readonly axesOf: ReadonlyMap<string, readonly AxisLevels[]>;
  /** By node: the subjects that it depends on. */
  private readonly subjectsOf: readonly (readonly number[])[];
  /** By subject: the nodes that depend on it. */
  private readonly nodesOf: readonly (readonly number[])[];
  private readonly known: readonly Map<string, number>[];
  private readonly nextTo = new Map<number, readonly number[]>();

  /** @param ratios by subject, the share that goes at each level; the first is 0 */
  constructor(
    analysed: AnalysedModel,
    { groups, subjects, keptWithout }: PruneSubjects,
    ratios: readonly (readonly number[])[],
    priced: Priced,
  ) {
    this.analysed = analysed;
    this.priced = priced;
    const axesOf = new Map<string, AxisLevels[]>();
    const counted = new Map<Int32Array, Map<number, Int32Array>>();
    // By unit, the axes that hold indices of it, once for each index.
    const holders = Array.from({ length: groups.unitCount }, (): Int32Array[] => []);
    for (const { units } of groups.places) {
      if (counted.has(units)) continue;
      counted.set(units, new Map());
      for (const unit of units) if (unit >= 0) holders[unit]?.push(units);
    }
    subjects.forEach((_, subject) => {
      (ratios[subject] ?? []).forEach((ratio, level, own) => {
        keptWithout(subject, ratio).forEach((stays, unit) => {
          if (stays === 1) return;
          for (const units of holders[unit] ?? []) {
            const removed = defined(counted.get(units), 'an axis');
            const levels = removed.get(subject) ?? new Int32Array(own.length);
            levels[level] = (levels[level] as number) + 1;
            removed.set(subject, levels);
          }
        });
      });
    });
    for (const { name, axis, units } of groups.places) {
      const removed = defined(counted.get(units), name);
      const known = axesOf.get(name) ?? [];
      if (removed.size === 0 || known.some((other) => other.axis === axis)) continue;
      axesOf.set(name, [...known, { axis, length: units.length, removed }]);
    }
    this.axesOf = axesOf;
    const { nodes } = analysed.model.graph;
    this.subjectsOf = nodes.map(({ inputs, outputs }) => {
      const touched = [...inputs, ...outputs].flatMap((name) => axesOf.get(name) ?? []);
      return [...new Set(touched.flatMap(({ removed }) => [...removed.keys()]))].sort((a, b) => a - b);
    });
    const nodesOf = subjects.map((): number[] => []);
    this.subjectsOf.forEach((own, node) => {
      for (const subject of own) nodesOf[subject]?.push(node);
    });
    this.nodesOf = nodesOf;
    this.known = nodes.map(() => new Map<string, number>());
  }

  total(levels: readonly number[]): number {
    let sum = 0;
    for (let node = 0; node < this.subjectsOf.length; node++) sum += this.costOf(node, levels);
    return sum;
  }

  change(levels: readonly number[], subject: number, level: number): number {
    const changed = levels.with(subject, level);
    let sum = 0;
    for (const node of this.nodesOf[subject] ?? [])
      sum += this.costOf(node, changed) - this.costOf(node, levels);
    return sum;
  }

  neighbours(subject: number): readonly number[] {
    const known = this.nextTo.get(subject);
    if (known !== undefined) return known;
    const found = [...new Set((this.nodesOf[subject] ?? []).flatMap((node) => this.subjectsOf[node] ?? []))];
    this.nextTo.set(subject, found);
    return found;
  }

  private costOf(node: number, levels: readonly number[]): number {
    const own = this.subjectsOf[node] as readonly number[];
    const known = this.known[node] as Map<string, number>;
    let key = '';
    for (const subject of own) key += `${levels[subject]},`;
    let cost = known.get(key);
    if (cost === undefined) {
      cost = this.counted(node, levels);
      known.set(key, cost);
    }
    return cost;
  }

  private counted(position: number, levels: readonly number[]): number {
    const { model, index, counted, costs } = this.analysed;
    const node = defined(model.graph.nodes[position], `node ${position}`);
    const initializers = new Map<string, Tensor>();
    const shapes = new Map<ValueName, NonNullable<ReturnType<ShapesByValue['get']>>>();
    for (const name of [...node.inputs, ...node.outputs]) {
      const tensor = index.initializers.get(name);
      if (tensor !== undefined)
        initializers.set(name, { ...tensor, dims: this.left(name, tensor.dims, levels) });
      const facts = counted.get(name);
      if (facts === undefined) continue;
      shapes.set(name, { ...facts, shape: facts.shape && this.left(name, facts.shape, levels) });
    }
    const graph = { ...model.graph, nodes: [node] };
    const left: GraphIndex = { ...index, initializers };
    const [cost] = costOfNodes(graph, left, shapes);
    return this.priced(position, defined(cost, node.opType), defined(costs[position], node.opType));
  }

  private left<D>(name: string, dims: readonly D[], levels: readonly number[]): (D | number)[] {
    const found: (D | number)[] = [...dims];
    for (const { axis, length, removed } of this.axesOf.get(name) ?? []) {
      if (typeof found[axis] !== 'number') continue;
      let gone = 0;
      for (const [subject, byLevel] of removed) gone += byLevel[levels[subject] ?? 0] ?? 0;
      found[axis] = length - gone;
    }
    return found;
  }
}
