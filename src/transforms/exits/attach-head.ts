import { defined } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import { makeInt, makeInts, makeNode } from '../../onnx/attributes.ts';
import { DataType, type Model, type Node, type Tensor, type ValueName, valueName } from '../../onnx/model.ts';
import { tensorInfo } from '../../onnx/make-model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { namesIn, uniqueNames, standardOpset } from '../graph-names.ts';
import { nearestNames } from '../nearest-name.ts';
import { type Pooling, requirePooling } from './pooling.ts';
import type { TrainedHead } from './trained-head.ts';
import { layoutOf } from './value-layout.ts';

/** A model with exits, and how each exit's output is called, by the value it hangs on. */
export interface WithHeads {
  readonly model: Model;
  readonly outputOf: ReadonlyMap<string, ValueName>;
}

/**
 * Puts trained heads into the graph as ordinary nodes: pooling, `Flatten`, `Gemm`. Each becomes an output called
 * `exit_` and the value's name, listed before the outputs that the model has: where work is equal, the original
 * output stays the last exit.
 * @param areWidthsGuessed whether a recipe is only checked and values may turn out as wide as the heads want them
 * @throws InputError if a value is missing, cannot be pooled, or the head was trained for another shape
 */
export function attachHeads(
  analysed: AnalysedModel,
  heads: readonly TrainedHead[],
  areWidthsGuessed = false,
): WithHeads {
  const { graph } = analysed.model;
  const unique = uniqueNames(namesIn(graph));
  const classCount = classCountOf(analysed);
  const outputOf = new Map<string, ValueName>();
  const grown = heads.map((given) => {
    const pooled = poolNodes(analysed, given.value, unique);
    const head = areWidthsGuessed ? emptyHead(given, pooled.width) : given;
    checkFits(head, pooled.width, classCount);
    const output = valueName(unique(`exit_${head.value}`));
    const [weights, bias] = [unique(`${output}_weight`), unique(`${output}_bias`)];
    outputOf.set(head.value, output);
    const attributes = [makeInt('transB', 1)];
    // Before opset 7 the bias had to be told to repeat.
    if (standardOpset(analysed.model) < 7) attributes.push(makeInt('broadcast', 1));
    return {
      after: pooled.after,
      nodes: [
        ...pooled.nodes,
        makeNode('Gemm', [pooled.output, weights, bias], [output], attributes, {
          name: unique(`${output}_gemm`),
        }),
      ],
      initializers: [
        ...pooled.initializers,
        floatTensor(weights, [head.classCount, head.width], head.weights),
        floatTensor(bias, [head.classCount], head.bias),
      ],
      output: tensorInfo(output, [pooled.batch, head.classCount]),
    };
  });
  return {
    outputOf,
    model: {
      ...analysed.model,
      // Version 3 wanted every initializer listed as an input.
      irVersion: Math.max(analysed.model.irVersion, 4),
      graph: {
        ...graph,
        nodes: insertedAfter(graph.nodes, grown),
        initializers: [...graph.initializers, ...grown.flatMap(({ initializers }) => initializers)],
        outputs: [...grown.map(({ output }) => output), ...graph.outputs],
      },
    },
  };
}

/**
 * The model that computes features: its outputs are the pooled taps, in order, and the final scores.
 * @throws InputError as `requireTrainable`
 */
export function featureModel(
  analysed: AnalysedModel,
  taps: readonly string[],
): { readonly model: Model; readonly outputs: readonly ValueName[]; readonly widths: readonly number[] } {
  const { graph } = analysed.model;
  classCountOf(analysed);
  const unique = uniqueNames(namesIn(graph));
  const pooled = taps.map((tap) => poolNodes(analysed, tap, unique));
  const final = finalOutput(analysed);
  const outputs = pooled.map(({ output }) => valueName(output));
  return {
    outputs,
    widths: pooled.map(({ width }) => width),
    model: {
      ...analysed.model,
      irVersion: Math.max(analysed.model.irVersion, 4),
      graph: {
        ...graph,
        nodes: insertedAfter(graph.nodes, pooled),
        initializers: [...graph.initializers, ...pooled.flatMap(({ initializers }) => initializers)],
        outputs: [
          ...pooled.map(({ output, batch, width }) => tensorInfo(output, [batch, width])),
          ...graph.outputs.filter(({ name }) => name === final),
        ],
      },
    },
  };
}

/**
 * Whether heads could be trained at these values.
 * @throws InputError `exit-not-class-scores`, or as `attachHeads`
 */
export function requireTrainable(analysed: AnalysedModel, values: readonly string[]): void {
  classCountOf(analysed);
  const unique = uniqueNames(namesIn(analysed.model.graph));
  for (const value of values) poolNodes(analysed, value, unique);
}

/** How many classes the final output scores. @throws InputError `exit-not-class-scores` */
export function classCountOf(analysed: AnalysedModel): number {
  const output = finalOutput(analysed);
  const shape = analysed.shapes.get(output)?.shape ?? null;
  const wide = (shape ?? []).slice(1).filter((dim) => dim !== 1);
  const [classes] = wide;
  if (shape !== null && wide.length === 1 && typeof classes === 'number') return classes;
  const isOneScore = shape !== null && wide.length === 0;
  throw new InputError({
    code: 'exit-not-class-scores',
    message: `early-exit: found ${isOneScore ? 'a single score, ' : ''}shape [${(shape ?? []).map((dim) => dim ?? '?').join(', ')}], at the output "${output}", wanted one score for each of at least two classes`,
    where: output,
    hint: 'Exits are trained for classifiers only; blocks can be skipped in any model that repeats some.',
  });
}

interface Pooled {
  /** Position of the node that makes the value; -1: an input of the model. */
  readonly after: number;
  readonly nodes: readonly Node[];
  readonly initializers: readonly Tensor[];
  readonly output: string;
  readonly width: number;
  readonly batch: number | string | null;
}

function poolNodes(analysed: AnalysedModel, value: string, unique: (name: string) => string): Pooled {
  const { index, shapes } = analysed;
  const name = valueName(value);
  const after = index.producer.get(name);
  if (after === undefined) throw noSuchValue(analysed, value);
  const { dataType, shape } = shapes.get(name) ?? { dataType: 0, shape: null };
  const { pooling, width } = requirePooling(value, shape, layoutOf(analysed, name));
  if (dataType !== DataType.float && dataType !== DataType.float16) {
    throw new InputError({
      code: 'exit-not-poolable',
      message: `early-exit: "${value}" does not hold floats, wanted float32 or float16`,
      where: value,
    });
  }
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const made: Made = {
    last: value,
    add: (opType, inputs, ...attributes) => {
      const output = unique(`${value}_${opType.toLowerCase()}`);
      nodes.push(makeNode(opType, inputs, [output], attributes, { name: unique(`${output}_node`) }));
      return output;
    },
    index: (position) => {
      const name = unique(`${value}_index`);
      initializers.push(int64Tensor(name, [1], [position]));
      return name;
    },
  };
  if (dataType === DataType.float16) made.last = made.add('Cast', [value], makeInt('to', DataType.float));
  pool(pooling, made);
  return { after, nodes, initializers, output: made.last, width, batch: shape?.[0] ?? null };
}

/** A chain of nodes as it grows. */
interface Made {
  last: string;
  /** @returns the new node's output */
  readonly add: (
    opType: string,
    inputs: readonly string[],
    ...attributes: ReturnType<typeof makeInt>[]
  ) => string;
  /** @returns the name of a constant */
  readonly index: (position: number) => string;
}

/** Operators that mean the same in every opset: `ReduceMean` and `Slice` moved attributes to inputs. */
function pool(pooling: Pooling, made: Made): void {
  const then = (opType: string, ...attributes: ReturnType<typeof makeInt>[]): void => {
    made.last = made.add(opType, [made.last], ...attributes);
  };
  switch (pooling.kind) {
    case 'grid':
      if (pooling.channelsLast) then('Transpose', makeInts('perm', [0, 3, 1, 2]));
      if (pooling.kernel === null) then('GlobalAveragePool');
      else {
        const kernel = [...pooling.kernel];
        then('AveragePool', makeInts('kernel_shape', kernel), makeInts('strides', kernel));
      }
      break;
    case 'tokens': {
      const tokens = made.last;
      then('Transpose', makeInts('perm', [0, 2, 1]));
      then('GlobalAveragePool');
      then('Flatten', makeInt('axis', 1));
      if (!pooling.withFirst) return;
      const first = made.add('Gather', [tokens, made.index(0)], makeInt('axis', 1));
      const flat = made.add('Flatten', [first], makeInt('axis', 1));
      made.last = made.add('Concat', [flat, made.last], makeInt('axis', 1));
      return;
    }
    case 'positions':
      then('GlobalAveragePool');
      break;
    case 'vector':
      break;
  }
  then('Flatten', makeInt('axis', 1));
}

/** Each group right behind its value, so that a cut after it need not wait for the head. */
function insertedAfter(
  nodes: readonly Node[],
  groups: readonly { readonly after: number; readonly nodes: readonly Node[] }[],
): Node[] {
  const added = new Map<number, Node[]>();
  for (const { after, nodes: group } of groups) added.set(after, [...(added.get(after) ?? []), ...group]);
  return nodes.flatMap((node, at) => [node, ...(added.get(at) ?? [])]);
}

function emptyHead(head: TrainedHead, width: number): TrainedHead {
  return { ...head, width, weights: new Float32Array(head.classCount * width) };
}

function checkFits({ value, width, classCount }: TrainedHead, pooledWidth: number, classes: number): void {
  if (width === pooledWidth && classCount === classes) return;
  throw new InputError({
    code: 'head-mismatch',
    message: `early-exit: the head trained for "${value}" takes ${width} features and tells ${classCount} classes, wanted ${pooledWidth} and ${classes}`,
    where: value,
    hint: 'It was trained for another model: train the exit again.',
  });
}

function noSuchValue({ model }: AnalysedModel, value: string): InputError {
  const known = model.graph.nodes.flatMap(({ outputs }) => outputs).filter((output) => output !== '');
  const near = nearestNames(value, known);
  return new InputError({
    code: 'exit-unknown-value',
    message: `early-exit: there is no value "${value}" in this model`,
    where: value,
    ...(near.length > 0
      ? { hint: `The nearest names are ${near.map((each) => JSON.stringify(each)).join(', ')}.` }
      : {}),
  });
}

function finalOutput({ exits }: AnalysedModel): ValueName {
  return defined(exits.at(-1), 'final output').output;
}
