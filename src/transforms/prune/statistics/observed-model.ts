import { defined } from '../../../base/assert.ts';
import { makeInt, makeInts, makeNode, makeTensor } from '../../../onnx/attributes.ts';
import { tensorInfo } from '../../../onnx/make-model.ts';
import { DataType, type Graph, type Model, type Node } from '../../../onnx/model.ts';
import { indexGraph } from '../../../onnx/graph-index.ts';
import { int64Tensor } from '../../../onnx/tensor.ts';
import { nodesBetween } from '../../extract.ts';
import { namesIn, standardOpset, uniqueNames } from '../../graph-names.ts';
import type { ChannelMoments } from './channel-statistics.ts';

/** A value to look at along one axis. */
export interface ObservedValue {
  /** What its moments are kept under. */
  readonly key: string;
  /** In the graph. */
  readonly value: string;
  readonly axis: number;
  readonly rank: number;
  /** Length of the axis. */
  readonly channels: number;
  readonly dataType: number;
}

/** A model that tells of what its values hold. */
export interface ObservedModel {
  readonly model: Model;
  /** In the order of its output. */
  readonly observed: readonly ObservedValue[];
}

/** From this opset on, the axes of ReduceMean are an input and no attribute. */
export const AXES_ARE_INPUT_FROM = 18;
/** Mean, mean magnitude, mean square. */
const MOMENTS = 3;
/** What so many values tell is joined before it is joined with the rest: else it would be copied again and again. */
const JOINED_VALUES = 32;

/**
 * A model with one output, [1, 3 x channels], for `momentsIn`: of each value the mean, the mean magnitude and the mean
 * square along its axis, over one image. So the runtime looks at numbers where it made them.
 * @param observed values of the graph, at least one
 * @source ONNX operators Abs, Mul, ReduceMean, Reshape, Concat in any opset
 */
export function observedModel(model: Model, observed: readonly ObservedValue[]): ObservedModel {
  const { graph } = model;
  const unique = uniqueNames(namesIn(graph));
  const isInput = standardOpset(model) >= AXES_ARE_INPUT_FROM;
  // No initializers: in old files those are inputs, too.
  const constants = new Map<string, Node>();
  const constant = (values: readonly number[]): string => {
    const key = values.join();
    const known = constants.get(key);
    const node =
      known ??
      makeNode(
        'Constant',
        [],
        [unique('moments_constant')],
        [makeTensor('value', int64Tensor('', [values.length], values))],
      );
    constants.set(key, node);
    return node.outputs[0] as string;
  };
  const looksAt = ({ value, axis, rank, dataType }: ObservedValue): readonly [Node[], string[]] => {
    const nodes: Node[] = [];
    const write = (opType: string, inputs: readonly string[], attributes: Node['attributes'] = []) => {
      const name = unique(`${value}_${opType}`);
      nodes.push(makeNode(opType, inputs, [name], attributes, { name }));
      return name;
    };
    const numbers =
      dataType === DataType.float ? value : write('Cast', [value], [makeInt('to', DataType.float)]);
    const others = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    const told = [numbers, write('Abs', [numbers]), write('Mul', [numbers, numbers])].map((each) => {
      const mean =
        others.length === 0
          ? each
          : isInput
            ? write('ReduceMean', [each, constant(others)])
            : write('ReduceMean', [each], [makeInts('axes', others)]);
      return write('Reshape', [mean, constant([1, -1])]);
    });
    return [nodes, told];
  };
  const byValue = new Map<string, ObservedValue[]>();
  for (const each of observed) byValue.set(each.value, [...(byValue.get(each.value) ?? []), each]);
  const nodes: Node[] = [];
  const ordered: ObservedValue[] = [];
  const joined: string[] = [];
  // Each joins what was told so far with what one more value tells: the runtime, which goes back from its output and
  // to the latest node first, looks at each value while it is in the processor's cache, and then lets it go.
  let join = null as Node | null;
  const look = (each: ObservedValue): void => {
    const [looking, told] = looksAt(each);
    nodes.push(...looking);
    if (join !== null) nodes.push(join);
    if (ordered.length % JOINED_VALUES === 0) {
      joined.push(...(join?.outputs ?? []));
      join = null;
    }
    const inputs: readonly string[] = [...(join?.outputs ?? []), ...told];
    join = makeNode('Concat', inputs, [unique('moments')], [makeInt('axis', 1)]);
    ordered.push(each);
  };
  for (const { name } of graph.inputs) for (const each of byValue.get(name) ?? []) look(each);
  for (const node of graph.nodes) {
    nodes.push(node);
    for (const name of node.outputs) for (const each of byValue.get(name) ?? []) look(each);
  }
  const last = defined(join ?? undefined, 'a value');
  const output = unique('all_moments');
  const whole = makeNode('Concat', [...joined, ...last.outputs], [output], [makeInt('axis', 1)]);
  const width = MOMENTS * ordered.reduce((sum, { channels }) => sum + channels, 0);
  return {
    observed: ordered,
    model: {
      ...model,
      graph: onlyNeeded({
        ...graph,
        nodes: [...constants.values(), ...nodes, last, whole],
        outputs: [tensorInfo(output, [1, width])],
      }),
    },
  };
}

/** Without nodes that its outputs do not need. */
function onlyNeeded(graph: Graph): Graph {
  const outputs = graph.outputs.map(({ name }) => name);
  const needed = nodesBetween(indexGraph(graph), new Set(), outputs);
  return { ...graph, nodes: graph.nodes.filter((_, position) => needed.has(position)) };
}

/**
 * What an observed model told, as means over images.
 * @returns of the values that held finite numbers only; the keys of the others
 */
export function momentsIn(
  means: Float64Array,
  observed: readonly ObservedValue[],
): { readonly values: ReadonlyMap<string, ChannelMoments>; readonly notFinite: readonly string[] } {
  const values = new Map<string, ChannelMoments>();
  const notFinite: string[] = [];
  let at = 0;
  for (const { key, axis, channels } of observed) {
    const [mean, magnitude, square] = Array.from({ length: MOMENTS }, () =>
      Float32Array.from(means.subarray(at, (at += channels))),
    ) as [Float32Array, Float32Array, Float32Array];
    if ([mean, magnitude, square].every((each) => each.every(Number.isFinite)))
      values.set(key, { axis, mean, magnitude, square });
    else notFinite.push(key);
  }
  return { values, notFinite };
}
