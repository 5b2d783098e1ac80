import { intAttribute, intsAttribute, makeInt, makeInts } from '../../../onnx/attributes.ts';
import {
  type Attribute,
  DataType,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../../onnx/model.ts';
import { tensorElements } from '../../../onnx/shapes/elements.ts';
import { operatorKey } from '../../../onnx/shapes/operator-table.ts';
import { bytesTensor, int64Tensor, tensorBytes } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { namesIn, standardOpset, uniqueNames } from '../../graph-names.ts';
import type { KeptAxes, KeptAxis } from './kept-axes.ts';

/** What nodes know of the sizes of values: targets of Reshape, parts of Split, bounds of Slice, groups of Conv, … */
export interface RewrittenSizes {
  readonly nodes: readonly Node[];
  /** Constants that nodes read instead of others, or that others have become under the same name. */
  readonly tensors: readonly Tensor[];
}

/**
 * Fits to the axes that are left what nodes say of sizes, as attributes and as constant inputs. What a graph
 * computes from the shapes of values fits by itself; constants that are joined to such are looked for, too.
 */
export function rewriteSizes(analysed: AnalysedModel, axes: KeptAxes): RewrittenSizes {
  const sizes = new Sizes(analysed, axes);
  const { nodes } = analysed.model.graph;
  const rewritten = nodes.map((node) => (isTouched(node, axes) ? sizes.fitted(node) : node));
  return { nodes: rewritten.map((node, at) => sizes.replaced.get(at) ?? node), tensors: sizes.tensors };
}

function isTouched({ inputs, outputs }: Node, { weights, values }: KeptAxes): boolean {
  return [...inputs, ...outputs].some((name) => values.has(name) || weights.has(name));
}

/** Changes of single elements, by position. */
type Changes = ReadonlyMap<number, number>;

class Sizes {
  readonly tensors: Tensor[] = [];
  /** Nodes besides the one asked for that had to change, by position: they join constants to computed sizes. */
  readonly replaced = new Map<number, Node>();
  private readonly analysed: AnalysedModel;
  private readonly axes: KeptAxes;
  private readonly unique: (wanted: string) => string;
  private readonly opset: number;

  constructor(analysed: AnalysedModel, axes: KeptAxes) {
    this.analysed = analysed;
    this.axes = axes;
    this.unique = uniqueNames(namesIn(analysed.model.graph));
    this.opset = standardOpset(analysed.model as Model);
  }

  fitted(node: Node): Node {
    switch (operatorKey(node)) {
      case 'Conv':
      case 'ConvTranspose':
      case 'com.microsoft:FusedConv':
        return this.withGroups(node);
      case 'Reshape':
        return this.withTarget(node, 1, 'shape');
      case 'Expand':
        return this.withTarget(node, 1);
      case 'ConstantOfShape':
        return this.withTarget(node, 0);
      case 'Resize':
        return this.withTarget(node, 3);
      case 'Split':
        return this.withParts(node);
      case 'Slice':
        return this.withBounds(node);
      case 'Gather':
        return this.withIndices(node);
      case 'Pad':
        return this.withPads(node);
      case 'GroupNormalization':
        return this.withNormGroups(node);
      default:
        return node;
    }
  }

  private of(name: string | undefined): readonly KeptAxis[] {
    return this.axes.values.get(name ?? '') ?? this.axes.weights.get(name ?? '') ?? [];
  }

  private dims(name: string | undefined): readonly (number | string | null)[] {
    return this.analysed.counted.get((name ?? '') as ValueName)?.shape ?? [];
  }

  /** The size of a value's axis as it will be; null where it is not a number. */
  private left(name: string | undefined, axis: number): number | null {
    const size = this.of(name).find((each) => each.axis === axis)?.count ?? this.dims(name)[axis];
    return typeof size === 'number' ? size : null;
  }

  /** Whole groups go, or the same places of each: the number follows from what is left of input and filters. */
  private withGroups(node: Node): Node {
    if ((intAttribute(node, 'group') ?? 1) === 1) return node;
    const weight = node.inputs[1];
    const channels = this.left(node.opType === 'ConvTranspose' ? node.outputs[0] : node.inputs[0], 1);
    const perGroup = this.left(weight, 1);
    return channels === null || perGroup === null
      ? node
      : withAttribute(node, makeInt('group', channels / perGroup));
  }

  /** Groups of channels that are normalised together go as a whole, or the same places of each. */
  private withNormGroups(node: Node): Node {
    const groups = intAttribute(node, 'num_groups') ?? 1;
    const channels = this.of(node.inputs[0]).find(({ axis }) => axis === 1);
    if (channels === undefined) return node;
    const perGroup = channels.stays.length / groups;
    const left = Array.from({ length: groups }, (_, group) =>
      countOf(channels.stays.subarray(group * perGroup, (group + 1) * perGroup)),
    );
    return withAttribute(node, makeInt('num_groups', left.filter((count) => count > 0).length));
  }

  /** Sizes of the output, one for each axis; those that say 0 (as the input) or -1 (what is left) need no change. */
  private withTarget(node: Node, position: number, attribute?: string): Node {
    const [output] = node.outputs;
    const lost = this.of(output);
    if (lost.length === 0) return node;
    const old = this.dims(output);
    const listed = attribute === undefined ? undefined : intsAttribute(node, attribute);
    const named = intsAttribute(node, 'axes');
    const sizeAt = (entry: number, count: number, size: number): number => {
      const given = named?.[entry] ?? entry + (operatorKey(node) === 'Expand' ? old.length - count : 0);
      const axis = given < 0 ? given + old.length : given;
      return size === old[axis] ? (lost.find((each) => each.axis === axis)?.count ?? size) : size;
    };
    if (attribute !== undefined && listed !== undefined) {
      return withAttribute(
        node,
        makeInts(
          attribute,
          listed.map((size, entry) => sizeAt(entry, listed.length, size)),
        ),
      );
    }
    return this.withElements(node, position, sizeAt);
  }

  private withParts(node: Node): Node {
    const rank = this.dims(node.inputs[0]).length;
    const axis = normal(intAttribute(node, 'axis') ?? 0, rank);
    const parts = node.outputs.map((name) => this.left(name, axis));
    if (parts.some((part) => part === null)) return node;
    const sizes = parts as number[];
    const isListed = intsAttribute(node, 'split') !== undefined;
    const isGiven = (node.inputs[1] ?? '') !== '';
    const isEven = sizes.every((size) => size === sizes[0]);
    if (isEven && !isListed && !isGiven) return node;
    if (this.opset < 13) return withAttribute(node, makeInts('split', sizes));
    if (isGiven) return this.withElements(node, 1, (entry) => sizes[entry] as number);
    const name = this.unique(`${node.outputs[0]}/split`);
    this.tensors.push(int64Tensor(name, [sizes.length], sizes));
    return {
      ...node,
      inputs: [node.inputs[0] as ValueName, valueName(name)],
      attributes: node.attributes.filter((attribute) => attribute.name !== 'num_outputs'),
    };
  }

  /** A bound is where as many indices stay before it; those beyond the end stay there. */
  private withBounds(node: Node): Node {
    const [data] = node.inputs;
    const lost = this.of(data);
    if (lost.length === 0) return node;
    const rank = this.dims(data).length;
    const axes = intsAttribute(node, 'axes') ?? this.elementsOf(node.inputs[3]);
    const bound = (entry: number, _count: number, value: number): number => {
      const axis = normal(axes?.[entry] ?? entry, rank);
      const kept = lost.find((each) => each.axis === axis);
      if (kept === undefined || value >= kept.stays.length || value < -kept.stays.length) return value;
      const at = value < 0 ? value + kept.stays.length : value;
      return countOf(kept.stays.subarray(0, at));
    };
    if (this.opset >= 10) return this.withElements(this.withElements(node, 1, bound), 2, bound);
    return ['starts', 'ends'].reduce((changed, name) => {
      const values = intsAttribute(node, name) ?? [];
      return withAttribute(
        changed,
        makeInts(
          name,
          values.map((value, entry) => bound(entry, values.length, value)),
        ),
      );
    }, node);
  }

  /** Of the channels that padding adds, as many as stay; begins of all axes stand before ends. */
  private withPads(node: Node): Node {
    const [output] = node.outputs;
    const lost = this.of(output);
    if (lost.length === 0) return node;
    const rank = this.dims(output).length;
    const axes = this.elementsOf(node.inputs[3]);
    const padded = (entry: number, count: number, value: number): number => {
      const half = count / 2;
      const place = entry % half;
      const kept = lost.find(({ axis }) => axis === normal(axes?.[place] ?? place, rank));
      if (kept === undefined || value <= 0) return value;
      const { stays } = kept;
      return countOf(entry < half ? stays.subarray(0, value) : stays.subarray(stays.length - value));
    };
    const listed = intsAttribute(node, 'pads');
    if (listed === undefined) return this.withElements(node, 1, padded);
    const pads = listed.map((value, entry) => padded(entry, listed.length, value));
    return withAttribute(node, makeInts('pads', pads));
  }

  /** Indices that stay, at their new positions. */
  private withIndices(node: Node): Node {
    const [data, chosen] = node.inputs;
    const axis = normal(intAttribute(node, 'axis') ?? 0, this.dims(data).length);
    const kept = this.of(data).find((each) => each.axis === axis);
    const tensor = this.analysed.index.initializers.get(chosen ?? '');
    const indices = this.elementsOf(chosen);
    if (kept === undefined || tensor === undefined || indices === null) return node;
    const { stays } = kept;
    const left = indices
      .map((index) => normal(index, stays.length))
      .filter((index) => stays[index] === 1)
      .map((index) => countOf(stays.subarray(0, index)));
    const name = this.unique(`${tensor.name}/pruned`);
    this.tensors.push(int64Tensor(name, tensor.dims.length === 0 ? [] : [left.length], left));
    return { ...node, inputs: node.inputs.with(1, valueName(name)) };
  }

  private elementsOf(name: string | undefined): readonly number[] | null {
    const tensor = this.analysed.index.initializers.get(name ?? '');
    return tensor === undefined ? null : (tensorElements(tensor) as readonly number[] | null);
  }

  /**
   * A node that reads changed integers.
   * @param change called with each entry's position, how many there are, and its value
   */
  private withElements(
    node: Node,
    position: number,
    change: (entry: number, count: number, value: number) => number,
  ): Node {
    const name = node.inputs[position];
    if (name === undefined || name === '') return node;
    const changed = this.changedList(name, 0, this.dims(name)[0], change);
    return changed === name ? node : { ...node, inputs: node.inputs.with(position, changed) };
  }

  /** A list, or a part of one that starts at entry `offset`: a constant, or constants and computed sizes joined. */
  private changedList(
    name: ValueName,
    offset: number,
    length: number | string | null | undefined,
    change: (entry: number, count: number, value: number) => number,
  ): ValueName {
    const { index, model } = this.analysed;
    const count = typeof length === 'number' ? length : 0;
    const tensor = index.initializers.get(name);
    const elements = this.elementsOf(name);
    if (tensor !== undefined && elements !== null) {
      const changes = new Map<number, number>();
      elements.forEach((value, entry) => {
        const next = change(offset + entry, count, value);
        if (next !== value) changes.set(entry, next);
      });
      return changes.size === 0 ? name : this.changedConstant(tensor, changes);
    }
    const producer = index.producer.get(name);
    const node = producer === undefined ? undefined : model.graph.nodes[producer];
    // All that read a joined list want the same of it.
    if (producer === undefined || node?.opType !== 'Concat' || this.replaced.has(producer)) return name;
    let at = offset;
    const inputs = node.inputs.map((part) => {
      const size = this.dims(part)[0];
      const changed = this.changedList(part, at, count, change);
      at += typeof size === 'number' ? size : 0;
      return changed;
    });
    if (inputs.every((part, each) => part === node.inputs[each])) return name;
    this.replaced.set(producer, { ...node, inputs });
    return name;
  }

  /** Under its own name where only one node reads it. */
  private changedConstant(tensor: Tensor, changes: Changes): ValueName {
    const isShared = (this.analysed.index.consumers.get(valueName(tensor.name)) ?? []).length > 1;
    const name = isShared ? this.unique(`${tensor.name}/pruned`) : tensor.name;
    const bytes = new Uint8Array(tensorBytes(tensor));
    const view = new DataView(bytes.buffer);
    for (const [entry, value] of changes) {
      if (tensor.dataType === DataType.int64) view.setBigInt64(8 * entry, BigInt(value), true);
      else view.setInt32(4 * entry, value, true);
    }
    this.tensors.push(bytesTensor(name, tensor.dims, tensor.dataType, bytes));
    return valueName(name);
  }
}

function countOf(stays: Uint8Array): number {
  return stays.reduce((sum, stay) => sum + stay, 0);
}

function normal(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function withAttribute(node: Node, attribute: Attribute): Node {
  const { attributes } = node;
  const at = attributes.findIndex(({ name }) => name === attribute.name);
  return { ...node, attributes: at < 0 ? [...attributes, attribute] : attributes.with(at, attribute) };
}
