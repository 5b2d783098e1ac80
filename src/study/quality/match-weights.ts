import { floatAttribute, intAttribute } from '../../onnx/attributes.ts';
import { DataType, type Model, type Node, type Tensor } from '../../onnx/model.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { floatsToRead } from '../../transforms/quantize/quantize-weights.ts';
import { dequantized, type StoredWeight, turned, unpacked } from './stored-weight.ts';

/** A weight of the float model, and what a variant computes with in its stead. */
export interface MatchedWeight {
  readonly name: string;
  /** Do not write to it. */
  readonly original: () => Float32Array;
  /** In the order of the original's numbers. */
  readonly changed: () => Float32Array;
}

/**
 * The weights of a float model that a variant holds in another form: integers with scales, halves, or floats some of
 * which are zero. Integers are found as onnxruntime's tools name them, `NAME_quantized` (and `NAME_Q4`, `NAME_Q8`).
 * Reads no weights before the numbers are asked for.
 * @param reference the float model that was changed, batch normalisations folded as in the variant
 * @source onnxruntime 1.30, quantization/qdq_loss_debug.py, create_weight_matching; it knows the QDQ form alone, and
 *   its unsigned integers wrap around below their zero point, which they do not here
 */
export function matchWeights(reference: Model, variant: Model): readonly MatchedWeight[] {
  const originals = tensorsOf(reference);
  const constants = tensorsOf(variant);
  const matched = new Map<string, MatchedWeight>();
  const add = (name: string, changed: () => Float32Array, count: number) => {
    const tensor = originals.get(name);
    if (tensor?.dataType !== DataType.float || elementCount(tensor.dims) !== count) return;
    if (!matched.has(name)) matched.set(name, { name, original: () => floatsToRead(tensor), changed });
  };
  for (const node of variant.graph.nodes) {
    for (const stored of storedIn(node, constants)) {
      const name = originalName(stored.integers.name, originals);
      if (name === null) continue;
      const count =
        stored.kind === 'bits' ? stored.rows * stored.columns : elementCount(stored.integers.dims);
      add(name, () => inOrderOf(reference, name, node, stored), count);
    }
  }
  for (const [name, tensor] of originals) {
    const other = constants.get(name);
    if (other === undefined || tensor.dataType !== DataType.float) continue;
    if (other.dataType !== DataType.float && other.dataType !== DataType.float16) continue;
    add(name, () => floatsToRead(other), elementCount(other.dims));
  }
  return [...matched.values()];
}

function tensorsOf({ graph }: Model): ReadonlyMap<string, Tensor> {
  return new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
}

function storedIn(node: Node, constants: ReadonlyMap<string, Tensor>): readonly StoredWeight[] {
  const constant = (at: number): Tensor | null => constants.get(node.inputs[at] ?? '') ?? null;
  const affine = (
    at: number,
    scale: Tensor | null,
    zeroPoint: Tensor | null,
    axis: number,
    block = 0,
  ): readonly StoredWeight[] => {
    const integers = constant(at);
    return integers === null || scale === null || !IS_INTEGER.has(integers.dataType)
      ? []
      : [{ kind: 'affine', integers, scale, zeroPoint, axis, block }];
  };
  switch (node.opType) {
    case 'DequantizeLinear':
      return affine(
        0,
        constant(1),
        constant(2),
        intAttribute(node, 'axis') ?? 1,
        intAttribute(node, 'block_size') ?? 0,
      );
    case 'ConvInteger':
    case 'MatMulInteger': {
      // The scale is multiplied in later; it is called like the integers.
      const name = (node.inputs[1] ?? '').replace(/_quantized(_\d+)?$/, '_scale$1');
      return affine(1, constants.get(name) ?? null, constant(3), node.opType === 'ConvInteger' ? 0 : -1);
    }
    case 'MatMulNBits': {
      const [integers, scale] = [constant(1), constant(2)];
      const [rows, columns, bits, block] = ['K', 'N', 'bits', 'block_size'].map(
        (name) => intAttribute(node, name) ?? 0,
      ) as [number, number, number, number];
      return integers === null || scale === null
        ? []
        : [{ kind: 'bits', integers, scale, zeroPoint: constant(3), rows, columns, bits, block }];
    }
    default: {
      if (!/^Q(Linear|Gemm)/.test(node.opType)) return [];
      const isRows = node.opType === 'QLinearConv' || (intAttribute(node, 'transB') ?? 0) !== 0;
      const isWeight = (at: number) => IS_BYTE.has(constant(at)?.dataType ?? DataType.undefined);
      return node.inputs.flatMap((_, at) =>
        isWeight(at) ? affine(at, constant(at + 1), constant(at + 2), isRows ? 0 : -1) : [],
      );
    }
  }
}

const IS_BYTE: ReadonlySet<number> = new Set([DataType.int8, DataType.uint8]);

const IS_INTEGER: ReadonlySet<number> = new Set([...IS_BYTE, DataType.int32, DataType.int4, DataType.uint4]);

function originalName(integers: string, originals: ReadonlyMap<string, Tensor>): string | null {
  const [, name] = /^(.*)_(?:quantized|Q4|Q8)(?:_\d+)?$/s.exec(integers) ?? [];
  return name !== undefined && originals.has(name) ? name : null;
}

/** The numbers of a weight as the float model has them: other operators read some matrices turned round, or scaled. */
function inOrderOf({ graph }: Model, name: string, { opType }: Node, stored: StoredWeight): Float32Array {
  const reader = graph.nodes.find(({ inputs }) => inputs[1] === name);
  const isTransposed = reader?.opType === 'Gemm' && (intAttribute(reader, 'transB') ?? 0) !== 0;
  if (stored.kind === 'bits') {
    const channels = unpacked(stored);
    return isTransposed ? channels : turned(channels, stored.columns, stored.rows);
  }
  const floats = dequantized(stored);
  if (opType !== 'MatMulInteger') return floats;
  const alpha = reader?.opType === 'Gemm' ? (floatAttribute(reader, 'alpha') ?? 1) : 1;
  const scaled = alpha === 1 ? floats : floats.map((value) => value / alpha);
  const [rows = 1, columns = 1] = stored.integers.dims;
  return isTransposed ? turned(scaled, rows, columns) : scaled;
}
