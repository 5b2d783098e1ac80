import { InputError } from '../../base/result.ts';
import {
  type Attribute,
  DataType,
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { type Inference, inferFacts } from '../../onnx/shape-inference.ts';
import { tensorElements } from '../../onnx/shapes/elements.ts';
import { knownNumbers, nodeTitle } from '../../onnx/shapes/facts.ts';
import { isStandardDomain, namesIn, namesRead, standardOpset, uniqueNames } from '../graph-names.ts';
import { OPSET_CHANGES, type OpsetChange, type RewriteContext } from './opset-changes.ts';
import type { Prepared } from './prepared.ts';

/** Before 7, broadcasting was an attribute of every arithmetic operator. */
const OLDEST_OPSET = 7;
/** The newest whose changes are known here. */
const NEWEST_OPSET = 21;

/** The least IR version that files of an opset need. */
const IR_VERSIONS: readonly (readonly [opset: number, irVersion: number])[] = [
  [21, 10],
  [19, 9],
  [15, 8],
  [12, 7],
  [11, 6],
  [10, 5],
];

/**
 * The model written for this opset, computing the same; as it is if it is that new already. Values keep their
 * names; subgraphs are converted, too. Conservative: nodes that cannot be rewritten faithfully are refused.
 * @param version 8 to 21
 * @throws InputError `opset-too-old`, with the node and the reason
 */
export function convertOpset(model: Model, version: number): Prepared {
  const current = standardOpset(model);
  if (current >= version) return { model, changed: 0, left: [] };
  const refuse = (reason: string, where: string): never => {
    throw new InputError({
      code: 'opset-too-old',
      message: `opset ${version} is needed, this model has ${current}, and ${reason}`,
      where,
      hint: `Export the model again with opset ${version} or newer, or convert it with onnx.version_converter.`,
    });
  };
  if (version > NEWEST_OPSET) refuse(`versions after ${NEWEST_OPSET} are not known here`, 'opset_import');
  if (current < OLDEST_OPSET) refuse(`versions before ${OLDEST_OPSET} broadcast differently`, 'opset_import');
  const changes = OPSET_CHANGES.filter(({ since }) => current < since && since <= version);
  const conversion = new Conversion(model, changes, refuse);
  const graph = conversion.convert(model.graph);
  return {
    model: {
      ...model,
      irVersion: Math.max(model.irVersion, IR_VERSIONS.find(([opset]) => version >= opset)?.[1] ?? 4),
      opsetImports: model.opsetImports.map((entry) =>
        isStandardDomain(entry) ? { ...entry, version } : entry,
      ),
      graph:
        conversion.constants.length === 0
          ? graph
          : { ...graph, initializers: [...graph.initializers, ...conversion.constants] },
    },
    changed: conversion.changed,
    left: [],
  };
}

/** Rewrites node by node; constants go to the main graph, which subgraphs see. */
class Conversion {
  readonly constants: Tensor[] = [];
  changed = 0;
  private readonly model: Model;
  private readonly changes: readonly OpsetChange[];
  private readonly refuse: (reason: string, where: string) => never;
  private readonly context: RewriteContext;
  private inference: Inference | null = null;
  private read: ReadonlySet<string> | null = null;

  constructor(
    model: Model,
    changes: readonly OpsetChange[],
    refuse: (reason: string, where: string) => never,
  ) {
    this.model = model;
    this.changes = changes;
    this.refuse = refuse;
    const unique = uniqueNames(namesIn(model.graph));
    // Values of subgraphs are not in there: nothing is known of them.
    const factsOf = (name: ValueName) => this.facts().get(name);
    this.context = {
      constant: (stem, make) => {
        const tensor = make(unique(stem));
        this.constants.push(tensor);
        return valueName(tensor.name);
      },
      value: (stem) => valueName(unique(stem)),
      shapeOf: (name) => factsOf(name)?.shape ?? null,
      numbersOf: (name) => {
        const added = this.constants.find((tensor) => tensor.name === name);
        if (added !== undefined) return knownNumbers(tensorElements(added));
        return knownNumbers((name && factsOf(name)?.elements?.()) || null);
      },
      isRead: (name) => {
        this.read ??= new Set([
          ...namesRead(model.graph.nodes),
          ...model.graph.outputs.map((output) => output.name),
        ]);
        return this.read.has(name);
      },
      typeOf: (name) => factsOf(name)?.dataType ?? DataType.undefined,
    };
  }

  convert(graph: Graph): Graph {
    let isSame = true;
    const nodes = graph.nodes.flatMap((original) => {
      const node = this.withConvertedGraphs(original);
      const rewritten = isStandardDomain(node) ? this.rewritten(node) : [node];
      if (rewritten.length !== 1 || rewritten[0] !== original) {
        isSame = false;
        this.changed++;
      }
      return rewritten;
    });
    return isSame ? graph : { ...graph, nodes };
  }

  private rewritten(original: Node): readonly Node[] {
    let nodes: readonly Node[] = [original];
    for (const { operators, rewrite } of this.changes) {
      if (!nodes.some(({ opType }) => operators.includes(opType))) continue;
      nodes = nodes.flatMap((node) => {
        if (!operators.includes(node.opType)) return [node];
        const result = rewrite(node, this.context);
        if (result.kind === 'nodes') return result.nodes;
        const place = `${original.opType}${original.name === '' ? '' : ` "${original.name}"`}`;
        return this.refuse(`${place} ${result.reason}`, nodeTitle(original));
      });
    }
    return nodes;
  }

  private withConvertedGraphs(node: Node): Node {
    const attributes = node.attributes.map((attribute) => this.convertedAttribute(attribute));
    return attributes.every((attribute, at) => attribute === node.attributes[at])
      ? node
      : { ...node, attributes };
  }

  private convertedAttribute(attribute: Attribute): Attribute {
    const { value } = attribute;
    if (value.kind === 'graph') {
      const graph = this.convert(value.value);
      return graph === value.value ? attribute : { ...attribute, value: { kind: 'graph', value: graph } };
    }
    if (value.kind === 'graphs') {
      const graphs = value.value.map((graph) => this.convert(graph));
      const isSame = graphs.every((graph, at) => graph === value.value[at]);
      return isSame ? attribute : { ...attribute, value: { kind: 'graphs', value: graphs } };
    }
    return attribute;
  }

  private facts(): Inference['facts'] {
    this.inference ??= inferFacts(this.model);
    return this.inference.facts;
  }
}
