import { defined } from '../../base/assert.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { DataType, type ValueName, valueName } from '../../onnx/model.ts';
import { bitsPerElement, dataTypeName, elementCount } from '../../onnx/tensor.ts';
import type { Bypass } from '../recipe.ts';

/**
 * A graph as cuts see it. Nodes are grouped to *units*, which a cut never divides: most are one node; what
 * the final output does not need (the heads of early outputs) belongs to the unit it hangs on, so that an exit at
 * the cut is decided before anything is sent. Nodes that no output needs are left out, and so are those that compute with
 * constants alone, which go to every part that uses their values.
 */
export interface CutGraph {
  /** In topological order. */
  readonly units: readonly CutUnit[];
  /** Values that units exchange, model inputs among them. */
  readonly values: readonly CutValue[];
  /** Bytes of each weight, by its id in `CutUnit.weights`. */
  readonly weightBytes: readonly number[];
  /** The unit of each node, by its topological position; -1 for nodes that are left out. */
  readonly unitOfNode: Int32Array;
  /** Ids of `values` by name. */
  readonly valueIds: ReadonlyMap<string, number>;
  /** Names of values that never cross: computed from constants alone, or used within their unit only. */
  readonly inner: ReadonlySet<string>;
}

export interface CutUnit {
  /** Topological positions; the first is the unit's own node, the others heads that hang on it. */
  readonly nodes: readonly number[];
  /** Whether the final output needs it. Else it needs nothing of those that are: an exit on the model's input. */
  readonly isTrunk: boolean;
  readonly macs: number;
  readonly weights: readonly number[];
  /** Values it needs from other units or the model's inputs, each once. */
  readonly inputs: readonly number[];
  /** Values that other units need. */
  readonly outputs: readonly number[];
  /** Units, each once. */
  readonly predecessors: readonly number[];
  readonly successors: readonly number[];
}

export interface CutValue {
  readonly name: ValueName;
  /** At batch 1; null: unknown size or no tensor, so it should not cross. */
  readonly bytes: number | null;
  /** As in `ValueView`. */
  readonly dataType: string;
  /** The unit that makes it; -1 for a model input. */
  readonly producer: number;
  /** Other units that need it, ascending. */
  readonly consumers: readonly number[];
}

/** What a cut graph is made from; the page has a `GraphView`, the model worker an analysed model. */
export interface CutGraphSource {
  /** In topological order; inputs without weights. */
  readonly nodes: readonly {
    readonly opType: string;
    readonly inputs: readonly ValueName[];
    readonly outputs: readonly ValueName[];
    readonly macs: number;
    readonly weights: readonly { readonly name: string; readonly bytes: number }[];
  }[];
  readonly inputs: readonly ValueName[];
  /** The outputs to compute, the final one last. */
  readonly outputs: readonly ValueName[];
  /** Size at batch 1 and type of a value. */
  readonly sizeOf: (name: ValueName) => Pick<CutValue, 'bytes' | 'dataType'>;
}

/** The same numbers each time they are computed: what two parts may both do. */
const RANDOM_OPERATORS = /^(Random|Bernoulli|Multinomial)/;

/** Makes a graph for cutting; linear in nodes and edges. */
export function cutGraphOf(source: CutGraphSource): CutGraph {
  const { nodes } = source;
  const constants = computedConstants(source);
  const producer = new Map<ValueName, number>();
  nodes.forEach(({ outputs }, node) => outputs.forEach((name) => producer.set(name, node)));
  const needs = nodes.map(({ inputs }) => inputs.filter((name) => !constants.has(name)));
  const trunk = nodesFor(source.outputs.slice(-1), needs, producer);
  const unitOfNode = unitsOf(source, trunk, needs, producer);

  const members: number[][] = [];
  unitOfNode.forEach((unit, node) => {
    if (unit >= 0) (members[unit] ??= []).push(node);
  });
  const exchanged = valuesBetween(source, needs, producer, unitOfNode);
  const weights = weightsByUnit(source, members, constants, producer);
  const made: number[][] = members.map(() => []);
  const used: number[][] = members.map(() => []);
  exchanged.forEach((value, id) => {
    if (value.producer >= 0) made[value.producer]?.push(id);
    for (const unit of value.consumers) used[unit]?.push(id);
  });
  const valueIds = new Map<string, number>(exchanged.map(({ name }, id) => [name, id]));
  const units = members.map((own, unit): CutUnit => {
    const [inputs, outputs] = [used[unit] ?? [], made[unit] ?? []];
    const before = inputs.map((value) => exchanged[value]?.producer ?? -1);
    const after = outputs.flatMap((value) => exchanged[value]?.consumers ?? []);
    return {
      nodes: own,
      isTrunk: trunk[own[0] as number] === 1,
      macs: own.reduce((sum, node) => sum + (nodes[node]?.macs ?? 0), 0),
      weights: weights.ofUnit[unit] ?? [],
      inputs,
      outputs,
      predecessors: [...new Set(before)].filter((other) => other >= 0),
      successors: [...new Set(after)],
    };
  });
  return {
    units,
    values: exchanged,
    weightBytes: weights.bytes,
    unitOfNode,
    valueIds,
    inner: new Set(
      nodes.flatMap(({ outputs }, node) =>
        outputs.filter(
          (name) => constants.has(name) || ((unitOfNode[node] as number) >= 0 && !valueIds.has(name)),
        ),
      ),
    ),
  };
}

/** What a recipe leaves of a graph before it is cut. */
export interface CutScope {
  /** The outputs that are computed, the final one last; all when left out. */
  readonly outputs?: readonly ValueName[];
  /** What reads `to` reads `from` instead. */
  readonly skips?: readonly Bypass[];
}

/** The graph on the page, for cutting; positions are `NodeView.index`. */
export function cutGraphOfView(view: GraphView, { outputs, skips = [] }: CutScope = {}): CutGraph {
  const standIns = new Map(skips.map(({ from, to }) => [to, valueName(from)]));
  // As many steps as there are stand-ins, for they might name each other.
  const read = (name: ValueName): ValueName => skips.reduce((at) => standIns.get(at) ?? at, name);
  const all = view.exits.map(({ output }) => output);
  return cutGraphOf({
    nodes: view.nodes.map((node) => ({
      ...node,
      inputs: [...new Set(node.inputs.map(read))],
      weights: node.weights.map(withBytes),
    })),
    inputs: view.inputs,
    outputs: (outputs ?? all).map(read),
    sizeOf: (name) => view.values.get(name) ?? { bytes: null, dataType: '' },
  });
}

const bitsOfType = new Map(Object.values(DataType).map((code) => [dataTypeName(code), bitsPerElement(code)]));

function withBytes(weight: {
  readonly name: string;
  readonly dataType: string;
  readonly dims: readonly number[];
}) {
  const bits = bitsOfType.get(weight.dataType) ?? 0;
  return { name: weight.name, bytes: Math.ceil((elementCount(weight.dims) * bits) / 8) };
}

function computedConstants({ nodes, inputs, outputs }: CutGraphSource): Set<ValueName> {
  const constants = new Set<ValueName>();
  const fixed = new Set<ValueName>([...inputs, ...outputs]);
  for (const node of nodes) {
    if (RANDOM_OPERATORS.test(node.opType) || node.outputs.some((name) => fixed.has(name))) continue;
    if (node.inputs.every((name) => constants.has(name)))
      for (const name of node.outputs) constants.add(name);
  }
  return constants;
}

/** Nodes that any of these values need. */
function nodesFor(
  names: readonly ValueName[],
  needs: readonly (readonly ValueName[])[],
  producer: ReadonlyMap<ValueName, number>,
): Uint8Array {
  const found = new Uint8Array(needs.length);
  const open = [...names];
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    const node = producer.get(name);
    if (node === undefined || found[node] === 1) continue;
    found[node] = 1;
    for (const needed of needs[node] ?? []) open.push(needed);
  }
  return found;
}

/**
 * The unit of each node. What the final output needs (the trunk) are units of their own; anything else joins the
 * last unit of the trunk that it needs.
 */
function unitsOf(
  { outputs }: CutGraphSource,
  trunk: Uint8Array,
  needs: readonly (readonly ValueName[])[],
  producer: ReadonlyMap<ValueName, number>,
): Int32Array {
  const live = nodesFor(outputs, needs, producer);
  let count = 0;
  return live.reduce((units, isLive, node) => {
    if (isLive === 0) return units;
    const needed = (needs[node] ?? []).map((name) => units[producer.get(name) ?? -1] ?? -1);
    const joined = trunk[node] === 1 ? -1 : needed.reduce((a, b) => Math.max(a, b), -1);
    units[node] = joined >= 0 ? joined : count++;
    return units;
  }, new Int32Array(live.length).fill(-1));
}

function valuesBetween(
  source: CutGraphSource,
  needs: readonly (readonly ValueName[])[],
  producer: ReadonlyMap<ValueName, number>,
  unitOfNode: Int32Array,
): CutValue[] {
  const consumers = new Map<ValueName, number[]>();
  unitOfNode.forEach((unit, node) => {
    if (unit < 0) return;
    for (const name of needs[node] ?? []) {
      const from = producer.get(name);
      if (from !== undefined && unitOfNode[from] === unit) continue;
      const users = consumers.get(name);
      if (users === undefined) consumers.set(name, [unit]);
      else if (!users.includes(unit)) users.push(unit);
    }
  });
  const unitThatMakes = (name: ValueName): number => {
    const node = producer.get(name);
    return node === undefined ? -1 : (unitOfNode[node] as number);
  };
  return [...consumers].map(([name, users]) => {
    const { bytes, dataType } = source.sizeOf(name);
    return {
      name,
      bytes,
      dataType,
      producer: unitThatMakes(name),
      consumers: users.toSorted((a, b) => a - b),
    };
  });
}

/** Weights of each unit, those of the constants it uses included. */
function weightsByUnit(
  { nodes }: CutGraphSource,
  members: readonly (readonly number[])[],
  constants: ReadonlySet<ValueName>,
  producer: ReadonlyMap<ValueName, number>,
): { ofUnit: number[][]; bytes: number[] } {
  const ids = new Map<string, number>();
  const bytes: number[] = [];
  const ofUnit = members.map((own) => {
    const found = new Set<number>();
    const seen = new Set(own);
    const open = [...own];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      const { inputs, weights } = defined(nodes[node], `node ${node}`);
      for (const weight of weights) {
        let id = ids.get(weight.name);
        if (id === undefined) {
          id = bytes.push(weight.bytes) - 1;
          ids.set(weight.name, id);
        }
        found.add(id);
      }
      for (const name of inputs) {
        const from = constants.has(name) ? producer.get(name) : undefined;
        if (from === undefined || seen.has(from)) continue;
        seen.add(from);
        open.push(from);
      }
    }
    return [...found];
  });
  return { ofUnit, bytes };
}
