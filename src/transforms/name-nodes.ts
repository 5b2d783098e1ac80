import type { Model } from '../onnx/model.ts';

/**
 * The model with every node called like its first output: names of values are unique, those of nodes are often
 * missing or repeated, and the runtime's profile tells nothing else of a node.
 */
export function nodesNamedByOutput(model: Model): Model {
  const nodes = model.graph.nodes.map((node) => {
    const output = node.outputs.find((name) => name !== '');
    return output === undefined ? node : { ...node, name: output };
  });
  return { ...model, graph: { ...model.graph, nodes } };
}
