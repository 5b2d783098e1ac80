import { InputError } from '../../base/result.ts';
import { graphAttributes, makeNode } from '../../onnx/attributes.ts';
import { capturedValues, type GraphIndex, indexGraph } from '../../onnx/graph-index.ts';
import { type Graph, type Shape, type ValueName, valueName } from '../../onnx/model.ts';
import { shapeText } from '../../onnx/shape-inference.ts';
import { dataTypeName } from '../../onnx/tensor.ts';
import { type AnalysedModel, analyseEdited } from '../analyse-model.ts';
import { nodesBetween, subModel } from '../extract.ts';
import { namesIn, uniqueNames } from '../graph-names.ts';
import { nearestNames } from '../nearest-name.ts';
import type { BlockPruneOperator } from '../prune/prune-operator.ts';
import { lastBlocks } from './last-blocks.ts';
import { type Bypass, DEFAULT_SKIPPED_BLOCKS, type SkipExitOperator } from '../recipe.ts';

/** A model whose blocks were skipped, and what became of the values that went with them. */
export interface SkippedModel {
  readonly analysed: AnalysedModel;
  /** For each value that is no longer computed, the one that what follows reads instead. */
  readonly standIns: ReadonlyMap<ValueName, ValueName>;
  /** The same for all values of the blocks gone round, those included that something else still needs. */
  readonly around: ReadonlyMap<ValueName, ValueName>;
}

/** What says which blocks a model does without. */
export type LeavesBlocksOut = SkipExitOperator | BlockPruneOperator;

/**
 * Leaves blocks out, those of all operators at once: what reads a bypassed value reads the one it is replaced by, and
 * nodes whose results nobody needs any more are dropped with their weights. Values that remain keep their names; no
 * weight is read. A bypassed value that is an output of the model, or that a subgraph sees by name, stays, as a copy of
 * its stand-in.
 * @throws InputError `no-skippable-blocks`, `bypass-unknown-value`, `bypass-not-legal`, of pruning with `prune-` before
 * it, `prune-blocks-open`, `prune-too-many-blocks`
 */
export function skipBlocks(analysed: AnalysedModel, ...operators: readonly LeavesBlocksOut[]): SkippedModel {
  const bypasses = new Map<string, Bypass>();
  for (const operator of operators) {
    for (const bypass of bypassesOf(analysed, operator)) {
      const problem = bypassProblem(analysed, bypass, operator.op);
      if (problem !== null) throw problem;
      // Of two that end at one value the longer one leaves out what the other does.
      const other = bypasses.get(bypass.to);
      const isLonger =
        other === undefined || isComputedFrom(analysed.index, valueName(other.from), valueName(bypass.from));
      if (isLonger) bypasses.set(bypass.to, bypass);
    }
  }
  return withoutBlocks(analysed, [...bypasses.values()]);
}

function bypassesOf(analysed: AnalysedModel, operator: LeavesBlocksOut): readonly Bypass[] {
  if (operator.op === 'early-exit')
    return operator.bypass ?? [automaticBypass(analysed, operator.blocks ?? DEFAULT_SKIPPED_BLOCKS)];
  if (typeof operator.blocks !== 'number') return operator.blocks;
  const count = analysed.skippable.reduce((sum, { blocks }) => sum + blocks.length, 0);
  if (operator.blocks > count) {
    throw new InputError({
      code: 'prune-too-many-blocks',
      message: `prune: found "blocks": ${operator.blocks}, but ${count === 0 ? 'no block of this model' : `only ${count} blocks of this model`} can be left out: input and output must have equal shapes`,
      hint: count === 0 ? 'Prune channels or weights instead.' : 'Name fewer.',
    });
  }
  throw new InputError({
    code: 'prune-blocks-open',
    message: `prune: found "blocks": ${operator.blocks}, which says how many of the ${count} blocks that can go, not which`,
    hint: 'Which ones change the output least is told by a scan on images: find them in the app, or with `npm run study`, which does it by itself. Here name them: "blocks": [{ "from": ..., "to": ... }].',
  });
}

function withoutBlocks(analysed: AnalysedModel, bypasses: readonly Bypass[]): SkippedModel {
  const { model, index } = analysed;
  const direct = new Map(bypasses.map(({ from, to }) => [valueName(to), valueName(from)]));
  const standIn = (name: ValueName): ValueName => {
    // Each is computed from the next, so this ends.
    let found = name;
    for (let next = direct.get(found); next !== undefined; next = direct.get(found)) found = next;
    return found;
  };
  const graph = rewired(model.graph, direct, standIn);
  const rewiredModel = { model: { ...model, graph }, index: indexGraph(graph), shapes: analysed.shapes };
  const outputs = graph.outputs.map(({ name }) => name);
  const nodes = nodesBetween(rewiredModel.index, new Set(), outputs);
  const used = new Set([...outputs, ...[...nodes].flatMap((node) => rewiredModel.index.inputsOf(node))]);
  const reduced = subModel(
    rewiredModel,
    nodes,
    analysed.inputs.filter((name) => used.has(name)),
    outputs,
  );
  const edited = analyseEdited(analysed, reduced, analysed.exits);
  const around = valuesAround(index, bypasses, standIn);
  const standIns = new Map([...around].filter(([name]) => !edited.index.producer.has(name)));
  return { analysed: edited, standIns, around };
}

function rewired(
  graph: Graph,
  direct: ReadonlyMap<ValueName, ValueName>,
  standIn: (name: ValueName) => ValueName,
): Graph {
  const seenByName = new Set<ValueName>(graph.outputs.map(({ name }) => name));
  for (const node of graph.nodes)
    for (const inner of graphAttributes(node)) for (const name of capturedValues(inner)) seenByName.add(name);
  const copied = [...direct.keys()].filter((name) => seenByName.has(name));
  const unique = uniqueNames(copied.length === 0 ? new Set() : namesIn(graph));
  const renamed = new Map(copied.map((name) => [name, valueName(unique(`${name}/before_skip`))]));
  const nodes = graph.nodes.map((node) => {
    const reads = node.inputs.some((name) => direct.has(name));
    const makes = node.outputs.some((name) => renamed.has(name));
    if (!reads && !makes) return node;
    return {
      ...node,
      inputs: reads ? node.inputs.map(standIn) : node.inputs,
      outputs: makes ? node.outputs.map((name) => renamed.get(name) ?? name) : node.outputs,
    };
  });
  const copies = copied.map((name) =>
    makeNode('Identity', [standIn(name)], [name], [], { name: unique(`${name}/skip`) }),
  );
  return { ...graph, nodes: [...nodes, ...copies] };
}

/** Each value belongs to the bypass that goes round its producer. */
function valuesAround(
  index: GraphIndex,
  bypasses: readonly Bypass[],
  standIn: (name: ValueName) => ValueName,
): Map<ValueName, ValueName> {
  const found = new Map<ValueName, ValueName>();
  for (const { from, to } of bypasses) {
    const nodes = nodesBetween(index, new Set([valueName(from)]), [valueName(to)]);
    for (const [name, node] of index.producer) if (nodes.has(node)) found.set(name, standIn(valueName(to)));
  }
  return found;
}

function automaticBypass(analysed: AnalysedModel, count: number): Bypass {
  const { skippable, model } = analysed;
  const blocks = lastBlocks(skippable, count);
  const [first] = blocks ?? [];
  const last = blocks?.at(-1);
  if (first !== undefined && last !== undefined) return { from: first.from, to: last.to };
  const longest = longestRun(analysed);
  if (longest === 0) {
    throw new InputError({
      code: 'no-skippable-blocks',
      message: `early-exit: found no block whose only input and only output have equal shapes${concatenates(model.graph) ? ': the layers of this model concatenate what they make to what they are given, so without one of them the weights of all later ones would not fit' : ''}; wanted ${count} in a row`,
      hint: bypassHint(lastBypass(analysed)),
    });
  }
  throw new InputError({
    code: 'no-skippable-blocks',
    message: `early-exit: found at most ${longest} identical ${longest === 1 ? 'block' : 'blocks'} in a row, wanted ${count}`,
    hint: `Skip up to ${longest} with "blocks", or name what to leave out with "bypass".`,
  });
}

/** What can be left out where as many blocks as were wanted cannot: a shorter run, or one layer for another. */
export function nearestSkip(analysed: AnalysedModel): SkipExitOperator | null {
  const longest = longestRun(analysed);
  const bypass = longest > 0 ? null : lastBypass(analysed);
  if (longest === 0 && bypass === null) return null;
  const skip = { op: 'early-exit', kind: 'skip' } as const;
  return bypass === null ? { ...skip, blocks: longest } : { ...skip, bypass: [bypass] };
}

function longestRun({ skippable }: AnalysedModel): number {
  return skippable.reduce((most, { blocks: { length } }) => Math.max(most, length), 0);
}

/** The last two layers of which one can stand in for the other, though no block lies between them. */
function lastBypass({ model, index, costs, counted: shapes }: AnalysedModel): Bypass | null {
  const layers = index.order
    .filter((node) => (costs[node]?.macs ?? 0) > 0)
    .flatMap((node) => model.graph.nodes[node]?.outputs.slice(0, 1) ?? []);
  for (let later = layers.length - 1; later > 0; later--) {
    const to = layers[later] as ValueName;
    const wanted = typeText(shapes.get(to));
    const from = layers
      .slice(0, later)
      .findLast((name) => typeText(shapes.get(name)) === wanted && isComputedFrom(index, to, name));
    if (from !== undefined && shapes.get(to)?.shape?.includes(null) === false) return { from, to };
  }
  return null;
}

function bypassHint(bypass: Bypass | null): string {
  if (bypass === null) return 'Cut the model, quantize or prune it instead.';
  return `One layer can still stand in for a later one of equal shape: "bypass": [${JSON.stringify(bypass)}].`;
}

function isComputedFrom(index: GraphIndex, later: ValueName, earlier: ValueName): boolean {
  const between = nodesBetween(index, new Set([earlier]), [later]);
  return [...between].some((node) => index.inputsOf(node).includes(earlier));
}

function typeText(facts: { readonly dataType: number; readonly shape: Shape } | undefined): string {
  return `${dataTypeName(facts?.dataType ?? 0)} ${shapeText(facts?.shape ?? null)}`;
}

/** Dense connections: a value that several concatenations collect. */
function concatenates(graph: Graph): boolean {
  const collected = new Map<ValueName, number>();
  for (const { opType, inputs } of graph.nodes) {
    if (opType !== 'Concat') continue;
    for (const name of inputs) collected.set(name, (collected.get(name) ?? 0) + 1);
  }
  return [...collected.values()].some((times) => times > 2);
}

/** Whether what reads `to` can read `from`. */
export function canBypass(analysed: AnalysedModel, bypass: Bypass): boolean {
  return bypassProblem(analysed, bypass) === null;
}

/** Why it cannot. */
function bypassProblem(
  { model, index, inputs, counted: shapes }: AnalysedModel,
  { from, to }: Bypass,
  op: LeavesBlocksOut['op'] = 'prune',
): InputError | null {
  const codeOf = (code: string): string => (op === 'prune' ? `prune-${code}` : code);
  const [source, target] = [valueName(from), valueName(to)];
  const isComputed = (name: ValueName): boolean => index.producer.has(name);
  for (const [name, isKnown] of [
    [source, isComputed(source) || inputs.includes(source)],
    [target, isComputed(target)],
  ] as const) {
    if (isKnown) continue;
    const near = nearestNames(
      name,
      model.graph.nodes.flatMap(({ outputs }) => outputs).filter((output) => output !== ''),
    );
    return new InputError({
      code: codeOf('bypass-unknown-value'),
      message: `${op}: cannot bypass ${name === target ? 'to' : 'from'} "${name}": ${index.isConstant(name) ? 'it is a weight, not a value computed on the way' : 'there is no value of this name'}`,
      where: name,
      ...(near.length === 0
        ? {}
        : { hint: `The nearest names are ${near.map((each) => JSON.stringify(each)).join(', ')}.` }),
    });
  }
  const refused = (reason: string, hint: string): InputError =>
    new InputError({
      code: codeOf('bypass-not-legal'),
      message: `${op}: cannot read "${from}" instead of "${to}": ${reason}`,
      where: to,
      hint,
    });
  if (!isComputedFrom(index, target, source)) {
    return refused(
      'the second is not computed from the first',
      'Give "from" a value before the blocks to leave out, and "to" the value behind them.',
    );
  }
  const [given, wanted] = [shapes.get(source), shapes.get(target)];
  if (typeText(given) !== typeText(wanted)) {
    return refused(
      `found ${typeText(given)}, wanted ${typeText(wanted)}`,
      'What follows was trained for that shape: choose two values of equal type and shape.',
    );
  }
  if (!given?.shape || given.shape.includes(null)) {
    return refused(
      `whether they have equal shapes is not known (${typeText(given)})`,
      'Add shapes to the file with onnx.shape_inference, or choose other values.',
    );
  }
  return null;
}
