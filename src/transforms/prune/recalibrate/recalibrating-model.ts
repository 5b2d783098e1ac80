import { makeInts, makeNode } from '../../../onnx/attributes.ts';
import { type Model, type Node, type Tensor, valueName } from '../../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../../onnx/tensor.ts';
import { namesIn, standardOpset, uniqueNames } from '../../graph-names.ts';
import { AXES_ARE_INPUT_FROM, type ObservedValue } from '../statistics/observed-model.ts';
import type { ChannelTargets, RecalibrationPoint } from './recalibration-points.ts';

/** A point with what its channels are to be like. */
export interface AimedPoint {
  readonly point: RecalibrationPoint;
  readonly target: ChannelTargets;
}

/** A model that corrects itself. */
interface RecalibratingModel {
  readonly model: Model;
  /** What holds the values before their correction, point by point. */
  readonly observed: readonly ObservedValue[];
}

/**
 * The model that at each point brings every channel to its mean, and variance, by what a batch of images shows there:
 * so a layer sees what it will see once all before it are recalibrated, and one pass does for all, as batch
 * normalizations learn while a network trains. Outputs are still the model's own.
 * @param model of any number of images at once
 * @param aimed in order of work
 */
export function recalibratingModel(model: Model, aimed: readonly AimedPoint[]): RecalibratingModel {
  const { graph } = model;
  const unique = uniqueNames(namesIn(graph));
  const isInput = standardOpset(model) >= AXES_ARE_INPUT_FROM;
  const constants: Tensor[] = [];
  const constant = (tensor: Tensor): string => {
    const name = unique('recalibration');
    constants.push({ ...tensor, name });
    return name;
  };
  /** Nodes that make a value's corrected version under a given name. */
  const corrected = (
    { point: { observed, matchesVariance }, target }: AimedPoint,
    from: string,
    to: string,
  ): Node[] => {
    const { axis, rank, channels } = observed;
    const dims = Array.from({ length: rank }, (_, at) => (at === axis ? channels : 1));
    const others = Array.from({ length: rank }, (_, at) => at).filter((at) => at !== axis);
    const numbers = (values: Float32Array): string => constant(floatTensor('', dims, values));
    const nodes: Node[] = [];
    const write = (
      opType: string,
      inputs: readonly string[],
      output = unique(`${from}_${opType}`),
    ): string => {
      nodes.push(makeNode(opType, inputs, [output], [], { name: output }));
      return output;
    };
    const mean = (value: string): string => {
      const output = unique(`${value}_mean`);
      const axes = isInput ? [constant(int64Tensor('', [others.length], others))] : [];
      const attributes = isInput ? [] : [makeInts('axes', others)];
      nodes.push(makeNode('ReduceMean', [value, ...axes], [output], attributes, { name: output }));
      return output;
    };
    const centred = write('Sub', [from, mean(from)]);
    if (!matchesVariance) {
      write('Add', [centred, numbers(target.mean)], to);
      return nodes;
    }
    const epsilon = constant(floatTensor('', [], Float32Array.of(target.epsilon)));
    const deviation = write('Sqrt', [write('Add', [mean(write('Mul', [centred, centred])), epsilon])]);
    const wanted = numbers(target.variance.map((each) => Math.sqrt(each + target.epsilon)));
    const scaled = write('Mul', [centred, write('Div', [wanted, deviation])]);
    write('Add', [scaled, numbers(target.mean)], to);
    return nodes;
  };
  const aimedAt = new Map(aimed.map((each, position) => [each.point.observed.key, { each, position }]));
  const observed: ObservedValue[] = aimed.map(({ point }) => point.observed);
  const nodes = graph.nodes.flatMap((node): readonly Node[] => {
    const [output = valueName('')] = node.outputs;
    const found = aimedAt.get(output);
    if (found === undefined) return [node];
    const { each, position } = found;
    if (each.point.kind === 'normalization') {
      const [value = valueName('')] = node.inputs;
      const read = unique(`${value}_corrected`);
      return [...corrected(each, value, read), { ...node, inputs: node.inputs.with(0, valueName(read)) }];
    }
    const made = unique(`${output}_uncorrected`);
    observed[position] = { ...each.point.observed, value: made };
    return [{ ...node, outputs: node.outputs.with(0, valueName(made)) }, ...corrected(each, made, output)];
  });
  const initializers = [...graph.initializers, ...constants];
  return { observed, model: { ...model, graph: { ...graph, nodes, initializers, valueInfos: [] } } };
}
