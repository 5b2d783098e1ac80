import { floatAttribute, intAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import { type Node, type Tensor, type ValueName, valueName } from '../../../onnx/model.ts';
import type { Affine } from '../affine.ts';
import type { ConstantPool, QuantizedBias, QuantizedConstant } from './constant-pool.ts';
import { leftAsFloat, noRange, type Outcome, whyNotQuantizable } from './outcome.ts';
import type { StaticGraph } from './static-graph.ts';

/** How a value becomes integers. */
export type Mark =
  /** With its own calibrated range. */
  | { readonly kind: 'own' }
  /** With the scale and zero point of another value. */
  | { readonly kind: 'same'; readonly as: ValueName }
  | { readonly kind: 'constant'; readonly constant: QuantizedConstant };

/** Which values go through QuantizeLinear and DequantizeLinear. */
export interface QdqPlan {
  readonly marks: ReadonlyMap<ValueName, Mark>;
  /** Biases in 32 bits, by the node (position in the graph) whose third input they replace. */
  readonly biases: ReadonlyMap<number, QuantizedBias>;
  /** Activations (positions) that became a range, by the value that took the place of what they read. */
  readonly folded: ReadonlyMap<ValueName, { readonly position: number; readonly output: ValueName }>;
  /** What became of the nodes, by position; nodes that merely pass integers on, or compute none, are missing. */
  readonly outcomes: ReadonlyMap<number, Outcome>;
}

/** What a node wants of the values around it. */
interface Wish {
  /** Values with a range of their own, or constants that stand for activations. */
  readonly own: readonly (ValueName | undefined)[];
  readonly weights?: readonly { readonly tensor: Tensor; readonly axis: number | null }[];
  readonly same?: readonly { readonly value: ValueName; readonly as: ValueName }[];
  readonly hasBias?: boolean;
}

/**
 * Decides, node by node, which values are quantized: which, how, and with whose scale is what onnxruntime's
 * quantize_static does by default. Differences, each where that tool's file fails or computes something else than
 * the model: a value that leaves the graph is never clipped to the range of an activation behind it; matrices of more
 * than two dimensions, first factors, and matrices whose readers have their channels along different axes, have one
 * scale; Gemm's beta is multiplied into the bias.
 * @source onnxruntime 1.30, quantization/qdq_quantizer.py and operators
 */
export function planQdq(context: StaticGraph, pool: ConstantPool): QdqPlan {
  const plan = new Planner(context, pool);
  for (const position of context.index.order) plan.visit(position);
  plan.addBiases();
  return plan;
}

class Planner implements QdqPlan {
  readonly marks = new Map<ValueName, Mark>();
  readonly biases = new Map<number, QuantizedBias>();
  readonly folded = new Map<ValueName, { position: number; output: ValueName }>();
  readonly outcomes = new Map<number, Outcome>();
  private readonly wantsBias: number[] = [];
  private readonly context: StaticGraph;
  private readonly pool: ConstantPool;
  /** Axes of channels that a constant has for the nodes that multiply by it. */
  private readonly axes = new Map<ValueName, Set<number | null>>();

  constructor(context: StaticGraph, pool: ConstantPool) {
    this.context = context;
    this.pool = pool;
    for (const node of context.model.graph.nodes) {
      const name = node.inputs[1];
      const weight = context.constant(name);
      if (name === undefined || weight === null) continue;
      this.axes.set(name, (this.axes.get(name) ?? new Set()).add(channelAxis(node, weight)));
    }
  }

  visit(position: number): void {
    const { context } = this;
    const node = context.model.graph.nodes[position] as Node;
    const reason = whyNotQuantizable(context, node, (opType) => QDQ_OPERATORS.has(opType));
    if (reason !== null) {
      if (reason !== '') this.outcomes.set(position, leftAsFloat(node, reason));
      return;
    }
    const wish = this.wishOf(node, position);
    if (wish === null) return;
    const problem = this.fulfil(wish);
    this.outcomes.set(position, problem === null ? { kind: 'quantized', node } : leftAsFloat(node, problem));
    if (problem === null && wish.hasBias) this.wantsBias.push(position);
  }

  /** Once all values are known, since a bias has the scales of two of them. */
  addBiases(): void {
    const { context, pool } = this;
    for (const position of this.wantsBias) {
      const node = context.model.graph.nodes[position] as Node;
      const [input, weight, bias] = node.inputs;
      const tensor = context.constant(bias);
      if (tensor === null || bias === undefined || !context.isFloat(bias) || this.marks.has(bias)) continue;
      const inputScale = this.affinesOf(input)?.[0]?.scale;
      const scaling = this.markedConstant(weight) ?? this.affinesOf(weight)?.[0];
      if (inputScale === undefined || scaling === undefined) continue;
      const factor = node.opType === 'Gemm' ? (floatAttribute(node, 'beta') ?? 1) : 1;
      const made = pool.bias(tensor, inputScale, scaling, { factor });
      if (made !== null) this.biases.set(position, made);
    }
  }

  /** Scales and zero points of a quantized value. */
  private affinesOf(name: ValueName | undefined): readonly Affine[] | null {
    const mark = name === undefined ? undefined : this.marks.get(name);
    if (name === undefined || mark === undefined) return null;
    switch (mark.kind) {
      case 'own': {
        const affine = this.context.affineOf(name);
        return affine === null ? null : [affine];
      }
      case 'same':
        return this.affinesOf(mark.as);
      case 'constant':
        return mark.constant.affines;
    }
  }

  private markedConstant(name: ValueName | undefined): QuantizedConstant | null {
    const mark = name === undefined ? undefined : this.marks.get(name);
    return mark?.kind === 'constant' ? mark.constant : null;
  }

  /** Marks what a node wants; says why not, having marked nothing. */
  private fulfil({ own, weights = [], same = [] }: Wish): string | null {
    const { context } = this;
    const values = own.filter((name) => name !== undefined).filter((name) => context.isFloat(name));
    const constants = values.flatMap((name) => context.constant(name) ?? []);
    const { activations, weights: type, symmetric, reduceRange } = context.form;
    const made = [
      ...weights.map(({ tensor, axis }) => ({
        tensor,
        axis,
        // Integer kernels take one zero point for all channels, which only symmetric ranges have.
        spread: { type, isSymmetric: axis !== null || type === 's8', isReduced: reduceRange },
      })),
      ...constants.map((tensor) => ({
        tensor,
        axis: null,
        spread: { type: activations, isSymmetric: symmetric, isReduced: reduceRange },
      })),
    ];
    const computed = values.filter((name) => context.constant(name) === null);
    for (const name of computed) {
      if (!this.marks.has(name) && context.affineOf(name) === null) return noRange(name);
    }
    const ready: [ValueName, Mark][] = [];
    for (const { tensor, axis, spread } of made) {
      const constant = this.pool.quantize(tensor, axis, spread);
      if (constant === null) return `weights "${tensor.name}" are not all finite`;
      ready.push([valueName(tensor.name), { kind: 'constant', constant }]);
    }
    for (const [name, mark] of ready) this.marks.set(name, mark);
    for (const name of computed) if (!this.marks.has(name)) this.marks.set(name, { kind: 'own' });
    for (const { value, as } of same) {
      if (context.isFloat(value)) this.marks.set(value, { kind: 'same', as });
    }
    return null;
  }

  /** Null: the node stays as it is, because what it reads does. */
  private wishOf(node: Node, position: number): Wish | null {
    const { inputs, outputs } = node;
    const [first, second, third] = inputs;
    const output = outputs[0];
    if (first === undefined || output === undefined) return null;
    const asInput = this.marks.has(first) ? { own: [], same: [{ value: output, as: first }] } : null;
    switch (node.opType) {
      case 'Conv':
      case 'ConvTranspose':
      case 'Gemm':
        return {
          ...this.weighted([first, output], second),
          hasBias: isGiven(third),
        };
      case 'MatMul': {
        const product = this.weighted([output], second);
        const factor = this.weighted([], first, false);
        return {
          own: [...product.own, ...factor.own],
          weights: [...(factor.weights ?? []), ...(product.weights ?? [])],
        };
      }
      case 'Relu':
      case 'Clip':
        return this.activationWish(first, output, position);
      case 'MaxPool':
        return this.context.opset < 12 ? null : asInput;
      case 'Resize':
        // Integer kernels interpolate linearly at most.
        return this.context.opset < 11 || stringAttribute(node, 'mode') === 'cubic' ? null : asInput;
      case 'AveragePool':
      case 'Flatten':
      case 'Reshape':
      case 'Slice':
      case 'Squeeze':
      case 'TopK':
      case 'Transpose':
      case 'Unsqueeze':
        return asInput;
      case 'Pad':
        return padsWithItsOwn(node, this.context)
          ? { own: inputs, same: [{ value: output, as: first }] }
          : { own: [...inputs, output] };
      case 'Split':
        return { own: [first], same: outputs.map((value) => ({ value, as: first })) };
      case 'Gather':
      case 'GatherElements':
        if (this.context.constant(first) === null) return asInput;
        return { own: [first], same: [{ value: output, as: first }] };
      case 'Where':
        return second !== undefined && third !== undefined && this.marks.has(second) && this.marks.has(third)
          ? { own: [output] }
          : null;
      case 'BatchNormalization':
      case 'InstanceNormalization':
      case 'LayerNormalization':
        return { ...this.weighted([first, ...outputs], second), hasBias: isGiven(third) };
      default:
        return { own: [...inputs, ...outputs] };
    }
  }

  private weighted(own: readonly ValueName[], weight: ValueName | undefined, hasChannels = true): Wish {
    const tensor = this.context.constant(weight);
    if (tensor === null || weight === undefined) return { own: [...own, weight] };
    if (!this.context.isFloat(weight)) return { own };
    const [axis = null, ...others] = this.axes.get(weight) ?? [];
    const channels = hasChannels && this.context.form.perChannel && others.length === 0 ? axis : null;
    return { own, weights: [{ tensor, axis: channels }] };
  }

  /** A Relu or Clip whose input nobody else sees is what the range of that input says. */
  private activationWish(input: ValueName, output: ValueName, position: number): Wish | null {
    const { context } = this;
    if (!this.marks.has(input)) return null;
    const isAlone = context.rangeSource(input) !== input && context.index.producer.has(input);
    const canFold = isAlone && !context.form.symmetric && context.affineOf(output) !== null;
    if (!canFold) return { own: [input, output] };
    this.marks.delete(input);
    this.folded.set(input, { position, output });
    return { own: [output] };
  }
}

/** Along which axis a node's second factor has its output channels; null: kernels take one scale for all of it. */
function channelAxis(node: Node, { dims }: Tensor): number | null {
  switch (node.opType) {
    case 'Conv':
      return 0;
    case 'ConvTranspose':
      return 1;
    case 'Gemm':
      return (intAttribute(node, 'transB') ?? 0) === 0 ? 1 : 0;
    case 'MatMul':
      return dims.length === 2 ? 1 : null;
    default:
      return null;
  }
}

function isGiven(name: ValueName | undefined): boolean {
  return name !== undefined && name !== '';
}

/** Whether what Pad adds is a value of its input, or 0, which every range contains. */
function padsWithItsOwn(node: Node, context: StaticGraph): boolean {
  const mode = stringAttribute(node, 'mode') ?? 'constant';
  if (mode !== 'constant') return true;
  const value = node.inputs[2];
  return value === undefined || value === '' || context.numberIn(value) === 0;
}

/** Operators whose inputs and outputs are quantized; those not named in `wishOf` on all sides. */
const QDQ_OPERATORS: ReadonlySet<string> = new Set([
  'Add',
  'ArgMax',
  'AveragePool',
  'BatchNormalization',
  'Clip',
  'Concat',
  'Conv',
  'ConvTranspose',
  'CumSum',
  'Flatten',
  'Gather',
  'GatherElements',
  'Gemm',
  'GlobalAveragePool',
  'InstanceNormalization',
  'LayerNormalization',
  'LeakyRelu',
  'MatMul',
  'MaxPool',
  'Mul',
  'Pad',
  'Relu',
  'Reshape',
  'Resize',
  'Sigmoid',
  'Slice',
  'Softmax',
  'Split',
  'Squeeze',
  'TopK',
  'Transpose',
  'Unsqueeze',
  'Where',
]);
