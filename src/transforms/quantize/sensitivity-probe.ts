import { unreachable } from '../../base/assert.ts';
import { makeInt, makeNode } from '../../onnx/attributes.ts';
import { tensorInfo } from '../../onnx/make-model.ts';
import { DataType, type Model, type Node, type Tensor, valueName } from '../../onnx/model.ts';
import { int64Tensor } from '../../onnx/tensor.ts';
import { namesIn, namesRead, uniqueNames, withRuntimeDomain } from '../graph-names.ts';
import type { NodeChoice } from '../match-nodes.ts';
import { convertOpset } from '../prepare/convert-opset.ts';
import { INT4_WEIGHTS } from './mixed.ts';
import type { ScannedPrecision } from './mixed-operator.ts';
import type { Ranges } from './quantization.ts';
import type { SensitivityUnit } from './sensitivity-units.ts';
import { quantizeStatic } from './static/quantize-static.ts';
import type { StaticForm } from './static/static-form.ts';
import { quantizeWeightsOnly } from './weight-only.ts';

/** How a scan quantizes. */
export type ScannedForm =
  | {
      readonly precision: Extract<ScannedPrecision, 'int8'>;
      readonly form: Omit<StaticForm, 'exclude'>;
      readonly ranges: Ranges;
    }
  | { readonly precision: Exclude<ScannedPrecision, 'int8'> };

/**
 * One model that runs the float model and, for each unit, what follows from quantizing that unit alone. Whatever a
 * unit does not touch runs once, for all of them, and their weights are stored once; the graph itself sums up the
 * errors, so that a run gives a few numbers however large the activations are.
 * @param model with batch normalizations folded
 * @param scores name of the final output
 * @throws InputError as `quantizeStatic`, `quantizeWeightsOnly`
 */
export function sensitivityProbe(
  model: Model,
  scanned: ScannedForm,
  units: readonly Pick<SensitivityUnit, 'values' | 'output'>[],
  scores: string,
): Model {
  const trunk = writtenFor(model, scanned);
  const probe = new Probe(trunk);
  probe.add('ReduceSumSquare', [scores], SCALAR);
  probe.best(scores);
  for (const { values, output } of units) {
    const isOutside = (node: Node): boolean => !node.outputs.some((name) => values.includes(name));
    const whole = withOutput(trunk, output);
    const { graph } = quantizedBut(whole, scanned, isOutside);
    const renamed = probe.branch(graph.nodes, graph.initializers);
    const noisy = renamed(output);
    const noisyScores = renamed(scores);
    probe.add('ReduceSumSquare', [output], SCALAR);
    probe.difference(output, noisy);
    probe.difference(scores, noisyScores);
    probe.best(noisyScores);
  }
  return probe.model();
}

/** Nothing but written for the opset that the form needs, so that units find the same nodes again. */
function writtenFor(model: Model, scanned: ScannedForm): Model {
  switch (scanned.precision) {
    case 'int8':
      return quantizedBut(model, scanned, () => true);
    case 'int4-weights': {
      const converted = convertOpset(model, INT4_OPSET).model;
      return { ...converted, irVersion: Math.max(INT4_IR, converted.irVersion) };
    }
    default:
      return unreachable(scanned);
  }
}

function quantizedBut(model: Model, scanned: ScannedForm, exclude: NodeChoice): Model {
  switch (scanned.precision) {
    case 'int8':
      return quantizeStatic(model, { ...scanned.form, exclude }, scanned.ranges).model;
    case 'int4-weights':
      return quantizeWeightsOnly(model, { ...INT4_WEIGHTS, exclude }).model;
    default:
      return unreachable(scanned);
  }
}

/** What DequantizeLinear of 4 bits in blocks needs. */
const INT4_OPSET = 21;
const INT4_IR = 10;

const SCALAR = [makeInt('keepdims', 0)];

class Probe {
  private readonly trunk: Model;
  private readonly unique: (wanted: string) => string;
  private readonly nodes: Node[];
  private readonly initializers: Map<string, Tensor>;
  private readonly sharedNodes: ReadonlyMap<string, Node>;
  private readonly outputs: string[] = [];
  private readonly flat: string;

  constructor(trunk: Model) {
    const { graph } = trunk;
    this.trunk = trunk;
    this.unique = uniqueNames(namesIn(graph));
    this.nodes = [...graph.nodes];
    this.initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    this.sharedNodes = new Map(graph.nodes.map((node) => [node.outputs[0] ?? '', node]));
    this.flat = this.unique('flat');
    this.initializers.set(this.flat, int64Tensor(this.flat, [1], [-1]));
  }

  /**
   * Adds those of another version's nodes that compute something else than the trunk.
   * @returns what its values are called here
   */
  branch(nodes: readonly Node[], initializers: readonly Tensor[]): (name: string) => string {
    const names = new Map<string, string>();
    for (const tensor of initializers) {
      if (this.initializers.get(tensor.name) === tensor) continue;
      const name = this.unique(tensor.name);
      names.set(tensor.name, name);
      this.initializers.set(name, { ...tensor, name });
    }
    const renamed = (name: string): string => names.get(name) ?? name;
    for (const node of nodes) {
      const isShared =
        this.sharedNodes.get(node.outputs[0] ?? '') === node && !node.inputs.some((name) => names.has(name));
      if (isShared) continue;
      for (const name of node.outputs) if (name !== '') names.set(name, this.unique(name));
      this.nodes.push({
        ...node,
        name: this.unique(node.name || node.opType),
        inputs: node.inputs.map((name) => valueName(renamed(name))),
        outputs: node.outputs.map((name) => valueName(renamed(name))),
      });
    }
    return renamed;
  }

  difference(value: string, other: string): void {
    const error = this.named('Sub', [value, other], []);
    this.add('ReduceSumSquare', [error], SCALAR);
  }

  /** The position of the largest number of a value, as a float. */
  best(value: string): void {
    const row = this.named('Reshape', [value, this.flat], []);
    const position = this.named('ArgMax', [row], [makeInt('axis', 0), ...SCALAR]);
    this.add('Cast', [position], [makeInt('to', DataType.float)]);
  }

  /** A node whose value is read. */
  add(opType: string, inputs: readonly string[], attributes: Node['attributes']): void {
    this.outputs.push(this.named(opType, inputs, attributes));
  }

  model(): Model {
    const { graph } = this.trunk;
    const needed = new Set(this.outputs);
    const kept: Node[] = [];
    for (const node of this.nodes.toReversed()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      for (const name of namesRead([node])) needed.add(name);
      kept.push(node);
    }
    const initializers = [...this.initializers.values()].filter(({ name }) => needed.has(name));
    const dropped = new Set<string>(
      graph.initializers.map(({ name }) => name).filter((name) => !needed.has(name)),
    );
    return {
      ...this.trunk,
      opsetImports: withRuntimeDomain(this.trunk.opsetImports, kept),
      graph: {
        ...graph,
        nodes: kept.toReversed(),
        initializers,
        inputs: graph.inputs.filter(({ name }) => !dropped.has(name)),
        outputs: this.outputs.map((name) => tensorInfo(name, [])),
        valueInfos: [],
      },
    };
  }

  private named(opType: string, inputs: readonly string[], attributes: Node['attributes']): string {
    const name = this.unique(`probe_${opType}`);
    this.nodes.push(makeNode(opType, inputs, [name], attributes, { name }));
    return name;
  }
}

/** The model with a value that is seen from outside, so that it is quantized as it would be for what follows. */
function withOutput(model: Model, value: string): Model {
  const { graph } = model;
  if (graph.outputs.some(({ name }) => name === value)) return model;
  return { ...model, graph: { ...graph, outputs: [...graph.outputs, tensorInfo(value, null)] } };
}
