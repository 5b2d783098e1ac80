import { type Model, type ValueName, valueName } from '../onnx/model.ts';

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

/**
 * A variant of a model, its values called as before, with every node named after the original's node that it stands
 * for: `OUTPUT`, or `OUTPUT/3` where it makes a value that the original does not have, on the way to OUTPUT.
 */
export function nodesNamedByOriginal(variant: Model, original: Model): Model {
  const known = new Set(original.graph.nodes.flatMap(({ outputs }) => outputs));
  const ownerOfValue = new Map<ValueName, ValueName>();
  const owners: (ValueName | undefined)[] = [];
  // Nodes are in topological order, so those that use a value come first this way.
  for (const { opType, inputs, outputs } of variant.graph.nodes.toReversed()) {
    const made = QUANTIZERS.has(opType) ? outputs : outputs.map((name) => floatNameOf(name, known));
    const own = made.find((name) => name !== '' && known.has(name));
    const owner = own ?? outputs.map((name) => ownerOfValue.get(name)).find((name) => name !== undefined);
    owners.push(owner);
    if (owner === undefined) continue;
    for (const name of inputs) if (!known.has(name)) ownerOfValue.set(name, owner);
  }
  owners.reverse();
  const nodes = variant.graph.nodes.map((node, position) => {
    const owner = owners[position];
    if (owner === undefined) return node;
    return { ...node, name: node.outputs.includes(owner) ? owner : `${owner}/${position}` };
  });
  return { ...variant, graph: { ...variant.graph, nodes } };
}

/** These convert for those that use what they make, not for the node that made the floats. */
const QUANTIZERS: ReadonlySet<string> = new Set(['QuantizeLinear', 'DynamicQuantizeLinear']);

/** What a value in integers is called in the original: `conv1` where integer operators make `conv1_quantized`. */
function floatNameOf(name: ValueName, known: ReadonlySet<ValueName>): ValueName {
  if (known.has(name)) return name;
  return valueName(name.replace(/_quantized(_\d+)?$/, ''));
}
