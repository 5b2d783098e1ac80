import { defined } from '../../base/assert.ts';
import {
  graphAttributes,
  intAttribute,
  makeInt,
  makeNode,
  makeTensor,
  tensorAttribute,
} from '../../onnx/attributes.ts';
import type { OutsideFloat16 } from '../../onnx/float16.ts';
import { capturedValues, type GraphIndex, indexGraph } from '../../onnx/graph-index.ts';
import {
  type Attribute,
  DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { type FoldedModel, foldConstants } from '../../onnx/fold.ts';
import { type Facts, nodeTitle } from '../../onnx/shapes/facts.ts';
import { floatTensor } from '../../onnx/tensor.ts';
import { isStandardDomain, namesIn, uniqueNames } from '../graph-names.ts';
import { matchNodes, type NodeChoice } from '../match-nodes.ts';
import { halfTensor } from './half-tensor.ts';
import type { Quantization, QuantizationCoverage } from './quantization.ts';

/** Weights with numbers that half precision cannot hold: finite ones became its limits. */
export interface ClampedWeights extends OutsideFloat16 {
  readonly tensor: string;
}

/** What stays in float32. */
export interface Float16Form {
  /** Nodes to keep as they are. */
  readonly keepFloat32?: NodeChoice;
}

export interface Float16Conversion extends Quantization {
  /** Weights with numbers that half precision cannot hold. */
  readonly clamped: readonly ClampedWeights[];
}

/**
 * The model in half precision: weights and values become float16, which halves its size. Inputs and outputs stay
 * float32, with a Cast behind or before them, and so does what a node in float32 needs: those of `keepFloat32`,
 * operators that have no float16 form or lose too much in it, nodes with subgraphs, and arithmetic on sizes. Values
 * keep their names. Weights are converted when they are read.
 * @throws InputError as `indexGraph`; as `tensorBytes` for weights that are not there
 * @source the rounding, the limits and the operators that are kept follow onnxruntime's transformers/float16.py
 */
export function toFloat16(original: Model, { keepFloat32 = [] }: Float16Form = {}): Float16Conversion {
  const folded = foldConstants(original);
  const { matches, unmatched } = matchNodes(folded.model.graph.nodes, keepFloat32);
  const halving = new Halving(folded, matches);
  return {
    model: { ...folded.model, graph: halving.graph() },
    coverage: { ...halving.coverage, unmatched },
    // Nothing becomes zero, so the floats tell as much.
    nonZeroOfWeight: new Map(),
    clamped: halving.clamped,
  };
}

/** Where a node runs: `half`, `float` for a reason, or `any`: it neither reads nor makes float32. */
type Place =
  | { readonly kind: 'half' }
  | { readonly kind: 'any' }
  | { readonly kind: 'float'; readonly reason: string };

/** Operators that float16 breaks, or whose definition does not allow it. */
const KEPT_OPERATORS = new Set(
  (
    'Bernoulli Celu CumSum DequantizeLinear DynamicQuantizeLinear EyeLike IsInf Max Min Multinomial ' +
    'NonMaxSuppression QLinearConv QLinearMatMul QuantizeLinear RandomNormal RandomNormalLike RandomUniform ' +
    'RandomUniformLike Range RoiAlign SequenceEmpty TfIdfVectorizer TopK Upsample'
  ).split(' '),
);
/** They tell the shape of anything. */
const SHAPE_OPERATORS = new Set(['Shape', 'Size']);

/** Further outputs of a LayerNormalization are float32 by definition. */
function hasStatistics({ opType, outputs }: Node): boolean {
  return opType === 'LayerNormalization' && outputs.length > 1;
}

/** Inputs that stay float32 whatever their node computes in. */
function isAlwaysFloat({ opType, inputs }: Node, position: number): boolean {
  if (opType !== 'Resize') return false;
  // Until opset 10 scales were the second and last input; then come the region, scales and sizes.
  return inputs.length === 2 ? position === 1 : position === 1 || position === 2;
}

/** Walks the nodes in order; a cast appears once for each value, before the first node that needs it. */
class Halving {
  readonly clamped: ClampedWeights[] = [];
  readonly coverage: QuantizationCoverage;
  private readonly original: Graph;
  private readonly index: GraphIndex;
  private readonly facts: ReadonlyMap<ValueName, Facts>;
  private readonly places: readonly Place[];
  private readonly unique: (wanted: string) => string;
  private readonly nodes: Node[] = [];
  /** Values that leave the graph, or that subgraphs see by name: they stay float32. */
  private readonly pinned: ReadonlySet<string>;
  /** Weights, by name, that somebody reads in float32. */
  private readonly floatWeights: ReadonlySet<string>;
  private readonly halfWeights = new Map<string, Tensor>();
  /** The half that stands for a float32 value: the value itself, if its node makes a half. */
  private readonly halfOf = new Map<ValueName, ValueName>();
  private readonly floatOf = new Map<ValueName, ValueName>();

  constructor({ model: { graph }, inference }: FoldedModel, isKept: (node: Node) => boolean) {
    this.original = graph;
    this.index = indexGraph(graph);
    this.facts = inference.facts;
    this.places = graph.nodes.map((node) => this.placeOf(node, isKept));
    this.unique = uniqueNames(namesIn(graph));
    this.pinned = new Set([
      ...graph.outputs.map(({ name }) => name),
      ...graph.nodes.flatMap((node) => graphAttributes(node).flatMap((inner) => [...capturedValues(inner)])),
    ]);
    const isReadAsFloat = (node: Node, at: number, position: number): boolean =>
      this.places[at]?.kind !== 'half' || isAlwaysFloat(node, position);
    this.floatWeights = new Set([
      ...this.pinned,
      ...graph.nodes.flatMap((node, at) =>
        node.inputs.filter((_, position) => isReadAsFloat(node, at, position)),
      ),
    ]);
    this.coverage = {
      quantized: this.places.filter(({ kind }) => kind === 'half').length,
      grouped: 0,
      skipped: this.places.flatMap((place, at) =>
        place.kind === 'float'
          ? [{ node: nodeTitle(defined(graph.nodes[at], 'node')), reason: place.reason }]
          : [],
      ),
    };
  }

  graph(): Graph {
    for (const position of this.index.order) {
      const node = defined(this.original.nodes[position], `node ${position}`);
      const { kind } = defined(this.places[position], `place ${position}`);
      if (kind === 'half') this.addHalf(node);
      else if (kind === 'float') this.nodes.push(withInputs(node, (name) => this.float(name)));
      else this.nodes.push(node);
    }
    const isHalf = (name: ValueName): boolean => this.halfOf.get(name) === name;
    const inPlace = this.original.initializers.map((tensor) =>
      isHalf(valueName(tensor.name)) ? defined(this.halfWeights.get(tensor.name), tensor.name) : tensor,
    );
    const added = [...this.halfWeights.values()].filter(({ name }) => !isHalf(valueName(name)));
    return {
      ...this.original,
      nodes: this.nodes,
      initializers: [...inPlace, ...added],
      valueInfos: this.original.valueInfos.map((info) =>
        isHalf(info.name) && info.type.kind === 'tensor'
          ? { ...info, type: { ...info.type, dataType: DataType.float16 } }
          : info,
      ),
    };
  }

  private placeOf(node: Node, isKept: (node: Node) => boolean): Place {
    const float = (reason: string): Place => ({ kind: 'float', reason });
    const names = [...node.inputs, ...node.outputs].filter((name) => name !== '');
    const isNested = graphAttributes(node).length > 0;
    if (!isNested && !names.some((name) => this.isFloat(name))) return { kind: 'any' };
    if (isStandardDomain(node) && SHAPE_OPERATORS.has(node.opType)) return { kind: 'any' };
    if (isKept(node)) return float('it is kept in float32 as asked');
    if (isNested) return float('it contains graphs of its own');
    if (!isStandardDomain(node)) return float(`${node.opType} is not an operator of ONNX itself`);
    if (KEPT_OPERATORS.has(node.opType) || hasStatistics(node)) {
      return float(`${node.opType} has no float16 form that keeps its results`);
    }
    const untyped = names.find((name) => this.typeOf(name) === DataType.undefined);
    if (untyped !== undefined) return float(`the type of "${untyped}" is not known`);
    const isSize = (name: ValueName): boolean => name === '' || this.facts.get(name)?.elements?.() != null;
    return node.outputs.every(isSize) ? float('it computes with sizes') : { kind: 'half' };
  }

  private addHalf(node: Node): void {
    const read = withInputs(this.withHalfAttributes(node), (name, position) =>
      isAlwaysFloat(node, position) ? this.float(name) : this.half(name),
    );
    const outputs = node.outputs.map((name) => {
      if (!this.isFloat(name)) return name;
      const half = this.pinned.has(name) ? this.named(`${name}_float16`) : name;
      this.halfOf.set(name, half);
      return half;
    });
    this.nodes.push({ ...read, outputs });
    node.outputs.forEach((name, at) => {
      const half = outputs[at];
      if (half !== undefined && half !== name) this.cast(half, name, DataType.float);
    });
  }

  private half(name: ValueName): ValueName {
    if (!this.isFloat(name)) return name;
    const known = this.halfOf.get(name);
    if (known !== undefined) return known;
    const weight = this.index.initializers.get(name);
    const isReplaced = weight !== undefined && !this.floatWeights.has(name);
    const half = isReplaced ? name : this.named(`${name}_float16`);
    this.halfOf.set(name, half);
    if (weight === undefined) this.cast(name, half, DataType.float16);
    else this.halfWeights.set(half, this.halved({ ...weight, name: half }));
    return half;
  }

  private float(name: ValueName): ValueName {
    if (this.halfOf.get(name) !== name) return name;
    const known = this.floatOf.get(name);
    if (known !== undefined) return known;
    const float = this.named(`${name}_float32`);
    this.floatOf.set(name, float);
    this.cast(name, float, DataType.float);
    return float;
  }

  private cast(from: ValueName, to: ValueName, dataType: number): void {
    const name = this.unique(`${to}_cast`);
    this.nodes.push(makeNode('Cast', [from], [to], [makeInt('to', dataType)], { name }));
  }

  private withHalfAttributes(node: Node): Node {
    if (node.opType === 'Cast' && intAttribute(node, 'to') === DataType.float) {
      return withAttribute(node, makeInt('to', DataType.float16));
    }
    if (node.opType !== 'ConstantOfShape') return node;
    const value = tensorAttribute(node, 'value') ?? floatTensor('', [1], new Float32Array(1));
    return withAttribute(node, makeTensor('value', this.halved(value)));
  }

  private halved(tensor: Tensor): Tensor {
    const { half, outside } = halfTensor(tensor);
    if (outside !== null) this.clamped.push({ tensor: tensor.name, ...outside });
    return half;
  }

  private isFloat(name: ValueName): boolean {
    return this.typeOf(name) === DataType.float;
  }

  private typeOf(name: ValueName): number {
    return this.facts.get(name)?.dataType ?? DataType.undefined;
  }

  private named(wanted: string): ValueName {
    return valueName(this.unique(wanted));
  }
}

function withInputs(node: Node, read: (name: ValueName, position: number) => ValueName): Node {
  const inputs = node.inputs.map(read);
  return inputs.every((name, at) => name === node.inputs[at]) ? node : { ...node, inputs };
}

function withAttribute(node: Node, attribute: Attribute): Node {
  return {
    ...node,
    attributes: [...node.attributes.filter(({ name }) => name !== attribute.name), attribute],
  };
}
