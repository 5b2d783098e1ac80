import { makeInt, makeInts, makeNode } from '../../onnx/attributes.ts';
import { DataType, type Node, type Tensor } from '../../onnx/model.ts';
import { bytesTensor, int64Tensor } from '../../onnx/tensor.ts';
import type { ConfidenceMeasure } from './confidence.ts';

/** A class score's exit as the graph sees it. */
export interface ScoredValue {
  readonly name: string;
  readonly rank: number | null;
  readonly classCount: number;
  readonly dataType: number;
  readonly kind: 'logits' | 'probabilities';
}

/** Nodes and their constants, and the value that they make. */
export interface Fragment {
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly output: string;
}

/**
 * Nodes that decide whether an exit is confident enough, for all images of the batch. Computed in float64, as the
 * lab does between segments, so that both decide alike.
 * @param opset from 11
 * @param unique gives out names that are not taken
 * @returns `output`: one boolean
 * @source `confidenceOf` defines the measures
 */
export function confidenceNodes(
  value: ScoredValue,
  measure: ConfidenceMeasure,
  threshold: number,
  opset: number,
  unique: (wanted: string) => string,
): Fragment {
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const add = (opType: string, inputs: readonly string[], attributes: Node['attributes'] = []): string => {
    const output = unique(`${value.name}_${opType.toLowerCase()}`);
    nodes.push(makeNode(opType, inputs, [output], attributes, { name: output }));
    return output;
  };
  const constant = (tensor: (name: string) => Tensor, about: string): string => {
    const name = unique(`${value.name}_${about}`);
    initializers.push(tensor(name));
    return name;
  };
  const number = (about: string, ...values: number[]): string =>
    constant((name) => doubleTensor(name, values.length === 1 ? [] : [1, values.length], values), about);
  /** Reduces an axis; `axes` moved from an attribute to an input, for sums before the others. */
  const reduce = (opType: 'ReduceSum' | 'ReduceMax' | 'ReduceMin', input: string, axes: number[]): string =>
    opset >= (opType === 'ReduceSum' ? 13 : 18)
      ? add(opType, [input, constant((name) => int64Tensor(name, [axes.length], axes), 'axes')])
      : add(opType, [input], [makeInts('axes', axes)]);

  const row = add('Flatten', [value.name], [makeInt('axis', value.rank === 1 ? 0 : 1)]);
  const scores =
    value.dataType === DataType.double ? row : add('Cast', [row], [makeInt('to', DataType.double)]);
  const probabilities = value.kind === 'logits' ? add('Softmax', [scores], [makeInt('axis', 1)]) : scores;

  const confidence = (): string => {
    // Of a single class there is nothing to compare with.
    const kind = value.classCount < 2 ? 'max-softmax' : measure;
    switch (kind) {
      case 'max-softmax':
        return reduce('ReduceMax', probabilities, [1]);
      case 'margin': {
        const two = constant((name) => int64Tensor(name, [1], [2]), 'two');
        const [best, places] = [unique(`${value.name}_best`), unique(`${value.name}_places`)];
        nodes.push(makeNode('TopK', [probabilities, two], [best, places], [makeInt('axis', 1)]));
        return reduce('ReduceSum', add('Mul', [best, number('signs', 1, -1)]), [1]);
      }
      case 'entropy': {
        // What is impossible adds nothing, but has no logarithm.
        const positive = add('Max', [probabilities, number('least', 2.3e-308)]);
        const sum = reduce('ReduceSum', add('Mul', [probabilities, add('Log', [positive])]), [1]);
        const share = add('Div', [sum, number('most', Math.log(value.classCount))]);
        return add('Add', [share, number('one', 1)]);
      }
    }
  };
  const least = reduce('ReduceMin', confidence(), [0, 1]);
  // There is no "at least" for float64 in old opsets: more than the number before is the same, and false for NaN.
  const output = add('Greater', [least, number('threshold', numberBefore(threshold))]);
  return { nodes, initializers, output };
}

function doubleTensor(name: string, dims: readonly number[], values: readonly number[]): Tensor {
  const bytes = new Uint8Array(Float64Array.from(values).buffer);
  return bytesTensor(name, dims, DataType.double, bytes);
}

/** The largest float64 below a number. */
export function numberBefore(value: number): number {
  if (value === 0) return -Number.MIN_VALUE;
  const [bits] = new BigInt64Array(Float64Array.of(value).buffer);
  return new Float64Array(BigInt64Array.of((bits as bigint) + (value > 0 ? -1n : 1n)).buffer)[0] as number;
}
