import { InputError } from '../../base/result.ts';
import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  tensorAttribute,
} from '../attributes.ts';
import { DataType, type Dim, type Tensor } from '../model.ts';
import { elementCount, tensorBytes, tensorFloats, tensorIntegers } from '../tensor.ts';
import { padsOf, permutationOf, sliceRanges, splitSizes } from './data-movement.ts';
import {
  type Elements,
  elementsOf,
  type Facts,
  intOr,
  knownNumbers,
  normalAxis,
  productOf,
  repeated,
  type ShapeContext,
} from './facts.ts';
import { shapeWindow } from './generators.ts';

/** Larger tensors are never computed with here: they are weights, and stay in the file. */
export const maxElements = 65_536;

/** Computes a node's output elements; `outputs` are their types and shapes. Null: not computable here. */
type Evaluator = (context: ShapeContext, outputs: readonly Facts[]) => readonly (Elements | null)[];

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

/**
 * Adds to each output how its elements follow from the inputs' elements, where they do. Nothing is read or
 * computed before somebody asks for them.
 */
export function withElements(
  key: string,
  context: ShapeContext,
  outputs: readonly Facts[],
  budget: ElementBudget,
): readonly Facts[] {
  const evaluator = evaluators.get(key);
  // Operator sets before 7 aligned the second operand of arithmetic in a way of their own.
  if (!evaluator || intAttribute(context.node, 'broadcast') === 1) return outputs;
  // The shape of Shape's output is known even where the input's elements are not.
  const fromShapeOnly = key === 'Shape' || key === 'Size';
  if (!fromShapeOnly && context.inputs.some((input) => input !== null && input.elements === null))
    return outputs;
  let size = 0;
  for (const { shape } of outputs) size += (shape && productOf(shape)) ?? Number.POSITIVE_INFINITY;
  if (size > maxElements) return outputs;
  const compute = withinBudget(size, budget, () => evaluator(context, outputs));
  return outputs.map((facts, position) => ({ ...facts, elements: () => compute()?.[position] ?? null }));
}

function one(work: (context: ShapeContext, output: Facts) => Elements | null): Evaluator {
  return (context, outputs) => [work(context, outputs[0] as Facts)];
}

const sameElements = one((context) => elementsOf(context, 0));

function numericDims(facts: Facts | null | undefined): readonly number[] | null {
  return facts?.shape?.every((dim) => typeof dim === 'number') ? (facts.shape as readonly number[]) : null;
}

function rowStrides(dims: readonly number[]): number[] {
  const strides = repeated(1, dims.length);
  for (let axis = dims.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] as number) * (dims[axis + 1] as number);
  }
  return strides;
}

/** Builds a tensor element by element; `pick` gets the position along each axis. */
function build(dims: readonly number[], pick: (position: readonly number[]) => Dim): Dim[] {
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

function flatIndex(position: readonly number[], strides: readonly number[]): number {
  let index = 0;
  for (let axis = 0; axis < strides.length; axis++)
    index += (position[axis] as number) * (strides[axis] as number);
  return index;
}

/** An input read as if it were broadcast to the output's shape. */
function broadcastReader(context: ShapeContext, at: number): ((position: readonly number[]) => Dim) | null {
  const elements = elementsOf(context, at);
  const dims = numericDims(context.inputs[at]);
  if (!elements || !dims) return null;
  const strides = rowStrides(dims).map((stride, axis) => (dims[axis] === 1 ? 0 : stride));
  return (position) => elements[flatIndex(position.slice(position.length - dims.length), strides)] ?? null;
}

/** An elementwise operator of any number of inputs, in the output's type. */
function elementwise(work: (values: readonly Dim[], context: ShapeContext) => Dim, exact = false): Evaluator {
  return one((context, output) => {
    const dims = numericDims(output);
    const readers = context.inputs.map((_, at) => broadcastReader(context, at));
    if (!dims || readers.some((reader) => reader === null)) return null;
    return build(dims, (position) => {
      const result = work(
        readers.map((reader) => (reader as (position: readonly number[]) => Dim)(position)),
        context,
      );
      return exact || typeof result !== 'number' ? result : rounded(result, output.dataType);
    });
  });
}

/** The number as the data type holds it; null where this lab does not compute exactly what a runtime would. */
function rounded(value: number, dataType: number): number | null {
  switch (dataType) {
    case DataType.float:
      return Math.fround(value);
    case DataType.double:
      return value;
    case DataType.int64:
      return Number.isSafeInteger(value) || Math.abs(value) === Number.POSITIVE_INFINITY ? value : null;
    case DataType.int32:
      return value === (value | 0) ? value : null;
    case DataType.uint8:
      return value >= 0 && value <= 255 ? value : null;
    case DataType.bool:
      return value === 0 ? 0 : 1;
    default:
      return null;
  }
}

function isInteger(dataType: number): boolean {
  return dataType !== DataType.float && dataType !== DataType.double;
}

function binary(work: (a: number, b: number, integer: boolean) => number): Evaluator {
  return elementwise(([a, b], context) =>
    typeof a === 'number' && typeof b === 'number'
      ? work(a, b, isInteger(context.inputs[0]?.dataType ?? 0))
      : null,
  );
}

/** `x * 1`, `x + 0`, `x / 1`, `x - 0` keep a symbol. */
function binaryWithNeutral(
  work: (a: number, b: number, integer: boolean) => number,
  neutral: number,
  commutes: boolean,
): Evaluator {
  return elementwise(([a, b], context) => {
    if (typeof a === 'number' && typeof b === 'number') {
      return work(a, b, isInteger(context.inputs[0]?.dataType ?? 0));
    }
    if (b === neutral) return a ?? null;
    return commutes && a === neutral ? (b ?? null) : null;
  });
}

function unary(work: (a: number) => number): Evaluator {
  return elementwise(([a]) => (typeof a === 'number' ? work(a) : null));
}

function compare(work: (a: number, b: number) => boolean): Evaluator {
  return elementwise(([a, b]) =>
    typeof a === 'number' && typeof b === 'number' ? Number(work(a, b)) : null,
  );
}

/** A dimension is never negative, so comparing a symbol with -1 (as exporters do) has an answer. */
const equal = elementwise(([a, b]) => {
  if (typeof a === 'number' && typeof b === 'number') return Number(a === b);
  if (typeof a === 'string' && a === b) return 1;
  if (
    (typeof a === 'string' && typeof b === 'number' && b < 0) ||
    (typeof b === 'string' && typeof a === 'number' && a < 0)
  ) {
    return 0;
  }
  return null;
});

function variadic(work: (a: number, b: number) => number): Evaluator {
  return elementwise((values) => {
    const numbers = values.filter((value) => typeof value === 'number');
    return numbers.length === values.length ? numbers.reduce(work) : null;
  });
}

/** Reduction of all elements to one. */
function reduceAll(work: (a: number, b: number) => number): Evaluator {
  return one((context, output) => {
    const numbers = knownNumbers(elementsOf(context, 0));
    const size = output.shape && productOf(output.shape);
    // In floating point the result depends on the order of the runtime's sums.
    if (!numbers || numbers.length === 0 || size !== 1 || !isInteger(output.dataType)) return null;
    return [rounded(numbers.reduce(work), output.dataType)];
  });
}

const cast = one((context, output) => {
  const elements = elementsOf(context, 0);
  const from = context.inputs[0]?.dataType ?? 0;
  if (!elements) return null;
  const toInteger = isInteger(output.dataType) && output.dataType !== DataType.bool && !isInteger(from);
  return elements.map((element) => {
    if (typeof element !== 'number') return isInteger(output.dataType) ? element : null;
    return rounded(toInteger ? Math.trunc(element) : element, output.dataType);
  });
});

const transpose = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const strides = rowStrides(dims);
  const moved = permutationOf(context, dims.length).map((axis) => strides[axis] as number);
  return build(outputDims, (position) => elements[flatIndex(position, moved)] ?? null);
});

const concat = one((context, output) => {
  const outputDims = numericDims(output);
  if (!outputDims) return null;
  const axis = normalAxis(context, intOr(context, 'axis', 1), outputDims.length);
  const outer = productOf(outputDims.slice(0, axis)) as number;
  const inner = productOf(outputDims.slice(axis + 1)) as number;
  const parts: { readonly elements: Elements; readonly run: number }[] = [];
  for (let at = 0; at < context.inputs.length; at++) {
    const elements = elementsOf(context, at);
    const dims = numericDims(context.inputs[at]);
    if (!elements || !dims) return null;
    parts.push({ elements, run: (dims[axis] as number) * inner });
  }
  const result: Dim[] = [];
  for (let row = 0; row < outer; row++) {
    for (const { elements, run } of parts) result.push(...elements.slice(row * run, (row + 1) * run));
  }
  return result;
});

const split: Evaluator = (context, outputs) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  if (!dims || !elements) return [];
  const axis = normalAxis(context, intOr(context, 'axis', 0), dims.length);
  const sizes = splitSizes(context, dims[axis] as number);
  if (!sizes) return [];
  const strides = rowStrides(dims);
  let start = 0;
  return outputs.map((output, part) => {
    const from = start * (strides[axis] as number);
    start += sizes[part] ?? 0;
    const outputDims = numericDims(output);
    return (
      outputDims && build(outputDims, (position) => elements[from + flatIndex(position, strides)] ?? null)
    );
  });
};

const slice = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const ranges = sliceRanges(context, dims);
  const strides = rowStrides(dims);
  let offset = 0;
  const steps = strides.map((stride, axis) => {
    const range = ranges.get(axis);
    if (!range) return stride;
    offset += range.start * stride;
    return range.step * stride;
  });
  return build(outputDims, (position) => elements[offset + flatIndex(position, steps)] ?? null);
});

const gather = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const indices = knownNumbers(elementsOf(context, 1));
  const indexDims = numericDims(context.inputs[1]);
  const outputDims = numericDims(output);
  if (!dims || !elements || !indices || !indexDims || !outputDims) return null;
  const axis = normalAxis(context, intOr(context, 'axis', 0), dims.length);
  const strides = rowStrides(dims);
  const indexStrides = rowStrides(indexDims);
  return build(outputDims, (position) => {
    const chosen = indices[flatIndex(position.slice(axis, axis + indexDims.length), indexStrides)] as number;
    const source = [
      ...position.slice(0, axis),
      chosen < 0 ? chosen + (dims[axis] as number) : chosen,
      ...position.slice(axis + indexDims.length),
    ];
    return elements[flatIndex(source, strides)] ?? null;
  });
});

const expand = one((context, output) => {
  const dims = numericDims(output);
  const reader = broadcastReader(context, 0);
  return dims && reader && build(dims, reader);
});

const tile = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const strides = rowStrides(dims);
  return build(
    outputDims,
    (position) =>
      elements[
        flatIndex(
          position.map((at, axis) => at % (dims[axis] as number)),
          strides,
        )
      ] ?? null,
  );
});

const where = one((context, output) => {
  const dims = numericDims(output);
  const readers = [0, 1, 2].map((at) => broadcastReader(context, at));
  const [condition, yes, no] = readers;
  if (!dims || !condition || !yes || !no) return null;
  return build(dims, (position) => {
    const chosen = condition(position);
    if (typeof chosen !== 'number') return null;
    return chosen ? yes(position) : no(position);
  });
});

const pad = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  const mode = stringAttribute(context.node, 'mode') ?? 'constant';
  // The other modes do not occur in shape arithmetic.
  if (!dims || !elements || !outputDims || mode !== 'constant') return null;
  const pads = padsOf(context, dims.length);
  const filler = context.inputs[2]
    ? elementsOf(context, 2)?.[0]
    : (floatAttribute(context.node, 'value') ?? 0);
  if (!pads || filler === undefined) return null;
  const strides = rowStrides(dims);
  return build(outputDims, (position) => {
    const source = position.map((at, axis) => at - (pads[axis] as number));
    const inside = source.every((at, axis) => at >= 0 && at < (dims[axis] as number));
    return inside ? (elements[flatIndex(source, strides)] ?? null) : filler;
  });
});

const constant = one((context) => {
  const { node } = context;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return tensorElements(tensor);
  const single = floatAttribute(node, 'value_float') ?? intAttribute(node, 'value_int');
  if (single !== undefined) return [single];
  return floatsAttribute(node, 'value_floats') ?? intsAttribute(node, 'value_ints') ?? null;
});

const constantOfShape = one((context, output) => {
  const dims = numericDims(output);
  const tensor = tensorAttribute(context.node, 'value');
  const filler = tensor ? tensorElements(tensor)?.[0] : 0;
  if (!dims || filler === undefined) return null;
  return repeated<Dim>(filler, productOf(dims) as number);
});

const range = one((context, output) => {
  const [count] = numericDims(output) ?? [];
  const start = elementsOf(context, 0)?.[0];
  const delta = elementsOf(context, 2)?.[0];
  if (count === undefined || !Number.isInteger(start) || !Number.isInteger(delta)) return null;
  return Array.from({ length: count }, (_, position) =>
    rounded((start as number) + position * (delta as number), output.dataType),
  );
});

const shape = one((context) => {
  const dims = context.inputs[0]?.shape;
  return dims ? shapeWindow(context, dims) : null;
});

const size = one((context) => {
  const dims = context.inputs[0]?.shape;
  return dims ? [productOf(dims)] : null;
});

const nonZero = one((context) => {
  const dims = numericDims(context.inputs[0]);
  const elements = knownNumbers(elementsOf(context, 0));
  if (!dims || !elements) return null;
  const found: (readonly number[])[] = [];
  let index = 0;
  build(dims, (position) => {
    if (elements[index++] !== 0) found.push([...position]);
    return 0;
  });
  return dims.flatMap((_, axis) => found.map((position) => position[axis] as number));
});

const evaluators: ReadonlyMap<string, Evaluator> = new Map<string, Evaluator>([
  ['Identity', sameElements],
  ['Reshape', sameElements],
  ['Flatten', sameElements],
  ['Squeeze', sameElements],
  ['Unsqueeze', sameElements],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['Expand', expand],
  ['Tile', tile],
  ['Where', where],
  ['Pad', pad],
  ['Cast', cast],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
  ['Shape', shape],
  ['Size', size],
  ['NonZero', nonZero],
  ['Add', binaryWithNeutral((a, b) => a + b, 0, true)],
  ['Sub', binaryWithNeutral((a, b) => a - b, 0, false)],
  ['Mul', binaryWithNeutral((a, b) => a * b, 1, true)],
  [
    'Div',
    binaryWithNeutral(
      (a, b, integer) => (integer ? (b === 0 ? Number.NaN : Math.trunc(a / b)) : a / b),
      1,
      false,
    ),
  ],
  ['Min', variadic(Math.min)],
  ['Max', variadic(Math.max)],
  ['Neg', unary((a) => -a)],
  ['Abs', unary(Math.abs)],
  ['Floor', unary(Math.floor)],
  ['Ceil', unary(Math.ceil)],
  ['Sqrt', unary(Math.sqrt)],
  ['Not', unary((a) => Number(a === 0))],
  ['And', binary((a, b) => Number(a !== 0 && b !== 0))],
  ['Or', binary((a, b) => Number(a !== 0 || b !== 0))],
  ['Equal', equal],
  ['Less', compare((a, b) => a < b)],
  ['LessOrEqual', compare((a, b) => a <= b)],
  ['Greater', compare((a, b) => a > b)],
  ['GreaterOrEqual', compare((a, b) => a >= b)],
  ['ReduceProd', reduceAll((a, b) => a * b)],
  ['ReduceSum', reduceAll((a, b) => a + b)],
  ['ReduceMax', reduceAll(Math.max)],
  ['ReduceMin', reduceAll(Math.min)],
]);
