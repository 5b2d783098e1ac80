import { InputError } from '../../base/result.ts';
import { tensorMadeWhenRead } from '../../onnx/made-when-read.ts';
import { DataType, type Graph, type Model, type Tensor } from '../../onnx/model.ts';
import { elementCount, tensorBytes, tensorFloats } from '../../onnx/tensor.ts';
import { rememberNonZeroCount } from '../count-non-zero.ts';
import { roundHalfEven } from '../quantize/affine.ts';
import { pieceMarker, smallestMagnitudes } from './smallest-magnitudes.ts';

/** Operators whose constant factors are pruned; biases, normalisations and embeddings are left alone. */
export const PRUNED_OPERATORS: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'FusedConv',
  'FusedMatMul',
]);
const FLOATS = new Set<number>([DataType.float, DataType.float16, DataType.bfloat16, DataType.double]);

/** Which values of one tensor become zero; see `MagnitudeCutoff`. */
interface TensorCutoff {
  readonly bits: number;
  readonly tiesToZero: number;
  readonly nonZeroAfter: number;
}

/**
 * Sets the smallest weights to zero: round(ratio * n) of each weight tensor (`layer`), or of all of them taken
 * together (`global`), rounding half to even as torch.nn.utils.prune does. Among equal magnitudes the earlier
 * ones go first, so the result is the same everywhere. Shapes and file size stay.
 *
 * The new values are made when they are read and let go afterwards: memory is that of the largest tensor.
 * @throws InputError `nothing-to-prune`
 */
export function pruneMagnitude(model: Model, ratio: number, scope: 'layer' | 'global'): Model {
  const targets = prunableTensors(model.graph);
  if (targets.length === 0) throw nothingToPrune();
  const cutoffs = scope === 'layer' ? layerCutoffs(targets, ratio) : globalCutoffs(targets, ratio);
  return {
    ...model,
    graph: {
      ...model.graph,
      initializers: model.graph.initializers.map((tensor) => {
        const cutoff = cutoffs.get(tensor);
        return cutoff === undefined ? tensor : prunedTensor(tensor, cutoff);
      }),
    },
  };
}

/** The weight tensors that pruning would rank, each once, in the file's order. Reads no weights. */
export function prunableTensors(graph: Graph): Tensor[] {
  const factors = new Set<string>();
  for (const { opType, inputs } of graph.nodes) {
    if (!PRUNED_OPERATORS.has(opType)) continue;
    for (const name of inputs.slice(0, 2)) factors.add(name);
  }
  return graph.initializers.filter(
    ({ name, dims, dataType }) => factors.has(name) && dims.length >= 2 && FLOATS.has(dataType),
  );
}

export function nothingToPrune(): InputError {
  return new InputError({
    code: 'nothing-to-prune',
    message:
      'prune: found no convolution or matrix multiplication with constant floating-point weights, wanted at least one',
    hint: 'Models that are already quantized cannot be pruned by magnitude here.',
  });
}

function layerCutoffs(targets: readonly Tensor[], ratio: number): Map<Tensor, TensorCutoff> {
  const cutoffs = new Map<Tensor, TensorCutoff>();
  for (const tensor of targets) {
    const values = tensorFloats(tensor);
    const count = roundHalfEven(ratio * values.length);
    const { bits, tiesToZero, zerosBefore } = smallestMagnitudes((visit) => visit(values), count);
    cutoffs.set(tensor, { bits, tiesToZero, nonZeroAfter: values.length - Math.max(count, zerosBefore) });
  }
  return cutoffs;
}

function globalCutoffs(targets: readonly Tensor[], ratio: number): Map<Tensor, TensorCutoff> {
  const total = targets.reduce((sum, { dims }) => sum + elementCount(dims), 0);
  const { bits, tiesToZero } = smallestMagnitudes(
    (visit) => {
      for (const tensor of targets) visit(tensorFloats(tensor));
    },
    roundHalfEven(ratio * total),
  );
  const cutoffs = new Map<Tensor, TensorCutoff>();
  let tiesLeft = tiesToZero;
  for (const tensor of targets) {
    const { below, equal, zeros, values } = magnitudesAround(tensorFloats(tensor), bits);
    const ties = Math.min(tiesLeft, equal);
    tiesLeft -= ties;
    const zeroed = bits === 0 ? zeros : below + ties;
    cutoffs.set(tensor, { bits, tiesToZero: ties, nonZeroAfter: values - zeroed });
  }
  return cutoffs;
}

function magnitudesAround(
  floats: Float32Array,
  cutoffBits: number,
): { below: number; equal: number; zeros: number; values: number } {
  const words = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  let below = 0;
  let equal = 0;
  let zeros = 0;
  for (let i = 0; i < words.length; i++) {
    const magnitude = (words[i] as number) & 0x7fffffff;
    if (magnitude < cutoffBits) below++;
    else if (magnitude === cutoffBits) equal++;
    if (magnitude === 0) zeros++;
  }
  return { below, equal, zeros, values: words.length };
}

function prunedTensor(tensor: Tensor, cutoff: TensorCutoff): Tensor {
  const pruned = tensorMadeWhenRead(tensor, () => prunedBytes(tensor, cutoff));
  rememberNonZeroCount(pruned, cutoff.nonZeroAfter);
  return pruned;
}

function prunedBytes(tensor: Tensor, cutoff: TensorCutoff): Uint8Array {
  // A copy whatever the view is: slice() of a Node Buffer would be a view of the file itself.
  const bytes = new Uint8Array(tensorBytes(tensor));
  const bytesPerElement = bytes.length / Math.max(1, elementCount(tensor.dims));
  const elements =
    bytesPerElement === 4
      ? new Uint32Array(bytes.buffer)
      : bytesPerElement === 2
        ? new Uint16Array(bytes.buffer)
        : new Float64Array(bytes.buffer);
  const floats = elements instanceof Uint32Array ? new Float32Array(bytes.buffer) : tensorFloats(tensor);
  pieceMarker(cutoff)(floats, (index) => {
    elements[index] = 0;
  });
  return bytes;
}
