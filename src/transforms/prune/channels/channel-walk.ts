import type { Failure } from '../../../base/result.ts';
import type { Node, ValueName } from '../../../onnx/model.ts';
import { tensorElements } from '../../../onnx/shapes/elements.ts';
import { type Facts, nodeTitle, nothingKnown, type ShapeContext } from '../../../onnx/shapes/facts.ts';
import { isStandardDomain } from '../../../onnx/shapes/operator-table.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import type { ChannelPlace } from './channel-group.ts';
import { ChannelLabels } from './channel-labels.ts';

/** An axis of a value or weight as the walk knows it. */
export interface Axis {
  /** A label for each index, -1 for one that always stays; null: the axis holds no channels. */
  readonly labels: Int32Array | null;
  /** Where a reshape made it as one factor of a larger axis. */
  readonly factor: Factor | null;
}

/** One of the axes that a reshape splits an axis of channels into. */
export interface Factor {
  /** Names the split: it is the same in each walk of a model. */
  readonly split: string;
  readonly position: number;
}

/** An axis without channels. */
export const plain: Axis = { labels: null, factor: null };

/** An input of a node, its sizes and what its axes hold. */
export interface Operand {
  readonly name: ValueName;
  readonly dims: readonly number[];
  readonly axes: readonly Axis[];
  /** An initializer: its axes take part as the values beside it do. */
  readonly isWeight: boolean;
}

/** One axis of an operand. */
export interface AxisOf {
  readonly operand: Operand;
  readonly axis: number;
}

/** How a node uses an axis of a weight. */
export interface WeightUse extends Pick<ChannelPlace, 'name' | 'axis' | 'role' | 'node'> {}

/** Labels that must stay, and why. */
interface Keeping {
  readonly labels: Int32Array;
  readonly reason: Failure;
}

/**
 * One walk over a model in order of work: what each axis holds, which labels are united, which must stay. The
 * operators' rules see it node by node through `NodeWalk`.
 */
export class ChannelWalk {
  readonly analysed: AnalysedModel;
  readonly labels = new ChannelLabels();
  /** Axes of values and of those weights that take part. */
  readonly axes = new Map<string, readonly Axis[]>();
  readonly uses: WeightUse[] = [];
  readonly keepings: Keeping[] = [];
  /** The layer that made the channels with these labels. */
  readonly madeBy = new Map<Int32Array, number>();
  /** Splits of which another factor must hold the channels (heads), found on the way; for the next walk. */
  readonly found = new Map<string, number>();
  /** Axes of weights that a node needs as they are. */
  private readonly fixed = new Map<string, Node>();
  private readonly decided: ReadonlyMap<string, number>;
  private readonly constants = new Set<string>();
  private readonly opset: number;

  /** @param decided which factor of a split holds the channels, where an earlier walk found out */
  constructor(analysed: AnalysedModel, decided: ReadonlyMap<string, number>) {
    this.analysed = analysed;
    this.decided = decided;
    const { opsetImports } = analysed.model;
    this.opset = opsetImports.find(({ domain }) => isStandardDomain(domain))?.version ?? 1;
  }

  isWeight(name: string): boolean {
    return this.analysed.index.initializers.has(name);
  }

  /** Whether a value depends on weights only. */
  isConstant(name: string): boolean {
    return this.isWeight(name) || this.constants.has(name);
  }

  markConstant(name: string): void {
    this.constants.add(name);
  }

  /** Sizes of a value, those that the model leaves open as they are counted; null unless all are known. */
  dimsOf(name: ValueName): readonly number[] | null {
    const shape = this.analysed.counted.get(name)?.shape;
    return shape?.every((dim) => typeof dim === 'number') ? (shape as readonly number[]) : null;
  }

  factsOf(name: ValueName): Facts {
    const facts = this.analysed.counted.get(name);
    if (facts === undefined) return nothingKnown;
    const tensor = this.analysed.index.initializers.get(name);
    return { ...facts, elements: tensor === undefined ? null : () => tensorElements(tensor) };
  }

  contextOf(node: Node): ShapeContext {
    return {
      node,
      opset: this.opset,
      inputs: node.inputs.map((name) => (name === '' ? null : this.factsOf(name))),
      inferSubgraph: () => [],
    };
  }

  keep(labels: Int32Array, reason: Failure): void {
    this.keepings.push({ labels, reason });
  }

  /** The node needs this axis of a weight as it is. */
  fix(name: string, axis: number, node: Node): void {
    this.fixed.set(axisKey(name, axis), node);
  }

  /** Weights with an axis that one node prunes along and another needs whole are kept. */
  keepFixedWeights(): void {
    for (const { name, axis } of this.uses) {
      const node = this.fixed.get(axisKey(name, axis));
      const labels = this.axes.get(name)?.[axis]?.labels;
      if (node === undefined || !labels) continue;
      this.keep(
        labels,
        keptBecause(
          'shared-weight',
          `${titleOf(node)} shares the weight "${name}" and needs all of it`,
          node,
        ),
      );
    }
  }

  decisionOn(split: string): number | undefined {
    return this.decided.get(split);
  }
}

function axisKey(name: string, axis: number): string {
  return `${axis}:${name}`;
}

/** A node for people: `Softmax "/head/Softmax"`. */
export function titleOf(node: Node): string {
  return node.name === '' ? nodeTitle(node) : `${node.opType} "${node.name}"`;
}

/** Why channels must stay; the code is `channels-kept-CODE`. */
export function keptBecause(code: string, message: string, node: Node): Failure {
  return { code: `channels-kept-${code}`, message, where: nodeTitle(node) };
}

/** Thrown by a rule that cannot follow its node: everything that it touches stays whole. */
export class CannotFollow extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.name = 'CannotFollow';
    this.code = code;
  }
}

/** A node of the walk, for its operator's rule. */
export class NodeWalk {
  readonly walk: ChannelWalk;
  readonly node: Node;
  /** Position in `graph.nodes`. */
  readonly position: number;
  readonly context: ShapeContext;
  /** Whether it depends on weights only. */
  private readonly isConstant: boolean;

  constructor(walk: ChannelWalk, position: number) {
    this.walk = walk;
    this.position = position;
    this.node = walk.analysed.model.graph.nodes[position] as Node;
    this.context = walk.contextOf(this.node);
    const inputs = this.node.inputs.filter((name) => name !== '');
    this.isConstant = inputs.length > 0 && inputs.every((name) => walk.isConstant(name));
    if (this.isConstant) for (const name of this.node.outputs) walk.markConstant(name);
  }

  get title(): string {
    return titleOf(this.node);
  }

  has(input: number): boolean {
    return (this.node.inputs[input] ?? '') !== '';
  }

  /**
   * An input and what its axes hold.
   * @throws CannotFollow if its shape is not known
   */
  operand(input: number): Operand {
    const name = this.node.inputs[input] as ValueName;
    const dims = this.walk.dimsOf(name);
    if (dims === null) throw this.unknownShape(name);
    const isWeight = this.walk.isWeight(name);
    // What weights alone make is a weight, too: its axes hold channels before any layer says so.
    if (isWeight && this.isConstant) {
      for (const [axis, size] of dims.entries()) {
        const known = this.walk.axes.get(name)?.[axis]?.labels;
        if (size > 1) this.adopt(name, axis, known ?? this.walk.labels.make(size, this.position), 'follows');
      }
    }
    return { name, dims, axes: this.walk.axes.get(name) ?? dims.map(() => plain), isWeight };
  }

  /** All inputs of an operator that treats them alike. */
  operands(): Operand[] {
    return this.node.inputs.flatMap((name, input) => (name === '' ? [] : [this.operand(input)]));
  }

  dimsOfOutput(output = 0): readonly number[] {
    const name = this.node.outputs[output] as ValueName;
    const dims = this.walk.dimsOf(name);
    if (dims === null) throw this.unknownShape(name);
    return dims;
  }

  private unknownShape(name: string): CannotFollow {
    return new CannotFollow('unknown-shape', `${this.title} handles "${name}", whose shape is not known`);
  }

  setOutput(axes: readonly Axis[], output = 0): void {
    const name = this.node.outputs[output] ?? '';
    if (name !== '') this.walk.axes.set(name, axes);
  }

  /** Channels that this node makes: the labels of an axis of its weight. */
  make({ operand, axis }: AxisOf, role: 'makes' | 'follows' = 'makes'): Axis {
    const known = operand.axes[axis]?.labels;
    const labels = known ?? this.walk.labels.make(operand.dims[axis] as number, this.position);
    if (operand.isWeight) this.adopt(operand.name, axis, labels, role);
    else this.useSource(operand.name, labels, role);
    if (role === 'makes') this.walk.madeBy.set(labels, this.position);
    return { labels, factor: null };
  }

  /** Channels of a dimension that no single axis of a weight makes. */
  makeFree(size: number): Axis {
    return { labels: this.walk.labels.make(size, this.position), factor: null };
  }

  /** The node is a layer that cannot be followed: its channels are shown, and stay. */
  makeKept(axis: number, code: string, message: string): void {
    const dims = this.walk.dimsOf(this.node.outputs[0] as ValueName);
    const at = axis < 0 ? axis + (dims?.length ?? 0) : axis;
    const size = dims?.[at];
    if (!dims || size === undefined) return;
    const made = this.makeFree(size);
    if (made.labels) this.walk.madeBy.set(made.labels, this.position);
    this.keep(made.labels, code, message);
    this.setOutput(dims.map((_, other) => (other === at ? made : plain)));
  }

  /** A layer's weight that is reshaped or cast before the layer uses it: the layer is what its channels are for. */
  private useSource(value: ValueName, labels: Int32Array, role: WeightUse['role']): void {
    const { walk, position } = this;
    const { index, model } = walk.analysed;
    let name: ValueName | undefined = value;
    while (name !== undefined && walk.isConstant(name) && !walk.isWeight(name)) {
      name = model.graph.nodes[index.producer.get(name) ?? -1]?.inputs[0];
    }
    if (name === undefined || !walk.isWeight(name)) return;
    const axis = walk.axes.get(name)?.findIndex((held) => held.labels === labels) ?? -1;
    if (axis >= 0) walk.uses.push({ name, axis, role, node: position });
  }

  /** The axis of a weight holds these labels. */
  private adopt(name: string, axis: number, labels: Int32Array, role: WeightUse['role']): void {
    const { axes, uses } = this.walk;
    const dims = this.walk.dimsOf(name as ValueName) ?? [];
    const before = axes.get(name) ?? dims.map(() => plain);
    if (!before[axis]?.labels) axes.set(name, before.with(axis, { labels, factor: null }));
    uses.push({ name, axis, role, node: this.position });
  }

  /**
   * Axes that hold the same channels, index by index: all are united, weights follow, and where one of them holds
   * none, the others must stay. All have the same size.
   * @returns what an output axis of the same channels holds
   */
  join(parts: readonly AxisOf[], role: 'follows' | 'reads' = 'follows'): Axis {
    const labelled = parts.find(({ operand, axis }) => operand.axes[axis]?.labels);
    const labels = labelled?.operand.axes[labelled.axis]?.labels;
    if (!labels) {
      for (const part of parts) this.fix(part);
      return parts.map(({ operand, axis }) => operand.axes[axis]).find((axis) => axis?.factor) ?? plain;
    }
    for (const { operand, axis } of parts) {
      const own = operand.axes[axis]?.labels ?? null;
      if (own) this.unite(labels, own);
      if (operand.isWeight) this.adopt(operand.name, axis, own ?? labels, role);
      else if (own) this.useSource(operand.name, own, role);
      else
        this.keep(
          labels,
          'fixed-partner',
          `${this.title} combines them with "${operand.name}", which no layer's channels make`,
        );
    }
    return { labels, factor: labelled.operand.axes[labelled.axis]?.factor ?? null };
  }

  /** A weight's axis is needed whole. */
  fix({ operand, axis }: AxisOf): void {
    if (operand.isWeight && (operand.dims[axis] ?? 1) > 1) this.walk.fix(operand.name, axis, this.node);
  }

  unite(a: Int32Array, b: Int32Array): void {
    if (a === b) return;
    const { labels } = this.walk;
    for (let index = 0; index < a.length; index++) {
      const left = a[index] as number;
      const right = b[index] as number;
      if (left >= 0 && right >= 0) labels.unite(left, right);
      else if (left !== right) {
        this.keep(
          Int32Array.of(Math.max(left, right)),
          'fixed-partner',
          `${this.title} combines them with channels that always stay`,
        );
      }
    }
  }

  /** All these labels become one unit. */
  tie(tied: Int32Array): void {
    const first = tied.find((label) => label >= 0);
    if (first === undefined) return;
    for (const label of tied) if (label >= 0) this.walk.labels.unite(first, label);
    if (tied.includes(-1))
      this.keep(
        Int32Array.of(first),
        'fixed-partner',
        `${this.title} combines them with channels that always stay`,
      );
  }

  keep(labels: Int32Array | null | undefined, code: string, message: string): void {
    if (labels) this.walk.keep(labels, keptBecause(code, message, this.node));
  }

  /** The channels on this axis, if any, must stay. */
  keepAxis(part: AxisOf, code: string, message: string): void {
    this.keep(part.operand.axes[part.axis]?.labels, code, `${this.title} ${message}`);
    this.fix(part);
  }

  /** Everything the node touches stays whole, and what it makes holds no channels. */
  keepAll(code: string, message: string): void {
    const { walk, position, node } = this;
    for (const name of walk.analysed.index.inputsOf(position)) {
      for (const axis of walk.axes.get(name) ?? []) this.keep(axis.labels, code, message);
      if (walk.isWeight(name)) walk.dimsOf(name)?.forEach((_, axis) => walk.fix(name, axis, node));
    }
    for (const name of node.outputs)
      walk.axes.set(
        name,
        (walk.dimsOf(name) ?? []).map(() => plain),
      );
  }
}
