import { intAttribute } from '../attributes.ts';
import { DataType, type Dim } from '../model.ts';
import { broadcastReader, build, type Evaluator, numericDims, one } from './elements.ts';
import { elementsOf, knownNumbers, productOf, type ShapeContext } from './facts.ts';

/** An elementwise operator of any number of inputs, in the output's type. */
function elementwise(work: (values: readonly Dim[], context: ShapeContext) => Dim): Evaluator {
  return one((context, output) => {
    const dims = numericDims(output);
    const readers = context.inputs.map((_, at) => broadcastReader(context, at));
    if (!dims || readers.some((reader) => reader === null)) return null;
    return build(dims, (position) => {
      const result = work(
        readers.map((reader) => (reader as (position: readonly number[]) => Dim)(position)),
        context,
      );
      return typeof result === 'number' ? rounded(result, output.dataType) : result;
    });
  });
}

/** The number as the data type holds it; null where this lab does not compute exactly what a runtime would. */
export function rounded(value: number, dataType: number): number | null {
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
    return numbers.length === values.length ? numbers.reduce((a, b) => work(a, b)) : null;
  });
}

/** Reduction of all elements to one. */
function reduceAll(work: (a: number, b: number) => number): Evaluator {
  return one((context, output) => {
    const numbers = knownNumbers(elementsOf(context, 0));
    const size = output.shape && productOf(output.shape);
    // In floating point the result depends on the order of the runtime's sums.
    if (!numbers || numbers.length === 0 || size !== 1 || !isInteger(output.dataType)) return null;
    return [
      rounded(
        numbers.reduce((a, b) => work(a, b)),
        output.dataType,
      ),
    ];
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

/** With the sign of the divisor, as in Python; with `fmod`, and of floats, with the sign of the dividend, as in C. */
const modulo = elementwise(([a, b], { node }) => {
  if (typeof a !== 'number' || typeof b !== 'number') return null;
  const isPythons = intAttribute(node, 'fmod') !== 1;
  return isPythons ? ((a % b) + b) % b : a % b;
});

/** Arithmetic, comparisons and reductions of small constants, exactly as a runtime computes them. */
export const arithmeticEvaluators: readonly (readonly [string, Evaluator])[] = [
  ['Cast', cast],
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
  ['Mod', modulo],
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
];
