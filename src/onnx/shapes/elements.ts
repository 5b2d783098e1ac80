import { InputError } from '../../base/result.ts';
import { DataType, type Dim, type Tensor } from '../model.ts';
import { elementCount, tensorBytes, tensorFloats, tensorIntegers } from '../tensor.ts';
import { type Elements, elementsOf, type Facts, productOf, repeated, type ShapeContext } from './facts.ts';

/** Larger tensors are never computed with here: they are weights, and stay in the file. */
export const maxElements = 65_536;

/** Computes a node's output elements; `outputs` are their types and shapes. Null: not computable here. */
export type Evaluator = (context: ShapeContext, outputs: readonly Facts[]) => readonly (Elements | null)[];

/**
 * A tensor's elements, if it is small and numeric. 64-bit integers beyond what a number holds exactly
 * (exporters write the largest one for "to the end") become infinite.
 */
export function tensorElements(tensor: Tensor): Elements | null {
  if (elementCount(tensor.dims) > maxElements || tensor.data.kind === 'hollow') return null;
  try {
    return decodedElements(tensor);
  } catch (thrown) {
    // Damaged or missing data of one tensor must not keep the graph from being shown; transforms report it.
    if (thrown instanceof InputError) return null;
    throw thrown;
  }
}

function decodedElements(tensor: Tensor): Elements | null {
  switch (tensor.dataType) {
    case DataType.float:
    case DataType.float16:
    case DataType.bfloat16:
      return [...tensorFloats(tensor)];
    case DataType.double:
      return decoded(tensor, 8, (view, at) => view.getFloat64(at, true));
    case DataType.int64:
      return decoded(tensor, 8, (view, at) => safeOrInfinite(view.getBigInt64(at, true)));
    case DataType.uint64:
      return decoded(tensor, 8, (view, at) => safeOrInfinite(view.getBigUint64(at, true)));
    case DataType.int32:
    case DataType.uint32:
    case DataType.int16:
    case DataType.uint16:
    case DataType.int8:
    case DataType.uint8:
    case DataType.bool:
      return tensorIntegers(tensor);
    default:
      return null;
  }
}

function decoded(tensor: Tensor, size: number, read: (view: DataView, at: number) => number): number[] {
  const bytes = tensorBytes(tensor);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: Math.floor(bytes.byteLength / size) }, (_, position) =>
    read(view, position * size),
  );
}

function safeOrInfinite(value: bigint): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) return Number.POSITIVE_INFINITY;
  if (value < BigInt(Number.MIN_SAFE_INTEGER)) return Number.NEGATIVE_INFINITY;
  return Number(value);
}

/** Elements that may still be computed or read for one model: many small constants are fine, a bomb is not. */
export interface ElementBudget {
  remaining: number;
}

/** Computes once, when first asked, and only what the budget still allows. */
export function withinBudget<T>(size: number, budget: ElementBudget, compute: () => T): () => T | null {
  let result: { readonly value: T | null } | undefined;
  return () => {
    if (!result) {
      const affordable = size <= budget.remaining;
      if (affordable) budget.remaining -= size;
      result = { value: affordable ? compute() : null };
    }
    return result.value;
  };
}

/** An evaluator for operators with one output. */
export function one(work: (context: ShapeContext, output: Facts) => Elements | null): Evaluator {
  return (context, outputs) => [work(context, outputs[0] as Facts)];
}

/** The dims, if all are numbers. */
export function numericDims(facts: Facts | null | undefined): readonly number[] | null {
  return facts?.shape?.every((dim) => typeof dim === 'number') ? (facts.shape as readonly number[]) : null;
}

/** Elements to step over for one step along each axis, row-major. */
export function rowStrides(dims: readonly number[]): number[] {
  const strides = repeated(1, dims.length);
  for (let axis = dims.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (dims[axis + 1] as number);
  }
  return strides;
}

/** Builds a tensor element by element; `pick` gets the position along each axis. */
export function build(dims: readonly number[], pick: (position: readonly number[]) => Dim): Dim[] {
  const total = productOf(dims) as number;
  const position = repeated(0, dims.length);
  const result: Dim[] = [];
  for (let index = 0; index < total; index++) {
    result.push(pick(position));
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      position[axis] = (position[axis] as number) + 1;
      if ((position[axis] as number) < (dims[axis] as number)) break;
      position[axis] = 0;
    }
  }
  return result;
}

/** Where the element at this position lies. */
export function flatIndex(position: readonly number[], strides: readonly number[]): number {
  let index = 0;
  for (let axis = 0; axis < strides.length; axis++)
    index += (position[axis] as number) * (strides[axis] as number);
  return index;
}

/** An input read as if it were broadcast to the output's shape. */
export function broadcastReader(
  context: ShapeContext,
  at: number,
): ((position: readonly number[]) => Dim) | null {
  const elements = elementsOf(context, at);
  const dims = numericDims(context.inputs[at]);
  if (!elements || !dims) return null;
  const strides = rowStrides(dims).map((stride, axis) => (dims[axis] === 1 ? 0 : stride));
  return (position) => elements[flatIndex(position.slice(position.length - dims.length), strides)] ?? null;
}
