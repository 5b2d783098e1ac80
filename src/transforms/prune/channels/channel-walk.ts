import type { Failure } from '../../../base/result.ts';
import type { Node, ValueName } from '../../../onnx/model.ts';
import { tensorElements } from '../../../onnx/shapes/elements.ts';
import {
  type Elements,
  type Facts,
  nodeTitle,
  nothingKnown,
  type ShapeContext,
} from '../../../onnx/shapes/facts.ts';
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

/** Longer axes are no channels that anyone would prune: a file that claims so must not cost time or memory. */
export const maxSize = 4_000_000;

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
  /** What constants in computed lists of sizes count, by entry and list; null: no channels. */
  readonly sharedSizes = new Map<string, Int32Array | null>();
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

  /** Facts of a value; the elements are those of weights only, which no run changes. */
  factsOf(name: ValueName): Facts {
    const facts = this.analysed.counted.get(name);
    if (facts === undefined) return nothingKnown;
    const tensor = this.analysed.index.initializers.get(name);
    return { ...facts, elements: tensor === undefined ? null : () => tensorElements(tensor) };
  }

  /** The elements of a list of sizes where inference follows them, at the sizes that are counted. */
  countedElements(name: ValueName): Elements | null {
    const facts: Partial<Facts> = this.analysed.counted.get(name) ?? {};
    return facts.elements?.() ?? null;
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
