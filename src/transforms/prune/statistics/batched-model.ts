import { defined } from '../../../base/assert.ts';
import { InputError } from '../../../base/result.ts';
import { DataType, type Model, type Node, type Tensor, type ValueName } from '../../../onnx/model.ts';
import { inferShapes } from '../../../onnx/shape-inference.ts';
import { nodeTitle } from '../../../onnx/shapes/facts.ts';
import { int64Tensor } from '../../../onnx/tensor.ts';
import type { AnalysedModel } from '../../analyse-model.ts';
import { nodesBetween } from '../../extract.ts';
import { namesIn, uniqueNames } from '../../graph-names.ts';

/** Any number of images that is no size of a layer by chance. */
const SOME_IMAGES = 1009;

/**
 * The model for several images at once. Files that fix one image often do so in the sizes of Reshape nodes only: these
 * then keep all sizes but the first.
 * @param needed values that are to be computed; what lies behind them may be anything
 * @returns with an input whose first size is open
 * @throws InputError `one-image-only` where a value would mix images
 */
export function batchedModel(analysed: AnalysedModel, needed: readonly ValueName[]): Model {
  const { model, index, inputs, counted } = analysed;
  const { graph } = model;
  const [input, ...others] = inputs;
  const nodes = nodesBetween(index, new Set(), needed);
  if (input === undefined || others.length > 0) throw oneImageOnly('the model', 'takes several inputs');
  const seen = new Set<string>([input]);
  const ofImages = index.order.filter((position) => {
    if (!nodes.has(position) || !index.inputsOf(position).some((name) => seen.has(name))) return false;
    for (const name of graph.nodes[position]?.outputs ?? []) seen.add(name);
    return true;
  });
  const unique = uniqueNames(namesIn(graph));
  const sizes: Tensor[] = [];
  const changed = new Map<Node, Node>();
  for (const position of ofImages) {
    const node = defined(graph.nodes[position], 'a node');
    const [value, target = ''] = node.inputs;
    const left = counted.get(defined(node.outputs[0], 'an output'))?.shape ?? [];
    const before = value === undefined ? null : counted.get(value)?.shape;
    const isFixed = node.opType === 'Reshape' && index.initializers.has(target);
    if (!isFixed || before?.[0] !== 1 || left[0] !== 1) continue;
    const rest = left.slice(1).filter((size) => typeof size === 'number');
    if (rest.length < left.length - 1) continue;
    const name = unique(`${target}_of_images`);
    sizes.push(int64Tensor(name, [left.length], [-1, ...rest]));
    changed.set(node, { ...node, inputs: node.inputs.with(1, name as ValueName) });
  }
  const withImages = (images: number | string): Model => ({
    ...model,
    // Since version 4 initializers need not be listed as inputs.
    irVersion: Math.max(4, model.irVersion),
    graph: {
      ...graph,
      nodes: graph.nodes.map((node) => changed.get(node) ?? node),
      initializers: [...graph.initializers, ...sizes],
      valueInfos: [],
      inputs: graph.inputs.map((info) => {
        const { shape } = counted.get(info.name) ?? {};
        if (info.name !== input || info.type.kind !== 'tensor' || !shape) return info;
        return { ...info, type: { ...info.type, shape: [images, ...shape.slice(1)] } };
      }),
    },
  });
  const many = new Map(inferShapes(withImages(SOME_IMAGES)));
  for (const position of ofImages) {
    const node = defined(graph.nodes[position], 'a node');
    for (const name of node.outputs) {
      const [one, all] = [counted.get(name), many.get(name)];
      if (name === '' || one?.dataType === DataType.int64) continue;
      const wanted = one?.shape?.map((size, at) => (at === 0 ? SOME_IMAGES : size)).join();
      if (wanted === undefined || one?.shape?.[0] !== 1 || all?.shape?.join() !== wanted)
        throw oneImageOnly(nodeTitle(node), 'would mix them');
    }
  }
  return withImages('images');
}

function oneImageOnly(where: string, why: string): InputError {
  return new InputError({
    code: 'one-image-only',
    message: `prune: "recalibrate" runs several images at once, and ${where} ${why}`,
    where,
    hint: 'Leave "recalibrate" out, or export the model with an open batch size.',
  });
}
