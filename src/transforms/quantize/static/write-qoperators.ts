import { defined } from '../../../base/assert.ts';
import {
  floatAttribute,
  intAttribute,
  intsAttribute,
  makeInt,
  makeNode,
  stringAttribute,
} from '../../../onnx/attributes.ts';
import {
  type Attribute,
  DataType,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../../onnx/model.ts';
import { bytesTensor } from '../../../onnx/tensor.ts';
import { RUNTIME_DOMAIN } from '../../graph-names.ts';
import { type Affine, quantized, type Spread } from '../affine.ts';
import type { ConstantPool, QuantizedBias, QuantizedConstant } from './constant-pool.ts';
import { leftAsFloat, noRange, type Outcome, type Rewritten, whyNotQuantizable } from './outcome.ts';
import type { StaticGraph } from './static-graph.ts';

/**
 * The nodes with integer operators in place of those that have one; integers go from one to the next, and only what a
 * float operator reads, or the graph gives out, is turned back. Which operators, and with whose scales, is what
 * onnxruntime's quantize_static does by default for QuantFormat.QOperator. Differences, each where that tool's file
 * fails or computes something else than the model: a Relu or Clip whose input others read, too, is not left out; a
 * bias that two nodes share is made for each; matrices of more than two dimensions have one scale; what cannot be
 * quantized stays float as a whole node.
 * @source onnxruntime 1.30, quantization/onnx_quantizer.py and operators
 */
export function writeQOperators(context: StaticGraph, pool: ConstantPool): Rewritten {
  const writer = new QOperatorWriter(context, pool);
  for (const position of context.index.order) writer.visit(position);
  for (const { name } of context.model.graph.outputs) writer.floatOf(name);
  return { nodes: writer.nodes, outcomes: writer.outcomes };
}

/** A value in integers: with its own scale, another value's, or a constant's. */
interface Integers {
  readonly integers: ValueName;
  readonly scale: ValueName;
  readonly zeroPoint: ValueName;
  readonly affine: Affine;
  /** The value whose range they have. */
  readonly source: ValueName;
  readonly constant: QuantizedConstant | null;
}

/** Why a node stays float; '' if that is no news. */
type Refusal = string;

class QOperatorWriter {
  readonly nodes: Node[] = [];
  readonly outcomes: Outcome[] = [];
  private readonly context: StaticGraph;
  private readonly pool: ConstantPool;
  private readonly known = new Map<ValueName, Integers>();
  /** Values that exist as floats. */
  private readonly floats = new Set<ValueName>();

  constructor(context: StaticGraph, pool: ConstantPool) {
    this.context = context;
    this.pool = pool;
    for (const { name } of context.model.graph.inputs) this.floats.add(name);
  }

  visit(position: number): void {
    const node = defined(this.context.model.graph.nodes[position], `node ${position}`);
    const reason = whyNotQuantizable(this.context, node, (opType) => INTEGER_OPERATORS.has(opType));
    const refusal = reason ?? this.replace(node);
    if (refusal === null) {
      this.outcomes.push({ kind: 'quantized', node });
      return;
    }
    if (refusal !== '') this.outcomes.push(leftAsFloat(node, refusal));
    for (const name of this.context.index.inputsOf(position)) this.floatOf(name);
    this.nodes.push(node);
    for (const name of node.outputs) this.floats.add(name);
  }

  /** Sees to it that a value exists as float. */
  floatOf(name: ValueName): void {
    const value = this.known.get(name);
    if (value === undefined || value.constant !== null || this.floats.has(name)) return;
    const inputs = [value.integers, value.scale, value.zeroPoint];
    const nodeName = this.pool.unique(`${name}_DequantizeLinear`);
    this.nodes.push(makeNode('DequantizeLinear', inputs, [name], [], { name: nodeName }));
    this.floats.add(name);
  }

  private replace(node: Node): Refusal | null {
    const first = node.inputs[0] ?? valueName('');
    const output = node.outputs[0] ?? valueName('');
    const input = this.known.get(first);
    switch (node.opType) {
      case 'Conv':
      case 'Gemm':
      case 'MatMul':
        return this.product(node, first, output);
      case 'Add':
      case 'Mul':
        return this.elementwise(node, node.inputs, output);
      case 'LeakyRelu':
      case 'Sigmoid':
        return this.elementwise(node, [first], output);
      case 'AveragePool': {
        const isDilated = (intsAttribute(node, 'dilations') ?? []).some((step) => step !== 1);
        return isDilated
          ? 'AveragePool with dilations has no quantized form'
          : this.elementwise(node, [first], output, [], ['dilations']);
      }
      case 'GlobalAveragePool':
        return input === undefined
          ? ''
          : this.elementwise(node, [first], output, [makeInt('channels_last', 0)]);
      case 'Softmax':
        return this.softmax(node, first, output);
      case 'Concat':
        return this.concat(node, output);
      case 'Relu':
      case 'Clip':
        // Quantized with the range of this very activation, its input holds nothing that would be clipped.
        if (input === undefined || this.context.form.symmetric) return '';
        if (input.source !== this.context.rangeSource(output)) return '';
        this.known.set(output, input);
        return null;
      case 'ArgMax':
        if (input === undefined) return '';
        this.nodes.push({ ...node, inputs: [input.integers] });
        return null;
      case 'MaxPool':
        return this.context.opset < 12 ? '' : this.passOn(node, input);
      case 'Resize':
        // Integer kernels interpolate linearly at most.
        return stringAttribute(node, 'mode') === 'cubic' ? '' : this.passOn(node, input);
      case 'Gather': {
        if (this.context.constant(first) === null) return '';
        const table = this.integersOf(first);
        return typeof table === 'string' ? table : this.passOn(node, table);
      }
      case 'Split': {
        const whole = this.integersOf(first);
        return typeof whole === 'string' ? whole : this.passOn(node, whole);
      }
      case 'Pad':
        return this.pad(node, input);
      default:
        return this.passOn(node, input);
    }
  }

  /** Conv, Gemm and MatMul: two factors, and a bias with the scales of both. */
  private product(node: Node, first: ValueName, output: ValueName): Refusal | null {
    const target = this.target(output);
    if (typeof target === 'string') return target;
    const factor = this.weight(node);
    if (typeof factor === 'string') return factor;
    const input = this.integersOf(first);
    if (typeof input === 'string') return input;
    const bias = this.bias(node, input, factor);
    if (typeof bias === 'string') return bias;
    const sum = bias === null ? [] : [bias.integers];
    const to = [target.scale, target.zeroPoint];
    const factors = [...parts(input), ...parts(factor)];
    if (node.opType === 'Gemm') {
      const inputs = [...factors, bias?.integers ?? '', ...to];
      this.write(node, 'QGemm', inputs, output, target, node.attributes.filter(isNot(['beta'])));
    } else {
      this.write(node, `QLinear${node.opType}`, [...factors, ...to, ...sum], output, target);
    }
    return null;
  }

  private weight(node: Node): Integers | Refusal {
    const name = node.inputs[1] ?? valueName('');
    const tensor = this.context.constant(name);
    if (tensor === null) return this.integersOf(name);
    if (!this.context.isFloat(name)) return `weights "${name}" are not float32`;
    const { weights, perChannel, reduceRange } = this.context.form;
    const isMatrix = node.opType === 'Conv' || tensor.dims.length === 2;
    const isTransposed = node.opType === 'Gemm' && (intAttribute(node, 'transB') ?? 0) !== 0;
    const axis = !perChannel || !isMatrix ? null : node.opType === 'Conv' || isTransposed ? 0 : 1;
    // The kernel of convolutions takes one zero point for all channels: signed weights have it, at 0.
    const type = node.opType === 'Conv' && axis !== null ? 's8' : weights;
    return this.constant(tensor, axis, { type, isSymmetric: type === 's8', isReduced: reduceRange });
  }

  private bias(node: Node, input: Integers, factor: Integers): QuantizedBias | null | Refusal {
    const name = node.inputs[2];
    if (name === undefined || name === '' || node.opType === 'MatMul') return null;
    const tensor = this.context.constant(name);
    if (tensor === null || !this.context.isFloat(name)) return 'its bias is computed at run time';
    const isGemm = node.opType === 'Gemm';
    const made = this.pool.bias(tensor, input.affine.scale, factor.constant ?? factor.affine, {
      factor: isGemm ? (floatAttribute(node, 'beta') ?? 1) : 1,
      multiplier: isGemm ? (floatAttribute(node, 'alpha') ?? 1) : 1,
    });
    return made ?? `its bias "${name}" is not finite, or not one number for each channel`;
  }

  /** Operators that take integers with scales of their own, and give them with another. */
  private elementwise(
    node: Node,
    operands: readonly ValueName[],
    output: ValueName,
    added: readonly Attribute[] = [],
    dropped: readonly string[] = [],
  ): Refusal | null {
    const target = this.target(output);
    if (typeof target === 'string') return target;
    const inputs = this.allIntegers(operands);
    if (typeof inputs === 'string') return inputs;
    const attributes = [...node.attributes.filter(isNot(dropped)), ...added];
    const names = [...inputs.flatMap(parts), target.scale, target.zeroPoint];
    this.write(node, `QLinear${node.opType}`, names, output, target, attributes);
    return null;
  }

  private concat(node: Node, output: ValueName): Refusal | null {
    const target = this.target(output);
    if (typeof target === 'string') return target;
    const inputs = this.allIntegers(node.inputs);
    if (typeof inputs === 'string') return inputs;
    const names = [target.scale, target.zeroPoint, ...inputs.flatMap(parts)];
    this.write(node, 'QLinearConcat', names, output, target);
    return null;
  }

  /** Its output is within 0..1, which 256 steps cover whatever was calibrated. */
  private softmax(node: Node, first: ValueName, output: ValueName): Refusal | null {
    const { opset, form } = this.context;
    const input = this.integersOf(first);
    if (typeof input === 'string') return input;
    const zeroPoint = form.activations === 'u8' ? 0 : -128;
    const target = this.withParameters(output, { ...input.affine, scale: 1 / 256, zeroPoint });
    const axis = intAttribute(node, 'axis') ?? (opset < 13 ? 1 : -1);
    const attributes = [makeInt('axis', axis), makeInt('opset', opset)];
    const names = [...parts(input), target.scale, target.zeroPoint];
    this.write(node, 'QLinearSoftmax', names, output, target, attributes);
    return null;
  }

  /** Operators that move integers, or choose among them: what comes out has the scale of what went in. */
  private passOn(
    node: Node,
    input: Integers | undefined,
    others: readonly ValueName[] = node.inputs.slice(1),
  ): Refusal | null {
    if (input === undefined) return '';
    const outputs = node.outputs.map((name) => {
      if (!this.context.isFloat(name)) return name;
      const integers = valueName(this.pool.unique(`${name}_quantized`));
      this.known.set(name, { ...input, integers, constant: null });
      return integers;
    });
    this.nodes.push({ ...node, inputs: [input.integers, ...others], outputs });
    return null;
  }

  private pad(node: Node, input: Integers | undefined): Refusal | null {
    if (input === undefined || (stringAttribute(node, 'mode') ?? 'constant') !== 'constant') {
      return this.passOn(node, input);
    }
    const [, pads = valueName(''), value = valueName(''), ...axes] = node.inputs;
    if (value === '') return this.passOn(node, input, [pads, input.zeroPoint, ...axes]);
    const number = this.context.numberIn(value);
    if (number === null) return 'what it pads with is computed at run time';
    const integer = quantized(number, input.affine);
    const type = this.context.form.activations === 'u8' ? DataType.uint8 : DataType.int8;
    const constant = this.pool.add(`${value}_quantized`, (name) =>
      bytesTensor(name, [], type, Uint8Array.of(integer & 0xff)),
    );
    return this.passOn(node, input, [pads, constant, ...axes]);
  }

  private allIntegers(names: readonly ValueName[]): Integers[] | Refusal {
    const all: Integers[] = [];
    for (const name of names) {
      const value = this.integersOf(name);
      if (typeof value === 'string') return value;
      all.push(value);
    }
    return all;
  }

  /** A value as integers, with a QuantizeLinear if it is a float so far. */
  private integersOf(name: ValueName): Integers | Refusal {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    if (!this.context.isFloat(name)) return `"${name}" is not float32`;
    const tensor = this.context.constant(name);
    if (tensor !== null) {
      const { activations: type, weights, symmetric } = this.context.form;
      const isSymmetric = type === weights ? type === 's8' : symmetric;
      return this.constant(tensor, null, { type, isSymmetric, isReduced: false });
    }
    const made = this.target(name);
    if (typeof made === 'string') return made;
    const nodeName = this.pool.unique(`${name}_QuantizeLinear`);
    const inputs = [name, made.scale, made.zeroPoint];
    this.nodes.push(makeNode('QuantizeLinear', inputs, [made.integers], [], { name: nodeName }));
    this.known.set(name, made);
    return made;
  }

  private constant(tensor: Tensor, axis: number | null, spread: Spread): Integers | Refusal {
    const constant = this.pool.quantize(tensor, axis, spread);
    if (constant === null) return `weights "${tensor.name}" are not all finite`;
    if (constant.axis !== axis || constant.type !== spread.type) {
      return `weights "${tensor.name}" are quantized in another form for another node`;
    }
    const affine = defined(constant.affines[0], tensor.name);
    return { ...constant, affine, source: valueName(tensor.name), constant };
  }

  /** Integers of a value with its own range, not made yet. */
  private target(name: ValueName): Integers | Refusal {
    const affine = this.context.affineOf(name);
    return affine === null ? noRange(name) : this.withParameters(name, affine);
  }

  private withParameters(name: ValueName, affine: Affine): Integers {
    const names = this.pool.parametersOf(name, affine, this.context.form.activations);
    const integers = valueName(this.pool.unique(`${name}_quantized`));
    return { ...names, integers, affine, source: this.context.rangeSource(name), constant: null };
  }

  private write(
    node: Node,
    opType: string,
    inputs: readonly string[],
    output: ValueName,
    target: Integers,
    attributes: readonly Attribute[] = node.attributes,
  ): void {
    const name = node.name === '' ? '' : this.pool.unique(`${node.name}_quant`);
    const domain = STANDARD_INTEGER_OPERATORS.has(opType) ? '' : RUNTIME_DOMAIN;
    this.nodes.push(makeNode(opType, inputs, [target.integers], attributes, { name, domain }));
    this.known.set(output, target);
  }
}

function parts({ integers, scale, zeroPoint }: Integers): ValueName[] {
  return [integers, scale, zeroPoint];
}

function isNot(names: readonly string[]): (attribute: Attribute) => boolean {
  return ({ name }) => !names.includes(name);
}

const STANDARD_INTEGER_OPERATORS: ReadonlySet<string> = new Set(['QLinearConv', 'QLinearMatMul']);

const INTEGER_OPERATORS: ReadonlySet<string> = new Set([
  'Add',
  'ArgMax',
  'AveragePool',
  'Clip',
  'Concat',
  'Conv',
  'Flatten',
  'Gather',
  'Gemm',
  'GlobalAveragePool',
  'LeakyRelu',
  'MatMul',
  'MaxPool',
  'Mul',
  'Pad',
  'Relu',
  'Reshape',
  'Resize',
  'Sigmoid',
  'Softmax',
  'Split',
  'Squeeze',
  'Transpose',
  'Unsqueeze',
]);
