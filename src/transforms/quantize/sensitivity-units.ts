import { decibels } from '../../base/units.ts';
import { buildGraphView } from '../../onnx/build-graph-view.ts';
import { indexGraph } from '../../onnx/graph-index.ts';
import type { Model, Node } from '../../onnx/model.ts';
import { elementCount } from '../../onnx/tensor.ts';
import { isStandardDomain } from '../graph-names.ts';
import { nameInRecipes } from '../match-nodes.ts';
import { type BytesForm, type LayerBytes, layerBytes } from './layer-bytes.ts';
import { PRECISIONS } from './mixed-operator.ts';
import { type Affine, affineOver, NO_FRACTION } from './affine.ts';
import { channelRanges, type ChannelLayout, floatsToRead, matrixLayout } from './quantize-weights.ts';
import type { StaticForm } from './static/static-form.ts';
import { productWeightOf, type ProductWeight } from './weight-only-plan.ts';

/** What a sensitivity scan quantizes alone: a layer with what is folded into it, or a block of several. */
export interface SensitivityUnit {
  /** Unique within the scan. */
  readonly id: string;
  readonly kind: 'layer' | 'block';
  readonly label: string;
  /** The layers of it, by what recipes call them. */
  readonly layers: readonly string[];
  /** What its nodes make. */
  readonly values: readonly string[];
  /** The value that what follows reads. */
  readonly output: string;
  /** Numbers in the weights of its layers. */
  readonly weights: number;
  /** What the constants of its layers take in a file. */
  readonly bytes: LayerBytes;
  /** Power of the weights over that of their rounding error in dB, the worst of its layers; null: not finite. */
  readonly weightDb: number | null;
}

/**
 * The units of a model, each block before its layers, the worst weights first.
 * @param model with batch normalizations folded
 */
export function sensitivityUnits(
  model: Model,
  form: Pick<StaticForm, 'weights' | 'reduceRange'> & BytesForm,
): readonly SensitivityUnit[] {
  const { graph } = model;
  const tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const index = indexGraph(graph);
  const outputs = new Set<string>(graph.outputs.map(({ name }) => name));
  /** What nobody but the next node reads, and an activation follows. */
  const activationBehind = (node: Node): Node | undefined => {
    const [value] = node.outputs;
    const readers = value === undefined || outputs.has(value) ? [] : (index.consumers.get(value) ?? []);
    const next = readers.length === 1 ? graph.nodes[readers[0] as number] : undefined;
    return next !== undefined && isStandardDomain(next) && ACTIVATIONS.has(next.opType) ? next : undefined;
  };
  const layers = new Map<Node, SensitivityUnit>();
  for (const position of index.order) {
    const node = graph.nodes[position] as Node;
    const found = productWeightOf(node, tensors);
    if (found?.kind !== 'weight') continue;
    const last = activationBehind(node) ?? node;
    const name = nameInRecipes(node, graph.nodes);
    layers.set(node, {
      id: `layer ${name}`,
      kind: 'layer',
      label: node.name || name,
      layers: [name],
      values: [...new Set([...node.outputs, ...last.outputs])],
      output: last.outputs[0] ?? '',
      weights: elementCount(found.weight.dims),
      bytes: layerBytes(found, elementCount(tensors.get(node.inputs[2] ?? '')?.dims ?? [0]), form),
      weightDb: weightDb(found, form),
    });
  }
  const view = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
  const makers = new Map([...layers.keys()].map((node) => [node.outputs[0] as string, node]));
  const blocks = view.blocks.flatMap(({ label, firstNode, lastNode }): SensitivityUnit[] => {
    const nodes = view.nodes.slice(firstNode, lastNode + 1);
    const own = nodes.flatMap(({ outputs: [value = ''] }) => {
      const maker = makers.get(value);
      return maker === undefined ? [] : [layers.get(maker) as SensitivityUnit];
    });
    if (own.length < 2) return [];
    const values: readonly string[] = nodes.flatMap((node) => node.outputs);
    const inside = new Set(values);
    const left = nodes
      .flatMap((node) => node.outputs)
      .filter((value) => {
        const readers = index.consumers.get(value) ?? [];
        return outputs.has(value) || readers.some((at) => !inside.has(graph.nodes[at]?.outputs[0] ?? ''));
      });
    return [
      {
        id: `block ${firstNode}`,
        kind: 'block',
        label,
        layers: own.flatMap((unit) => unit.layers),
        values,
        output: left.at(-1) ?? values.at(-1) ?? '',
        weights: own.reduce((sum, unit) => sum + unit.weights, 0),
        bytes: bytesOfAll(own),
        weightDb: worst(own.map((unit) => unit.weightDb)),
      },
    ];
  });
  const byDamage = (units: Iterable<SensitivityUnit>): SensitivityUnit[] =>
    [...units].toSorted((a, b) => (a.weightDb ?? -Infinity) - (b.weightDb ?? -Infinity));
  // One block that is the whole model tells nothing.
  return [...byDamage(blocks.length > 1 ? blocks : []), ...byDamage(layers.values())];
}

/** Operators whose work a layer before them takes over when it is quantized. */
const ACTIVATIONS: ReadonlySet<string> = new Set(['Relu', 'Clip']);

function bytesOfAll(units: readonly SensitivityUnit[]): LayerBytes {
  const sums = PRECISIONS.map((precision) => [
    precision,
    units.reduce((sum, { bytes }) => sum + bytes[precision], 0),
  ]);
  return Object.fromEntries(sums) as LayerBytes;
}

function worst(values: readonly (number | null)[]): number | null {
  return values.reduce<number | null>(
    (least, value) => (least === null || value === null ? null : Math.min(least, value)),
    Infinity,
  );
}

/** As static quantization rounds them; null if they are not finite. */
function weightDb(
  { weight, rows, columns, axis }: ProductWeight,
  { weights, perChannel, reduceRange }: Pick<StaticForm, 'weights' | 'perChannel' | 'reduceRange'>,
): number | null {
  const values = floatsToRead(weight);
  const layout = matrixLayout(rows, columns, perChannel ? axis : null);
  const ranges = channelRanges(values, layout);
  if (ranges === null) return null;
  const spread = { type: weights, isSymmetric: weights === 's8', isReduced: reduceRange } as const;
  const affines = Array.from(ranges.lows, (low, channel) =>
    affineOver(low, ranges.highs[channel] as number, spread),
  );
  const { signal, noise } = powersOf(values, layout, affines);
  return decibels(signal, noise);
}

function powersOf(values: Float32Array, { run }: ChannelLayout, affines: readonly Affine[]) {
  const noFraction = NO_FRACTION;
  let [signal, noise] = [0, 0];
  for (let at = 0; at < values.length; ) {
    for (const { scale } of affines) {
      for (const end = at + run; at < end; at++) {
        const value = values[at] as number;
        const steps = value / scale;
        const error = (steps + noFraction - noFraction - steps) * scale;
        signal += value * value;
        noise += error * error;
      }
    }
  }
  return { signal, noise };
}
