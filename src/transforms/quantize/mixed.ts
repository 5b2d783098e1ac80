import { type GraphIndex, indexGraph } from '../../onnx/graph-index.ts';
import { type Model, type Node, valueName } from '../../onnx/model.ts';
import { nodeTitle } from '../../onnx/shapes/facts.ts';
import { matchNodes } from '../match-nodes.ts';
import { foldBatchNorm } from '../prepare/fold-batch-norm.ts';
import { type Float16Conversion, toFloat16 } from './float16.ts';
import {
  DEFAULT_PRECISION,
  type MixedQuantizeOperator,
  type Precision,
  precisionsOf,
} from './mixed-operator.ts';
import type { Quantization, Ranges } from './quantization.ts';
import { DEFAULT_BLOCK_SIZE } from './quantize-operator.ts';
import { quantizeStatic, valuesToCalibrate } from './static/quantize-static.ts';
import { staticFormOf } from './static/static-form.ts';
import { quantizeWeightsOnly } from './weight-only.ts';

/**
 * Each node in its own precision: first those in int8, with batch normalizations folded as for a whole model in
 * int8, then weights of others in few bits, then what is left of float32 in float16 where that is asked for. Values
 * that pass from one to another are float32.
 * @param ranges of the values that `mixedValuesToCalibrate` names
 * @throws InputError as `quantizeStatic`, `quantizeWeightsOnly` and `toFloat16`
 */
export function quantizeMixed(
  original: Model,
  operator: MixedQuantizeOperator,
  ranges: Ranges,
): Quantization & Pick<Float16Conversion, 'clamped'> {
  const used = precisionsOf(operator);
  const { model, precisionOf, unmatched } = planMixed(original, operator);
  const isOther = (precision: Precision) => (node: Node) => precisionOf(node) !== precision;
  const steps: (Quantization & Partial<Pick<Float16Conversion, 'clamped'>>)[] = [];
  const last = (): Model => steps.at(-1)?.model ?? model;
  if (used.has('int8'))
    steps.push(quantizeStatic(model, staticFormOf(operator, isNotInt8(operator, precisionOf)), ranges));
  if (used.has('int8-weights'))
    steps.push(
      quantizeWeightsOnly(last(), {
        bits: 8,
        form: 'dequantize',
        blockSize: null,
        symmetric: true,
        exclude: isOther('int8-weights'),
      }),
    );
  if (used.has('int4-weights'))
    steps.push(
      quantizeWeightsOnly(last(), {
        bits: 4,
        form: 'matmul-nbits',
        blockSize: DEFAULT_BLOCK_SIZE,
        symmetric: true,
        exclude: isOther('int4-weights'),
      }),
    );
  if (used.has('float16')) steps.push(toFloat16(last(), { keepFloat32: isOther('float16') }));
  const float32 = model.graph.nodes.filter((node) => precisionOf(node) === 'float32').map(nodeTitle);
  const chosen = new Set(float32);
  const skipped = steps.flatMap(({ coverage }) => coverage.skipped);
  return {
    model: last(),
    coverage: {
      quantized: sum(steps, ({ quantized }) => quantized),
      grouped: sum(steps, ({ grouped }) => grouped),
      // What another step is for is no news.
      skipped: skipped.filter(({ node, reason }) => !OTHERS_TURN.has(reason) && !chosen.has(node)),
      unmatched,
    },
    nonZeroOfWeight: new Map(steps.flatMap(({ nonZeroOfWeight }) => [...nonZeroOfWeight])),
    clamped: steps.flatMap(({ clamped = [] }) => clamped),
  };
}

/** Reasons that steps give for nodes of other precisions. */
const OTHERS_TURN: ReadonlySet<string> = new Set(['excluded', 'it is kept in float32 as asked']);

/** The values whose ranges `quantizeMixed` needs; reads no weights. */
export function mixedValuesToCalibrate(original: Model, operator: MixedQuantizeOperator): readonly string[] {
  const { model, precisionOf } = planMixed(original, operator);
  return valuesToCalibrate(model, staticFormOf(operator, isNotInt8(operator, precisionOf)));
}

/** Nodes that conversions bring belong to no layer: they are as the rest. */
function isNotInt8({ default: usual = DEFAULT_PRECISION }: MixedQuantizeOperator, precisionOf: PrecisionOf) {
  return (node: Node): boolean => (precisionOf(node) ?? usual) !== 'int8';
}

/** Of a node of the planned model, whatever became of it meanwhile; undefined for nodes that were added. */
type PrecisionOf = (node: Node) => Precision | undefined;

interface MixedPlan {
  /** With batch normalizations folded if something becomes int8. */
  readonly model: Model;
  readonly precisionOf: PrecisionOf;
  /** Patterns that mean no node. */
  readonly unmatched: readonly string[];
}

function planMixed(original: Model, operator: MixedQuantizeOperator): MixedPlan {
  const { layers, default: usual = DEFAULT_PRECISION } = operator;
  const model = precisionsOf(operator).has('int8') ? foldBatchNorm(original).model : original;
  const index = indexGraph(original.graph);
  const kept = new Map(model.graph.nodes.map((node) => [firstOutput(node), node]));
  const precisions = new Map(model.graph.nodes.map((node) => [node, usual]));
  const unmatched: string[] = [];
  for (const { nodes, precision } of layers) {
    const match = matchNodes(original.graph.nodes, nodes);
    unmatched.push(...match.unmatched);
    for (const node of original.graph.nodes) {
      const layer = match.matches(node) ? layerWith(node, original, index, kept) : undefined;
      if (layer !== undefined) precisions.set(layer, precision);
    }
  }
  // Steps make other nodes of these, but each still has its name or makes its value.
  const byValue = new Map([...precisions].map(([node, precision]) => [firstOutput(node), precision]));
  const byName = new Map([...precisions].map(([node, precision]) => [node.name, precision]));
  return {
    model,
    unmatched,
    precisionOf: (node) =>
      byValue.get(firstOutput(node)) ?? (node.name === '' ? undefined : byName.get(node.name)),
  };
}

/** What a node became part of when normalizations were folded: the layer before or behind it. */
function layerWith(
  node: Node,
  original: Model,
  index: GraphIndex,
  kept: ReadonlyMap<string, Node>,
): Node | undefined {
  for (let at: Node | undefined = node; at !== undefined; ) {
    const layer = kept.get(firstOutput(at));
    if (layer !== undefined) return layer;
    const readers: readonly number[] = index.consumers.get(valueName(firstOutput(at))) ?? [];
    at = original.graph.nodes[readers[0] ?? -1];
  }
  return undefined;
}

function firstOutput({ outputs }: Node): string {
  return outputs.find((name) => name !== '') ?? '';
}

function sum(steps: readonly Quantization[], count: (coverage: Quantization['coverage']) => number): number {
  return steps.reduce((all, { coverage }) => all + count(coverage), 0);
}
