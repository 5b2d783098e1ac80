import { defined } from '../../../base/assert.ts';
import { makeInt, makeInts, makeNode, makeTensor } from '../../../onnx/attributes.ts';
import { tensorInfo } from '../../../onnx/make-model.ts';
import { DataType, type Node, type Shape, type ValueInfo, type ValueName } from '../../../onnx/model.ts';
import { int64Tensor } from '../../../onnx/tensor.ts';
import { namesIn, standardOpset, uniqueNames } from '../../graph-names.ts';
import type { CalibrationModel } from './calibration-model.ts';

/** What is told of each value: its least number, its largest, and a sum, which shows whether all are finite. */
const TOLD = ['ReduceMin', 'ReduceMax', 'ReduceSum'] as const;
/** From these opsets on, axes are an input and no attribute. */
const AXES_ARE_INPUT_FROM = { ReduceMin: 18, ReduceMax: 18, ReduceSum: 13 } as const;
/** Larger values are reduced in two steps: threads share the first, and sums are taken of whole rows at a time. */
const LARGE_ELEMENTS = 16_384;

/** The least and the largest number seen of a value. */
export interface Extremes {
  /** Infinity and -Infinity where nothing was seen. */
  readonly low: number;
  readonly high: number;
  /** Whether all numbers were finite; else `low` and `high` mean nothing. */
  readonly isFinite: boolean;
}

/**
 * The calibration model with one output, [1, 3 x (inputs and values)], for `extremesIn`. So the runtime looks at
 * numbers where it made them: copying them out of its heap takes longer than looking at them.
 * @returns values in the order of the output, behind the inputs
 * @source ONNX operators Flatten, ReduceMin, ReduceMax, ReduceSum in any opset. The runtime's minimum and maximum
 *   pass over NaN, its sum does not.
 */
export function extremesModel({ model, values, inputs }: CalibrationModel): CalibrationModel {
  const { graph } = model;
  const nameOf = uniqueNames(namesIn(graph));
  const opset = standardOpset(model);
  // No initializers: in old files those are inputs, too.
  const axes = [0, 1].map((axis) =>
    makeNode('Constant', [], [nameOf(`axis_${axis}`)], [makeTensor('value', int64Tensor('', [1], [axis]))]),
  );
  const usedAxes = new Set<string>();
  const reduced = (opType: (typeof TOLD)[number], value: string, axis: number | null): Node => {
    const isInput = opset >= AXES_ARE_INPUT_FROM[opType];
    const given = axis === null || !isInput ? undefined : axes[axis]?.outputs[0];
    if (given !== undefined) usedAxes.add(given);
    return makeNode(
      opType,
      given === undefined ? [value] : [value, given],
      [nameOf(`${value}_${opType}`)],
      [makeInt('keepdims', 1), ...(axis === null || isInput ? [] : [makeInts('axes', [axis])])],
    );
  };
  /** @returns the nodes that look at a value, and what they tell */
  const looksAt = ({ name, type }: ValueInfo): readonly [nodes: readonly Node[], told: readonly string[]] => {
    const { shape, dataType } =
      type.kind === 'tensor' ? type : { shape: null, dataType: DataType.float as number };
    const cast =
      dataType === DataType.float
        ? []
        : [makeNode('Cast', [name], [nameOf(`${name}_float`)], [makeInt('to', DataType.float)])];
    // Rows are channels, or what else comes next to the batch.
    const axis = makeInt('axis', Math.min(shape?.length ?? 0, 2));
    const flat = nameOf(`${name}_rows`);
    const nodes = [...cast, makeNode('Flatten', [cast[0]?.outputs[0] ?? name], [flat], [axis])];
    const told = TOLD.map((opType) => {
      const rows = isLarge(shape) ? [reduced(opType, flat, opType === 'ReduceSum' ? 0 : 1)] : [];
      const whole = reduced(opType, rows[0]?.outputs[0] ?? flat, null);
      nodes.push(...rows, whole);
      return whole.outputs[0] as string;
    });
    return [nodes, told];
  };
  const infos = new Map<string, ValueInfo>(
    [...graph.inputs, ...graph.outputs].map((info) => [info.name, info]),
  );
  const wanted = new Set<string>(values);
  const ordered: ValueName[] = [];
  const nodes: Node[] = [];
  // Each joins what was told so far with what one more value tells, and stands behind the nodes that look at the value
  // after that. So the runtime, which goes back from its output and to the latest node first, looks at each value
  // while it is in the processor's cache, and then lets it go.
  const joins: Node[] = [];
  const look = (info: ValueInfo): void => {
    const [looking, told] = looksAt(info);
    const last = joins.at(-1);
    nodes.push(...looking, ...(last ? [last] : []));
    joins.push(
      makeNode('Concat', [...(last?.outputs ?? []), ...told], [nameOf('extremes')], [makeInt('axis', 1)]),
    );
  };
  for (const name of inputs) look(defined(infos.get(name), name));
  for (const node of graph.nodes) {
    nodes.push(node);
    for (const name of node.outputs) {
      if (!wanted.has(name)) continue;
      ordered.push(name);
      look(defined(infos.get(name), name));
    }
  }
  const join = defined(joins.at(-1), 'a value');
  nodes.push(join);
  nodes.unshift(...axes.filter(({ outputs: [axis] }) => axis !== undefined && usedAxes.has(axis)));
  const told = TOLD.length * (inputs.length + ordered.length);
  return {
    values: ordered,
    inputs,
    model: {
      ...model,
      graph: { ...graph, nodes, outputs: join.outputs.map((name) => tensorInfo(name, [1, told])) },
    },
  };
}

function isLarge(shape: Shape): boolean {
  const elements = (shape ?? []).reduce<number>(
    (product, dim) => product * (typeof dim === 'number' ? dim : 1),
    1,
  );
  return shape !== null && shape.length > 2 && elements >= LARGE_ELEMENTS;
}

/**
 * What an extremes model told of some images.
 * @param rows its output for each image, one after another
 * @param names inputs and values, in its order
 */
export function extremesIn(rows: Float32Array, names: readonly string[]): ReadonlyMap<string, Extremes> {
  const width = TOLD.length * names.length;
  return new Map(
    names.map((name, position) => {
      let [low, high, isFinite] = [Infinity, -Infinity, true];
      for (let at = TOLD.length * position; at < rows.length; at += width) {
        const [least, largest, sum] = rows.subarray(at, at + TOLD.length) as unknown as [
          number,
          number,
          number,
        ];
        // Of a value that is empty, which holds nothing that is not finite.
        if (least === Infinity && largest === -Infinity && sum === 0) continue;
        // Infinite sums of finite numbers only were too large.
        isFinite &&= Number.isFinite(least) && Number.isFinite(largest) && !Number.isNaN(sum);
        low = Math.min(low, least);
        high = Math.max(high, largest);
      }
      return [name, { low, high, isFinite }];
    }),
  );
}
