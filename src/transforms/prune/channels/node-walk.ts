import type { Node, ValueName } from '../../../onnx/model.ts';
import type { ShapeContext } from '../../../onnx/shapes/facts.ts';
import {
  type Axis,
  type AxisOf,
  CannotFollow,
  type ChannelWalk,
  keptBecause,
  maxSize,
  type Operand,
  plain,
  titleOf,
  type WeightUse,
} from './channel-walk.ts';

/** A node of the walk, for its operator's rule. */
export class NodeWalk {
  /** What is known of all of the model. */
  readonly network: ChannelWalk;
  readonly node: Node;
  /** Position in `graph.nodes`. */
  readonly position: number;
  readonly context: ShapeContext;
  /** Whether it depends on weights only. */
  private readonly isConstant: boolean;

  constructor(network: ChannelWalk, position: number) {
    this.network = network;
    this.position = position;
    this.node = network.analysed.model.graph.nodes[position] as Node;
    this.context = network.contextOf(this.node);
    // How often a class token is repeated is told while running.
    const data = this.node.opType === 'Expand' ? this.node.inputs.slice(0, 1) : this.node.inputs;
    const inputs = data.filter((name) => name !== '');
    this.isConstant = inputs.length > 0 && inputs.every((name) => network.isConstant(name));
    if (this.isConstant) for (const name of this.node.outputs) network.markConstant(name);
  }

  get title(): string {
    return titleOf(this.node);
  }

  /** Whether an optional input is given. */
  has(input: number): boolean {
    return (this.node.inputs[input] ?? '') !== '';
  }

  /**
   * An input and what its axes hold.
   * @throws CannotFollow if its shape is not known
   */
  operand(input: number): Operand {
    const name = this.node.inputs[input] as ValueName;
    const dims = this.network.dimsOf(name);
    if (dims === null) throw this.unknownShape(name);
    const isWeight = this.network.isWeight(name);
    // What weights alone make is a weight, too: its axes hold channels before any layer says so.
    if (isWeight && this.isConstant) {
      for (const [axis, size] of dims.entries()) {
        const known = this.network.axes.get(name)?.[axis]?.labels;
        if (size > 1 && size <= maxSize)
          this.adopt(name, axis, known ?? this.network.labels.make(size, this.position), 'follows');
      }
    }
    return { name, dims, axes: this.network.axes.get(name) ?? dims.map(() => plain), isWeight };
  }

  /** All inputs of an operator that treats them alike. */
  operands(): Operand[] {
    return this.node.inputs.flatMap((name, input) => (name === '' ? [] : [this.operand(input)]));
  }

  /** @throws CannotFollow if they are not known */
  dimsOfOutput(output = 0): readonly number[] {
    const name = this.node.outputs[output] as ValueName;
    const dims = this.network.dimsOf(name);
    if (dims === null) throw this.unknownShape(name);
    return dims;
  }

  private unknownShape(name: string): CannotFollow {
    return new CannotFollow('unknown-shape', `${this.title} handles "${name}", whose shape is not known`);
  }

  /** @throws CannotFollow if the output's sizes are not known, or are others */
  setOutput(axes: readonly Axis[], output = 0): void {
    const name = this.node.outputs[output] ?? '';
    if (name === '') return;
    const dims = this.network.dimsOf(name as ValueName);
    if (dims === null && axes.some(({ labels }) => labels)) throw this.unknownShape(name);
    const fits = (size: number, axis: number) => (axes[axis]?.labels?.length ?? size) === size;
    if (dims !== null && (dims.length !== axes.length || !dims.every(fits))) throw this.contradiction();
    this.network.axes.set(name, axes);
  }

  /** Sizes that do not go together: the file is damaged, or was edited by hand. */
  contradiction(): CannotFollow {
    return new CannotFollow('sizes', `${this.title} has sizes that contradict each other`);
  }

  /** Channels that this node makes: the labels of an axis of its weight. */
  make({ operand, axis }: AxisOf, role: 'makes' | 'follows' = 'makes'): Axis {
    const known = operand.axes[axis]?.labels;
    const labels = known ?? this.makeFree(operand.dims[axis] ?? -1).labels;
    if (labels === null) return plain;
    if (operand.isWeight) this.adopt(operand.name, axis, labels, role);
    else if (known) this.useSource(operand.name, labels, role);
    else
      this.keep(
        labels,
        'computed-weights',
        `${this.title} has filters that no single axis of a weight holds`,
      );
    if (role === 'makes') this.network.madeBy.set(labels, this.position);
    return { labels, factor: null };
  }

  /** Channels of a dimension that no single axis of a weight makes. */
  makeFree(size: number): Axis {
    if (!(size >= 0 && size <= maxSize)) throw this.contradiction();
    return { labels: this.network.labels.make(size, this.position), factor: null };
  }

  /** The node is a layer that cannot be followed: its channels are shown, and stay. */
  makeKept(axis: number, code: string, message: string): void {
    const dims = this.network.dimsOf(this.node.outputs[0] as ValueName);
    const at = axis < 0 ? axis + (dims?.length ?? 0) : axis;
    const size = dims?.[at];
    if (!dims || size === undefined || size > maxSize) return;
    const made = this.makeFree(size);
    if (made.labels) this.network.madeBy.set(made.labels, this.position);
    this.keep(made.labels, code, message);
    this.setOutput(dims.map((_, other) => (other === at ? made : plain)));
  }

  /** A layer's weight that is reshaped or cast before the layer uses it: the layer is what its channels are for. */
  private useSource(value: ValueName, labels: Int32Array, role: WeightUse['role']): void {
    const { network, position } = this;
    const { index, model } = network.analysed;
    let name: ValueName | undefined = value;
    while (name !== undefined && network.isConstant(name) && !network.isWeight(name)) {
      name = model.graph.nodes[index.producer.get(name) ?? -1]?.inputs[0];
    }
    if (name === undefined || !network.isWeight(name)) return;
    const axis = network.axes.get(name)?.findIndex((held) => held.labels === labels) ?? -1;
    if (axis >= 0) network.uses.push({ name, axis, role, node: position });
  }

  /** The axis of a weight holds these labels. */
  private adopt(name: string, axis: number, labels: Int32Array, role: WeightUse['role']): void {
    const { axes, uses } = this.network;
    const dims = this.network.dimsOf(name as ValueName) ?? [];
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
    const size = parts[0]?.operand.dims[parts[0].axis];
    if (parts.some(({ operand, axis }) => operand.dims[axis] !== size)) throw this.contradiction();
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
      else if (!own) {
        const reason = `${this.title} combines them with "${operand.name}", which no layer's channels make`;
        this.keep(labels, 'fixed-partner', reason);
      } else if (role === 'reads') this.useSource(operand.name, own, role);
    }
    return { labels, factor: labelled.operand.axes[labelled.axis]?.factor ?? null };
  }

  /** A weight's axis is needed whole. */
  fix({ operand, axis }: AxisOf): void {
    if (operand.isWeight && (operand.dims[axis] ?? 1) > 1) this.network.fix(operand.name, axis, this.node);
  }

  /** The channels at each index go together; where one of the two always stays, so does the other. */
  unite(a: Int32Array, b: Int32Array): void {
    if (a === b) return;
    const { labels } = this.network;
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
    for (const label of tied) if (label >= 0) this.network.labels.unite(first, label);
    if (tied.includes(-1))
      this.keep(
        Int32Array.of(first),
        'fixed-partner',
        `${this.title} combines them with channels that always stay`,
      );
  }

  /** These channels must stay, if there are any. */
  keep(labels: Int32Array | null | undefined, code: string, message: string): void {
    if (labels) this.network.keep(labels, keptBecause(code, message, this.node));
  }

  /** The channels on this axis, if any, must stay. */
  keepAxis(part: AxisOf, code: string, message: string): void {
    this.keep(part.operand.axes[part.axis]?.labels, code, `${this.title} ${message}`);
    this.fix(part);
  }

  /** Everything the node touches stays whole, and what it makes holds no channels. */
  keepAll(code: string, message: string): void {
    const { network, position, node } = this;
    for (const name of network.analysed.index.inputsOf(position)) {
      for (const axis of network.axes.get(name) ?? []) this.keep(axis.labels, code, message);
      if (network.isWeight(name)) network.dimsOf(name)?.forEach((_, axis) => network.fix(name, axis, node));
    }
    for (const name of node.outputs)
      network.axes.set(
        name,
        (network.dimsOf(name) ?? []).map(() => plain),
      );
  }
}
