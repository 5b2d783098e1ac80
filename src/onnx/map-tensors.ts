import type { Attribute, AttributeValue, Graph, Model, Node, Tensor } from './model.ts';

/**
 * Replaces tensors everywhere: initializers and attributes, of subgraphs too. What holds no changed tensor stays
 * the same object, so that it is still written as it was.
 */
export function mapModelTensors(model: Model, change: (tensor: Tensor) => Tensor): Model {
  const graph = mapGraph(model.graph, change);
  return graph === model.graph ? model : { ...model, graph };
}

function mapGraph(graph: Graph, change: (tensor: Tensor) => Tensor): Graph {
  const initializers = mapped(graph.initializers, change);
  const nodes = mapped(graph.nodes, (node) => mapNode(node, change));
  return initializers === graph.initializers && nodes === graph.nodes
    ? graph
    : { ...graph, initializers, nodes };
}

function mapNode(node: Node, change: (tensor: Tensor) => Tensor): Node {
  const attributes = mapped(node.attributes, (attribute) => mapAttribute(attribute, change));
  return attributes === node.attributes ? node : { ...node, attributes };
}

function mapAttribute(attribute: Attribute, change: (tensor: Tensor) => Tensor): Attribute {
  const value = mapValue(attribute.value, change);
  return value === attribute.value ? attribute : { ...attribute, value };
}

function mapValue(value: AttributeValue, change: (tensor: Tensor) => Tensor): AttributeValue {
  switch (value.kind) {
    case 'tensor': {
      const tensor = change(value.value);
      return tensor === value.value ? value : { kind: 'tensor', value: tensor };
    }
    case 'tensors': {
      const tensors = mapped(value.value, change);
      return tensors === value.value ? value : { kind: 'tensors', value: tensors };
    }
    case 'graph': {
      const graph = mapGraph(value.value, change);
      return graph === value.value ? value : { kind: 'graph', value: graph };
    }
    case 'graphs': {
      const graphs = mapped(value.value, (graph) => mapGraph(graph, change));
      return graphs === value.value ? value : { kind: 'graphs', value: graphs };
    }
    default:
      return value;
  }
}

/** `items.map(change)`, but the same array if nothing changed. */
function mapped<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  const results = items.map(change);
  return results.every((result, i) => result === items[i]) ? items : results;
}
