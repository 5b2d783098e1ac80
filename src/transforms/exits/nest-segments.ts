import { assert, defined } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import { graphAttributes, makeGraph, makeNode, makeTensor } from '../../onnx/attributes.ts';
import {
  DataType,
  type Graph,
  type Model,
  type Node,
  type OpsetImport,
  type Shape,
  type Tensor,
  type ValueInfo,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { tensorInfo } from '../../onnx/make-model.ts';
import { dataTypeName, int64Tensor } from '../../onnx/tensor.ts';
import { namesIn, uniqueNames, standardOpset } from '../graph-names.ts';
import { raiseOpset } from '../quantize/raise-opset.ts';
import type { ExitPlan } from '../variant.ts';
import { DEFAULT_CONFIDENCE } from './confidence.ts';
import { confidenceNodes } from './confidence-nodes.ts';

/** A segment that ends with an exit. */
export interface ExitSegment {
  readonly model: Model;
  readonly exit: ExitPlan;
}

export interface NestedModel {
  readonly model: Model;
  /** Number of the exit that was taken, as in `GraphView.exits`: one int64. */
  readonly exitIndexOutput: ValueName;
}

/**
 * The segments of a multi-exit model as one model that decides by itself where to stop: each exit but the last is
 * followed by an `If`, whose then-branch gives the exit's scores and number, and whose else-branch is the rest.
 * A branch has the weights that only it needs, so those of the rest are not touched where inference stops before.
 * @param segments in order, without cuts between them; none needs more than the model's inputs and earlier segments
 * @param outputName the final output; all exits' scores leave under this name
 * @param inputs of the whole model
 * @throws InputError `exits-differ` if exits do not give the same kind of scores, `opset-too-old`
 */
export function nestSegments(
  segments: readonly ExitSegment[],
  outputName: ValueName,
  inputs: readonly ValueInfo[],
): NestedModel {
  const raised = segments.map(({ model, exit }) => ({ model: raiseOpset(model), exit }));
  const outer = defined(raised[0], 'first segment').model;
  const opset = standardOpset(outer);
  assert(
    raised.every(({ model }) => standardOpset(model) === opset),
    'segments have one opset',
  );
  const types = raised.map(({ model, exit }) => outputType(model.graph, exit.output));
  checkAlike(raised, types);

  const unique = uniqueNames(new Set(raised.flatMap(({ model }) => [...namesIn(model.graph)])));
  const parts = inOneScope(raised, outputName, unique);
  const exitIndexOutput = unique('exit_index');
  const [scoresType, scoresShape] = outputOf(types);
  const scoresInfo = (name: string): ValueInfo => tensorInfo(name, scoresShape, scoresType);
  const indexInfo = (name: string): ValueInfo => tensorInfo(name, [], DataType.int64);

  /** The graph from one segment to the end, with its scores and exit number under these names. */
  const graphFrom = (at: number, scores: string, index: string): Graph => {
    const { graph, exit, exitValue } = defined(parts[at], `segment ${at}`);
    const outputs = [scoresInfo(scores), indexInfo(index)];
    if (at === parts.length - 1) {
      const number = makeNode(
        'Constant',
        [],
        [index],
        [makeTensor('value', int64Tensor('', [], [exit.index]))],
      );
      const same = exitValue === scores ? [] : [makeNode('Identity', [exitValue], [scores])];
      return { ...graph, inputs: [], outputs, nodes: [...graph.nodes, ...same, number] };
    }
    const [dataType, shape] = types[at] as OutputType;
    const classes = (shape ?? []).slice(1).filter((dim) => dim !== 1);
    const decision = confidenceNodes(
      {
        name: exitValue,
        rank: shape?.length ?? null,
        classCount: classCountOf(exit, shape, classes),
        dataType,
        kind: exit.scores,
      },
      exit.confidence ?? DEFAULT_CONFIDENCE,
      exit.threshold,
      opset,
      unique,
    );
    const [thenScores, thenIndex] = [unique(`${outputName}_at_exit`), unique('exit_index_here')];
    const here: Graph = {
      ...emptyGraph,
      name: `exit ${exit.index}`,
      nodes: [
        makeNode('Identity', [exitValue], [thenScores]),
        makeNode('Constant', [], [thenIndex], [makeTensor('value', int64Tensor('', [], [exit.index]))]),
      ],
      outputs: [scoresInfo(thenScores), indexInfo(thenIndex)],
    };
    const rest = graphFrom(at + 1, unique(`${outputName}_after`), unique('exit_index_after'));
    const branches = makeNode(
      'If',
      [decision.output],
      [scores, index],
      [makeGraph('then_branch', here), makeGraph('else_branch', rest)],
      { name: unique(`stop_at_exit_${exit.index}`) },
    );
    return {
      ...graph,
      inputs: [],
      initializers: [...graph.initializers, ...decision.initializers],
      nodes: [...graph.nodes, ...decision.nodes, branches],
      outputs,
    };
  };
  const graph = { ...graphFrom(0, outputName, exitIndexOutput), inputs };
  return {
    model: { ...outer, opsetImports: importsOf(raised.map(({ model }) => model)), graph },
    exitIndexOutput: valueName(exitIndexOutput),
  };
}

/** Quantized segments may use operators of a domain that the first one does not need. */
function importsOf(models: readonly Model[]): readonly OpsetImport[] {
  const imports = new Map<string, OpsetImport>();
  for (const { opsetImports } of models) {
    for (const each of opsetImports) if (!imports.has(each.domain)) imports.set(each.domain, each);
  }
  return [...imports.values()];
}

const emptyGraph: Graph = {
  name: '',
  nodes: [],
  initializers: [],
  inputs: [],
  outputs: [],
  valueInfos: [],
  docString: '',
  unknown: [],
};

type OutputType = readonly [dataType: number, shape: Shape];

function outputType(graph: Graph, name: ValueName): OutputType {
  const { type } = defined(
    graph.outputs.find((output) => output.name === name),
    `exit ${name}`,
  );
  return type.kind === 'tensor' ? [type.dataType, type.shape] : [0, null];
}

/** Of the final exit; dimensions that exits call differently are left open. */
function outputOf(types: readonly OutputType[]): OutputType {
  const [dataType, shape] = defined(types.at(-1), 'final exit');
  if (shape === null || types.some(([, other]) => other === null)) return [dataType, null];
  return [dataType, shape.map((dim, at) => (types.every(([, other]) => other?.[at] === dim) ? dim : null))];
}

/** Both branches of an `If` must give the same. */
function checkAlike(segments: readonly ExitSegment[], types: readonly OutputType[]): void {
  const final = segments.length - 1;
  const describe = (at: number): string => {
    const [dataType, shape] = types[at] as OutputType;
    const dims = shape?.map((dim) => dim ?? '?').join(', ') ?? '?';
    return `${segments[at]?.exit.scores} as ${dataTypeName(dataType)} [${dims}]`;
  };
  segments.forEach(({ exit }, at) => {
    const [[dataType, shape], [finalType, finalShape]] = [
      types[at] as OutputType,
      types[final] as OutputType,
    ];
    const isAlike =
      exit.scores === segments[final]?.exit.scores &&
      dataType === finalType &&
      (shape === null ||
        finalShape === null ||
        (shape.length === finalShape.length &&
          shape.every((dim, axis) => isOpen(dim) || isOpen(finalShape[axis]) || dim === finalShape[axis])));
    if (isAlike) return;
    throw new InputError({
      code: 'exits-differ',
      message: `early-exit "if": exit ${exit.index} gives ${describe(at)}, the final exit ${describe(final)}; both branches of an If must give the same`,
      where: exit.output,
      hint: 'Use "form": "segments", where exits may differ.',
    });
  });
}

function isOpen(dim: NonNullable<Shape>[number] | undefined): boolean {
  return typeof dim !== 'number';
}

function classCountOf(exit: ExitPlan, shape: Shape, classes: readonly unknown[]): number {
  if (shape?.length === 1 && typeof shape[0] === 'number') return shape[0];
  if (shape !== null && classes.length === 0) return 1;
  const [count] = classes;
  if (classes.length === 1 && typeof count === 'number') return count;
  throw new InputError({
    code: 'exit-classes-unknown',
    message: `early-exit "if": found shape [${shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}] at exit ${exit.index}, wanted a known number of classes`,
    where: exit.output,
    hint: 'Use "form": "segments", where the number is known when it runs.',
  });
}

interface Part {
  readonly graph: Graph;
  readonly exit: ExitPlan;
  /** What the exit's value is called. */
  readonly exitValue: string;
}

/**
 * Segments were models of their own; one inside the other they share a scope. Weights that an outer one has are
 * left out, and what is called like something else is renamed.
 */
function inOneScope(
  segments: readonly ExitSegment[],
  outputName: ValueName,
  unique: (wanted: string) => string,
): Part[] {
  const made = new Set<string>([outputName]);
  const weights = new Map<string, Tensor>();
  return segments.map(({ model: { graph }, exit }): Part => {
    const renamed = new Map<string, string>();
    const define = (name: string): void => {
      if (name === '') return;
      if (made.has(name)) renamed.set(name, unique(name));
      else made.add(name);
    };
    const initializers = graph.initializers.filter((tensor) => {
      if (weights.get(tensor.name) === tensor) return false;
      define(tensor.name);
      weights.set(tensor.name, weights.get(tensor.name) ?? tensor);
      return true;
    });
    for (const { outputs } of graph.nodes) outputs.forEach(define);
    const part = renamed.size === 0 ? graph : renameValues(graph, renamed);
    const newName = (name: string): string => renamed.get(name) ?? name;
    return {
      exit,
      exitValue: newName(exit.output),
      graph: {
        ...part,
        initializers: initializers.map((tensor) =>
          renamed.has(tensor.name) ? { ...tensor, name: newName(tensor.name) } : tensor,
        ),
      },
    };
  });
}

/** Renames values everywhere they are made or read, in subgraphs too; weights are the caller's. */
function renameValues(graph: Graph, renamed: ReadonlyMap<string, string>): Graph {
  const rename = (name: ValueName): ValueName => valueName(renamed.get(name) ?? name);
  const renameNode = (node: Node): Node => ({
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes:
      graphAttributes(node).length === 0
        ? node.attributes
        : node.attributes.map((attribute) => {
            const { value } = attribute;
            if (value.kind === 'graph')
              return { ...attribute, value: { kind: 'graph', value: renameValues(value.value, renamed) } };
            if (value.kind !== 'graphs') return attribute;
            const graphs = value.value.map((inner) => renameValues(inner, renamed));
            return { ...attribute, value: { kind: 'graphs', value: graphs } };
          }),
  });
  return {
    ...graph,
    nodes: graph.nodes.map(renameNode),
    outputs: graph.outputs.map((output) => ({ ...output, name: rename(output.name) })),
    valueInfos: graph.valueInfos.map((info) => ({ ...info, name: rename(info.name) })),
  };
}
