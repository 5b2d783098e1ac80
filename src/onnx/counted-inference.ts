import { type InputDims, isOpen } from './counted-size.ts';
import type { FoldedModel } from './fold.ts';
import type { Dim, Model, Shape, ValueInfo } from './model.ts';
import { inferFacts, type Inference } from './shape-inference.ts';

/** What is known of a display model's values at a size; as it was found if nothing is open. */
export function countedInference({ model, inference }: FoldedModel, dimsOf: InputDims): Inference {
  const counted = countedModel(model, dimsOf);
  return counted === model ? inference : inferFacts(counted);
}

/**
 * The model with its inputs at a size, and with that also what it declares by the same symbols; for analysis only.
 * @returns the model itself if nothing of its inputs is open
 */
function countedModel(model: Model, dimsOf: InputDims): Model {
  const symbols = new Map<string, Dim>();
  const bound = new Map<string, Shape>();
  const constants = new Set(model.graph.initializers.map(({ name }) => name));
  for (const input of model.graph.inputs) {
    if (input.type.kind === 'other' || constants.has(input.name)) continue;
    const shape = input.type.kind === 'tensor' ? input.type.shape : null;
    if (shape !== null && !shape.some(isOpen)) continue;
    const dims = dimsOf(input);
    if (dims === null) continue;
    bound.set(input.name, dims);
    shape?.forEach((dim, axis) => {
      // The first input to name a symbol says what it is.
      if (typeof dim === 'string' && !symbols.has(dim)) symbols.set(dim, dims[axis] ?? dim);
    });
  }
  if (bound.size === 0) return model;
  const fill = (dim: Dim): Dim => (typeof dim === 'string' ? (symbols.get(dim) ?? dim) : dim);
  const counted = (info: ValueInfo): ValueInfo => {
    if (info.type.kind === 'other') return info;
    const { dataType, shape } = info.type.kind === 'tensor' ? info.type : { dataType: 0, shape: null };
    const dims = bound.get(info.name) ?? shape;
    return { ...info, type: { kind: 'tensor', dataType, shape: dims?.map(fill) ?? null } };
  };
  const { graph } = model;
  return {
    ...model,
    graph: {
      ...graph,
      inputs: graph.inputs.map(counted),
      outputs: graph.outputs.map(counted),
      valueInfos: graph.valueInfos.map(counted),
    },
  };
}
