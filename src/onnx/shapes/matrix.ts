import { intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import { DataType, type Dim, type Shape } from '../model.ts';
import {
  broadcast,
  type Facts,
  intOr,
  required,
  requiredRank,
  ShapeError,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

/** numpy.matmul: a missing dimension is added to vectors and removed again. */
function matMulShape(context: ShapeContext, left: Shape, right: Shape): Shape {
  if (!left || !right) return null;
  if (left.length === 0 || right.length === 0)
    throw new ShapeError(context.node, 'a scalar cannot be multiplied as a matrix');
  const a = left.length === 1 ? [1, ...left] : left;
  const b = right.length === 1 ? [...right, 1] : right;
  const inner = a[a.length - 1];
  const wanted = b[b.length - 2];
  if (typeof inner === 'number' && typeof wanted === 'number' && inner !== wanted) {
    throw new ShapeError(context.node, `the left matrix has ${inner} columns, the right one ${wanted} rows`);
  }
  const batch = broadcast(context.node, [a.slice(0, -2), b.slice(0, -2)]) as readonly Dim[];
  const rows = left.length === 1 ? [] : [a[a.length - 2] as Dim];
  const columns = right.length === 1 ? [] : [b[b.length - 1] as Dim];
  return [...batch, ...rows, ...columns];
}

function matMul(rightAt: number, outputType: (context: ShapeContext) => number): ShapeFunction {
  return (context) => [
    typed(
      outputType(context),
      matMulShape(context, required(context, 0).shape, required(context, rightAt).shape),
    ),
  ];
}

function transposedLast(shape: Shape, transposed: boolean): Shape {
  if (!shape || !transposed || shape.length < 2) return shape;
  return [...shape.slice(0, -2), shape[shape.length - 1] as Dim, shape[shape.length - 2] as Dim];
}

function fusedMatMul(context: ShapeContext): readonly Facts[] {
  const left = required(context, 0);
  const a = transposedLast(left.shape, intAttribute(context.node, 'transA') === 1);
  const b = transposedLast(required(context, 1).shape, intAttribute(context.node, 'transB') === 1);
  return [typed(left.dataType, matMulShape(context, a, b))];
}

function gemm(rightAt: number): ShapeFunction {
  return (context) => {
    const left = requiredRank(context, 0, { exactly: 2 }, 'A');
    const right = requiredRank(context, rightAt, { exactly: 2 }, 'B');
    const a = transposedLast(left.shape, intAttribute(context.node, 'transA') === 1);
    const b = transposedLast(right.shape, intAttribute(context.node, 'transB') === 1);
    return [typed(left.dataType, matMulShape(context, a, b))];
  };
}

/** N bits each, packed: the weight's size is in attributes. */
function matMulNBits(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const columns = intAttribute(context.node, 'N') ?? null;
  return [typed(dataType, shape && [...shape.slice(0, -1), columns])];
}

/** The subscripts of an Einsum, e.g. `bij,bjk->bik`; what an ellipsis stands for has letters of its own. */
export interface EinsumTerms {
  /** Letters by input, one for each dimension. */
  readonly inputs: readonly (readonly string[])[];
  readonly output: readonly string[];
}

/**
 * The terms of an equation.
 * @param ranks by input; null: not known, which only an ellipsis needs
 * @returns null if the equation does not fit the inputs
 */
export function einsumTerms(equation: string, ranks: readonly (number | null)[]): EinsumTerms | null {
  const [left = '', right] = equation.replaceAll(' ', '').split('->');
  const terms = left.split(',');
  if (terms.length !== ranks.length) return null;
  const counts = terms.map((term, input) =>
    term.includes(ELLIPSIS) ? (ranks[input] ?? -1) - (term.length - ELLIPSIS.length) : 0,
  );
  if (counts.some((count) => count < 0)) return null;
  const inputs = terms.map((term, input) => lettersOf(term, counts[input] as number));
  const most = Math.max(...counts);
  if (right !== undefined) return { inputs, output: lettersOf(right, most) };
  // Without an arrow: the ellipsis, then the letters that occur once, in alphabetical order.
  const letters = terms.join('').replaceAll(ELLIPSIS, '').split('');
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter));
  return { inputs, output: [...lettersOf(ELLIPSIS, most), ...once.toSorted()] };
}

const ELLIPSIS = '...';

/** The letters of a term. The dimensions of its ellipsis are counted from the last, as they are broadcast. */
function lettersOf(term: string, count: number): string[] {
  const [before = '', after = ''] = term.split(ELLIPSIS);
  const hidden = Array.from({ length: count }, (_, at) => `${ELLIPSIS}${count - at}`);
  return [...before.split(''), ...(term.includes(ELLIPSIS) ? hidden : []), ...after.split('')];
}

function einsum(context: ShapeContext): readonly Facts[] {
  const { dataType } = required(context, 0);
  const terms = einsumTerms(
    stringAttribute(context.node, 'equation') ?? '',
    context.inputs.map((facts) => facts?.shape?.length ?? null),
  );
  if (!terms) return [typed(dataType, null)];
  const sizes = new Map<string, Dim>();
  for (const [position, term] of terms.inputs.entries()) {
    const shape = context.inputs[position]?.shape;
    if (!shape) return [typed(dataType, null)];
    if (shape.length !== term.length) {
      throw new ShapeError(
        context.node,
        `input ${position} has ${shape.length} dims, '${term.join('')}' needs ${term.length}`,
      );
    }
    for (const [axis, letter] of term.entries()) {
      const known = sizes.get(letter);
      if (known === undefined || known === 1 || known === null) sizes.set(letter, shape[axis] as Dim);
    }
  }
  return [
    typed(
      dataType,
      terms.output.map((letter) => sizes.get(letter) ?? null),
    ),
  ];
}

/** LSTM, GRU, RNN: Y [sequence, directions, batch, hidden], Y_h and Y_c [directions, batch, hidden]. */
function recurrent(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = requiredRank(context, 0, { exactly: 3 }, 'X');
  const weight = required(context, 2).shape;
  const hidden = intAttribute(context.node, 'hidden_size') ?? weight?.[2] ?? null;
  const directions = stringAttribute(context.node, 'direction') === 'bidirectional' ? 2 : 1;
  const batchFirst = intOr(context, 'layout', 0) === 1;
  const [sequence, batch] = shape
    ? [shape[batchFirst ? 1 : 0] as Dim, shape[batchFirst ? 0 : 1] as Dim]
    : [null, null];
  const all = batchFirst ? [batch, sequence, directions, hidden] : [sequence, directions, batch, hidden];
  const last = batchFirst ? [batch, directions, hidden] : [directions, batch, hidden];
  return [typed(dataType, all), typed(dataType, last), typed(dataType, last)];
}

/** Attention of opset 23: Q, K, V of rank 3 (heads in attributes) or 4. */
function attention(context: ShapeContext): readonly Facts[] {
  const query = required(context, 0);
  const value = required(context, 2);
  if (!query.shape || !value.shape) return [typed(query.dataType, null)];
  if (query.shape.length === 4) {
    return [typed(query.dataType, [...query.shape.slice(0, 3), value.shape[3] ?? null])];
  }
  const queryHeads = intAttribute(context.node, 'q_num_heads');
  const keyHeads = intAttribute(context.node, 'kv_num_heads');
  const width = value.shape[2];
  const output =
    typeof width === 'number' && queryHeads && keyHeads ? (width / keyHeads) * queryHeads : (width ?? null);
  return [typed(query.dataType, [query.shape[0] as Dim, query.shape[1] as Dim, output])];
}

/** ONNX Runtime's Attention: input [batch, sequence, width], weight [width, 3 * hidden]. */
function packedAttention(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const columns = required(context, 1).shape?.[1];
  const sizes = intsAttribute(context.node, 'qkv_hidden_sizes');
  const hidden = sizes?.[2] ?? (typeof columns === 'number' ? columns / 3 : null);
  return [typed(dataType, shape && [...shape.slice(0, 2), hidden])];
}

function multiHeadAttention(context: ShapeContext): readonly Facts[] {
  const query = required(context, 0);
  const value = context.inputs[2];
  const width = value?.shape?.length === 3 ? value.shape[2] : query.shape?.[2];
  return [typed(query.dataType, query.shape && [...query.shape.slice(0, 2), width ?? null])];
}

const firstInputType = (context: ShapeContext): number => required(context, 0).dataType;
const typeOfInput =
  (position: number) =>
  (context: ShapeContext): number =>
    context.inputs[position]?.dataType ?? DataType.undefined;

/** Matrix products, recurrent layers and attention. */
export const matrixShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['MatMul', matMul(1, firstInputType)],
  ['MatMulInteger', matMul(1, () => DataType.int32)],
  ['QLinearMatMul', matMul(3, typeOfInput(7))],
  ['com.microsoft:MatMulIntegerToFloat', matMul(1, () => DataType.float)],
  ['com.microsoft:DynamicQuantizeMatMul', matMul(1, () => DataType.float)],
  ['com.microsoft:FusedMatMul', fusedMatMul],
  ['com.microsoft:MatMulNBits', matMulNBits],
  ['Gemm', gemm(1)],
  ['com.microsoft:FusedGemm', gemm(1)],
  ['com.microsoft:QGemm', gemm(3)],
  ['Einsum', einsum],
  ['LSTM', recurrent],
  ['GRU', recurrent],
  ['RNN', recurrent],
  ['Attention', attention],
  ['com.microsoft:Attention', packedAttention],
  ['com.microsoft:MultiHeadAttention', multiHeadAttention],
];
