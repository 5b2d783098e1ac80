import { assert } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import { floatAttribute, graphAttributes, intAttribute, makeInt, makeNode } from '../../onnx/attributes.ts';
import {
  DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { nodeTitle } from '../../onnx/shapes/facts.ts';
import { bytesTensor, elementCount, floatTensor, tensorFloats } from '../../onnx/tensor.ts';
import { isStandardDomain, namesIn, uniqueNames } from '../graph-names.ts';
import { whyInsideStays } from './layers-inside.ts';
import {
  type ChannelAxis,
  floatsToRead,
  type QuantizedWeights,
  quantizeWeights,
  transposed,
  type WeightForm,
} from './quantize-weights.ts';
import type { Quantization } from './quantization.ts';
import { raiseOpset } from './raise-opset.ts';

/**
 * Dynamic int8, as onnxruntime's `quantize_dynamic` builds it: weights of Conv, MatMul and Gemm are stored as
 * 8-bit integers, activations are quantized at run time (DynamicQuantizeLinear, once for each value), the
 * arithmetic is integer (ConvInteger, MatMulInteger) and its int32 result is scaled back to float. Values keep
 * their names and types, so exits and cuts stay where they are. Nodes inside subgraphs stay as they are.
 * @throws InputError `opset-too-old`
 * @source onnxruntime/python/tools/quantization/operators/{conv,matmul}.py
 */
export function quantizeDynamic(original: Model, form: WeightForm): Quantization {
  const model = raiseOpset(original);
  const { graph } = model;
  const tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const builder = new IntegerGraphBuilder(graph, form);
  const skipped: { node: string; reason: string }[] = [];
  let quantized = 0;
  let grouped = 0;
  for (const node of graph.nodes) {
    const found = integerForm(node, tensors);
    if (found === null) {
      const reason = whyInsideStays(node);
      if (reason !== null) skipped.push({ node: nodeTitle(node), reason });
      builder.keep(node);
    } else if (found.kind === 'float') {
      skipped.push({ node: nodeTitle(node), reason: found.reason });
      builder.keep(node);
    } else if (builder.replace(node, found)) {
      quantized++;
      if (found.isGrouped) grouped++;
    } else {
      skipped.push({
        node: nodeTitle(node),
        reason: `weights "${found.weight.name}" are not all finite`,
      });
      builder.keep(node);
    }
  }
  return {
    model: { ...model, graph: builder.graph() },
    coverage: { quantized, grouped, skipped },
    nonZeroOfWeight: builder.nonZeroOfWeight,
  };
}

/** How many nodes dynamic int8 would replace; reads no weights. */
export function countQuantizable(graph: Graph): number {
  const tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  return graph.nodes.filter((node) => integerForm(node, tensors)?.kind === 'integer').length;
}

/** The refusal of a model without float32 weights. */
export function nothingToQuantize(): InputError {
  return new InputError({
    code: 'nothing-to-quantize',
    message: 'quantize: found no Conv, MatMul or Gemm with constant float32 weights, wanted at least one',
    hint: 'Models that are already quantized or in float16 cannot be quantized again here.',
  });
}

/** A node that integers can compute. The weights are a matrix [rows, columns], channels along `axis`. */
interface IntegerForm {
  readonly kind: 'integer';
  readonly opType: 'ConvInteger' | 'MatMulInteger';
  readonly weight: Tensor;
  readonly rows: number;
  readonly columns: number;
  readonly axis: ChannelAxis;
  readonly isTransposed: boolean;
  /** Multiplies the product, and the bias. */
  readonly alpha: number;
  readonly beta: number;
  readonly bias: ValueName | null;
  /** The bias as a constant, if it is one. */
  readonly biasTensor: Tensor | null;
  readonly isGrouped: boolean;
}

/** Null: not a node that carries weights. */
function integerForm(
  node: Node,
  tensors: ReadonlyMap<string, Tensor>,
): IntegerForm | { readonly kind: 'float'; readonly reason: string } | null {
  if (!isStandardDomain(node)) return null;
  if (node.opType !== 'Conv' && node.opType !== 'MatMul' && node.opType !== 'Gemm') return null;
  const leave = (reason: string) => ({ kind: 'float' as const, reason });
  const weight = tensors.get(node.inputs[1] ?? '');
  if (weight === undefined) return leave('both factors are computed at run time');
  if (weight.dataType !== DataType.float) return leave(`weights "${weight.name}" are not float32`);
  if (tensors.has(node.inputs[0] ?? '')) return leave('both factors are constant');
  const bias = node.inputs[2] ? node.inputs[2] : null;
  const biasTensor = bias === null ? null : (tensors.get(bias) ?? null);
  const [first = 1] = weight.dims;
  const elements = elementCount(weight.dims);
  const shared = {
    kind: 'integer' as const,
    weight,
    bias,
    biasTensor,
    alpha: 1,
    beta: 1,
    isTransposed: false,
  };
  switch (node.opType) {
    case 'Conv':
      if (weight.dims.length < 3) return leave(`weights "${weight.name}" have ${weight.dims.length} dims`);
      if (bias !== null && biasTensor === null) return leave('its bias is computed at run time');
      return {
        ...shared,
        opType: 'ConvInteger',
        rows: first,
        columns: elements / Math.max(1, first),
        axis: 'rows',
        isGrouped: (intAttribute(node, 'group') ?? 1) > 1,
      };
    case 'MatMul':
      if (weight.dims.length !== 2) return leave(`weights "${weight.name}" have ${weight.dims.length} dims`);
      return {
        ...shared,
        opType: 'MatMulInteger',
        rows: first,
        columns: weight.dims[1] ?? 1,
        axis: 'columns',
        isGrouped: false,
      };
    case 'Gemm': {
      if (weight.dims.length !== 2) return leave(`weights "${weight.name}" have ${weight.dims.length} dims`);
      if ((intAttribute(node, 'transA') ?? 0) !== 0) return leave('its first factor is transposed');
      const beta = floatAttribute(node, 'beta') ?? 1;
      if (bias !== null && biasTensor === null && beta !== 1) return leave('its bias is scaled at run time');
      const isTransposed = (intAttribute(node, 'transB') ?? 0) !== 0;
      return {
        ...shared,
        opType: 'MatMulInteger',
        rows: first,
        columns: weight.dims[1] ?? 1,
        axis: isTransposed ? 'rows' : 'columns',
        isTransposed,
        alpha: floatAttribute(node, 'alpha') ?? 1,
        beta,
        isGrouped: false,
      };
    }
  }
}

/** The names of a quantized value's three parts. */
interface QuantizedValue {
  readonly integers: ValueName;
  readonly scale: ValueName;
  readonly zeroPoint: ValueName;
}

/** Collects the new graph in order; activations and weights that several nodes share are quantized once. */
class IntegerGraphBuilder {
  readonly nonZeroOfWeight = new Map<string, number>();
  private readonly original: Graph;
  private readonly form: WeightForm;
  private readonly unique: (wanted: string) => string;
  private readonly nodes: Node[] = [];
  private readonly added: Tensor[] = [];
  private readonly activations = new Map<ValueName, QuantizedValue>();
  private readonly weights = new Map<string, QuantizedValue | null>();
  private readonly biases = new Map<string, ValueName>();

  constructor(original: Graph, form: WeightForm) {
    this.original = original;
    this.form = form;
    this.unique = uniqueNames(namesIn(original));
  }

  keep(node: Node): void {
    this.nodes.push(node);
  }

  /** False, with nothing added, if the weights cannot be quantized. */
  replace(node: Node, form: IntegerForm): boolean {
    const weight = this.weightOf(form);
    if (weight === null) return false;
    const [input, output] = [node.inputs[0], node.outputs[0]];
    assert(input !== undefined && output !== undefined, `${node.opType} without input or output`);
    const stem = node.name || output;
    const activation = this.activationOf(input);
    const product = this.value(`${output}_int32`);
    const asFloat = this.value(`${output}_float`);
    const scale = this.value(`${output}_scale`);
    const isConv = form.opType === 'ConvInteger';
    this.emit(
      form.opType,
      [activation.integers, weight.integers, activation.zeroPoint, weight.zeroPoint],
      product,
      stem,
      isConv ? node.attributes : [],
    );
    this.emit('Cast', [product], asFloat, `${stem}_cast`, [makeInt('to', DataType.float)]);
    this.emit('Mul', [activation.scale, weight.scale], scale, `${stem}_scales`);
    const bias = this.biasOf(form);
    const scaled = bias === null ? output : this.value(`${output}_scaled`);
    this.emit('Mul', [asFloat, scale], scaled, `${stem}_rescale`);
    if (bias !== null) this.emit('Add', [scaled, bias], output, `${stem}_bias`);
    return true;
  }

  /** The new graph, without the float weights that nobody uses any more. */
  graph(): Graph {
    const used = new Set<string>();
    const collect = (nodes: readonly Node[]): void => {
      for (const node of nodes) {
        for (const name of node.inputs) used.add(name);
        for (const inner of graphAttributes(node)) collect(inner.nodes);
      }
    };
    collect(this.nodes);
    for (const { name } of this.original.outputs) used.add(name);
    return {
      ...this.original,
      nodes: this.nodes,
      initializers: [...this.original.initializers, ...this.added].filter(({ name }) => used.has(name)),
    };
  }

  private activationOf(input: ValueName): QuantizedValue {
    const known = this.activations.get(input);
    if (known !== undefined) return known;
    const parts = {
      integers: this.value(`${input}_quantized`),
      scale: this.value(`${input}_scale`),
      zeroPoint: this.value(`${input}_zero_point`),
    };
    this.nodes.push(
      makeNode('DynamicQuantizeLinear', [input], [parts.integers, parts.scale, parts.zeroPoint], [], {
        name: this.unique(`${input}_QuantizeLinear`),
      }),
    );
    this.activations.set(input, parts);
    return parts;
  }

  private weightOf(form: IntegerForm): QuantizedValue | null {
    const { weight, rows, columns, axis, alpha, isTransposed, opType } = form;
    // Two nodes may use one weight in different ways.
    const key = JSON.stringify([weight.name, opType, isTransposed, alpha]);
    const known = this.weights.get(key);
    if (known !== undefined) return known;
    const result = quantizeWeights(floatsToRead(weight), rows, columns, axis, this.form);
    if (result === null) {
      this.weights.set(key, null);
      return null;
    }
    this.nonZeroOfWeight.set(weight.name, result.nonZero);
    const type = this.form.weights === 'u8' ? DataType.uint8 : DataType.int8;
    const dims = isTransposed ? [columns, rows] : weight.dims;
    const bytes = isTransposed ? transposed(result.bytes, rows, columns) : result.bytes;
    const parts = {
      integers: this.add(`${weight.name}_quantized`, (name) => bytesTensor(name, dims, type, bytes)),
      scale: this.add(`${weight.name}_scale`, (name) => scaleTensor(name, result, form)),
      zeroPoint: this.add(`${weight.name}_zero_point`, (name) =>
        bytesTensor(name, [], type, Uint8Array.of(result.zeroPoint)),
      ),
    };
    this.weights.set(key, parts);
    return parts;
  }

  /** A bias that an Add can broadcast: a convolution's along the channel axis, scaled by a Gemm's beta. */
  private biasOf({ opType, bias, biasTensor, beta, weight }: IntegerForm): ValueName | null {
    if (bias === null || beta === 0) return null;
    if (biasTensor === null || (opType === 'MatMulInteger' && beta === 1)) return bias;
    const key = JSON.stringify([biasTensor.name, opType, beta, weight.dims.length]);
    const known = this.biases.get(key);
    if (known !== undefined) return known;
    const values = tensorFloats(biasTensor).map((value) => value * beta);
    const dims =
      opType === 'ConvInteger' ? [values.length, ...weight.dims.slice(2).map(() => 1)] : biasTensor.dims;
    const name = this.add(`${biasTensor.name}_broadcast`, (unique) => floatTensor(unique, dims, values));
    this.biases.set(key, name);
    return name;
  }

  private emit(
    opType: string,
    inputs: readonly ValueName[],
    output: ValueName,
    name: string,
    attributes: Node['attributes'] = [],
  ): void {
    this.nodes.push(makeNode(opType, inputs, [output], attributes, { name: this.unique(name) }));
  }

  private value(wanted: string): ValueName {
    return valueName(this.unique(wanted));
  }

  private add(wanted: string, make: (name: string) => Tensor): ValueName {
    const tensor = make(this.unique(wanted));
    this.added.push(tensor);
    return valueName(tensor.name);
  }
}

/** Scales as the rescaling Mul wants them: one number, or one for each output channel; a Gemm's alpha inside. */
function scaleTensor(
  name: string,
  { scales }: QuantizedWeights,
  { opType, alpha, weight }: IntegerForm,
): Tensor {
  const values = alpha === 1 ? scales : scales.map((scale) => scale * alpha);
  if (scales.length === 1) return floatTensor(name, [], values);
  const trailing = opType === 'ConvInteger' ? weight.dims.slice(2).map(() => 1) : [];
  return floatTensor(name, [scales.length, ...trailing], values);
}
