import { floatAttribute, graphAttributes, intAttribute } from '../../onnx/attributes.ts';
import { tensorMadeWhenRead } from '../../onnx/made-when-read.ts';
import { DataType, type Graph, type Model, type Node, type Tensor, valueName } from '../../onnx/model.ts';
import { elementCount, floatTensor, tensorFloats } from '../../onnx/tensor.ts';
import { isStandardDomain, namesIn, namesRead, uniqueNames } from '../graph-names.ts';

/**
 * A linear layer: weights times inputs plus a bias, both constant. Its row-major weights are a matrix of runs, one
 * for each pair of an output and an input channel.
 */
export interface Layer {
  readonly node: Node;
  readonly weight: Tensor;
  readonly bias: Tensor | null;
  readonly rows: number;
  readonly columns: number;
  /** Numbers of a run: the positions of a kernel. */
  readonly run: number;
  /** Whose channels the rows are; the columns are the other side's. */
  readonly rowsAre: Side;
  /** Rows that share their columns' channels; the next as many have the next `columns` channels. */
  readonly groupRows: number;
}

export type Side = 'output' | 'input';

/** Channels on one side of a layer. */
export function channelsOf({ rows, columns, rowsAre, groupRows }: Layer, side: Side): number {
  return side === rowsAre ? rows : (rows / groupRows) * columns;
}

/**
 * The layer that a node is: Conv, ConvTranspose or Gemm with constant float32 weights; otherwise why it is none.
 */
export function layerOf(node: Node, tensors: ReadonlyMap<string, Tensor>): Layer | string {
  const { opType } = node;
  const isKnown = isStandardDomain(node) && ['Conv', 'ConvTranspose', 'Gemm'].includes(opType);
  if (!isKnown) return `${opType} has no weights that can be scaled`;
  const weight = tensors.get(node.inputs[1] ?? '');
  if (weight === undefined || weight.dataType !== DataType.float)
    return 'its weights are not constant float32';
  const biasName = node.inputs[2] ?? '';
  const bias = tensors.get(biasName) ?? null;
  if (biasName !== '' && bias?.dataType !== DataType.float) return 'its bias is not constant float32';
  const isGemm = opType === 'Gemm';
  if (isGemm && (intAttribute(node, 'transA') ?? 0) !== 0) return 'its first factor is transposed';
  if (bias !== null && (floatAttribute(node, 'beta') ?? 1) !== 1) return 'its bias is scaled';
  const [rows = 1, columns = 1] = weight.dims;
  const group = isGemm ? 1 : (intAttribute(node, 'group') ?? 1);
  const hasOutputRows = opType === 'Conv' || (isGemm && (intAttribute(node, 'transB') ?? 0) !== 0);
  const layer: Layer = {
    node,
    weight,
    bias,
    rows,
    columns,
    run: elementCount(weight.dims.slice(2)),
    rowsAre: hasOutputRows ? 'output' : 'input',
    groupRows: rows / group,
  };
  const isUneven = bias !== null && elementCount(bias.dims) !== channelsOf(layer, 'output');
  return isUneven ? 'its bias is not one for each channel' : layer;
}

/** The weights times a factor for each channel of a side, made when they are read; rounded to float32 once. */
export function scaledWeights(layer: Layer, side: Side, factors: Float64Array, name: string): Tensor {
  const { weight, rows, columns, run, rowsAre, groupRows } = layer;
  return tensorMadeWhenRead({ ...weight, name }, () => {
    const values = tensorFloats(weight);
    for (let row = 0, at = 0; row < rows; row++) {
      const base = Math.floor(row / groupRows) * columns;
      for (let column = 0; column < columns; column++) {
        const factor = factors[side === rowsAre ? row : base + column] as number;
        for (const end = at + run; at < end; at++) values[at] = (values[at] as number) * factor;
      }
    }
    return new Uint8Array(values.buffer);
  });
}

/** A graph whose layers get other weights, and whose nodes may go. */
export class LayerGraph {
  readonly tensors: Map<string, Tensor>;
  readonly nodes: (Node | null)[];
  private readonly model: Model;
  private readonly uses = new Map<string, number>();
  private readonly pinned: ReadonlySet<string>;
  private readonly unique: (wanted: string) => string;

  /** @param kept values that must stay */
  constructor(model: Model, kept: ReadonlySet<string>) {
    const { graph } = model;
    this.model = model;
    this.tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    this.nodes = [...graph.nodes];
    const nested = graph.nodes.flatMap((node) => graphAttributes(node).flatMap((inner) => [...inner.nodes]));
    this.pinned = new Set([...kept, ...graph.outputs.map(({ name }) => name), ...namesRead(nested)]);
    for (const name of [...this.pinned, ...graph.nodes.flatMap(({ inputs }) => inputs)]) {
      this.uses.set(name, (this.uses.get(name) ?? 0) + 1);
    }
    this.unique = uniqueNames(namesIn(graph));
  }

  /** Whether exactly one node reads the value, and nobody else needs it. */
  isPrivate(name: string): boolean {
    return !this.pinned.has(name) && this.uses.get(name) === 1;
  }

  isUsed(name: string): boolean {
    return this.uses.has(name);
  }

  /** The name for a changed weight: its own, unless others use the weight as it is. */
  nameFor(tensor: Tensor): string {
    return this.isPrivate(tensor.name) ? tensor.name : this.unique(`${tensor.name}_scaled`);
  }

  /** Gives a layer's node other weights and another bias. */
  withTensors({ node, weight, bias }: Layer, newWeight: Tensor, newBias: Float64Array | null): Node {
    this.tensors.set(newWeight.name, newWeight);
    const inputs = [node.inputs[0] ?? valueName(''), valueName(newWeight.name)];
    if (newBias === null) return { ...node, inputs: [...inputs, ...node.inputs.slice(2)] };
    const name = bias === null ? this.unique(`${weight.name}_bias`) : this.nameFor(bias);
    this.tensors.set(name, floatTensor(name, bias?.dims ?? [newBias.length], Float32Array.from(newBias)));
    return { ...node, inputs: [...inputs, valueName(name)] };
  }

  /** The model with what became of the nodes, without tensors that nobody uses any more. */
  result(): Model {
    const { graph } = this.model;
    const nodes = this.nodes.filter((node) => node !== null);
    const used = namesRead(nodes);
    for (const { name } of graph.outputs) used.add(name);
    const isLeft = (name: string): boolean => used.has(name) || !this.uses.has(name);
    const initializers = [...this.tensors.values()].filter(({ name }) => isLeft(name));
    const before = new Set<string>(graph.initializers.map(({ name }) => name));
    const wasMade = new Set<string>(graph.nodes.flatMap(({ outputs }) => outputs));
    const made = new Set<string>(nodes.flatMap(({ outputs }) => outputs));
    const changed: Graph = {
      ...graph,
      nodes,
      initializers,
      // Old exporters list weights among the inputs.
      inputs: graph.inputs.filter(({ name }) => !before.has(name) || isLeft(name)),
      valueInfos: graph.valueInfos.filter(({ name }) => made.has(name) || !wasMade.has(name)),
    };
    // Since IR version 4 initializers need not be listed as inputs.
    return { ...this.model, irVersion: Math.max(4, this.model.irVersion), graph: changed };
  }
}
