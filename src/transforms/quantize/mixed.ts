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
import { quantizeWeightsOnly, type WeightOnlyForm } from './weight-only.ts';

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
  let made: Model = model;
  const parts: (Quantization & Partial<Pick<Float16Conversion, 'clamped'>>)[] = [];
  const quantize = (precision: Precision, by: (before: Model) => (typeof parts)[number]): void => {
    if (!used.has(precision)) return;
    const part = by(made);
    made = part.model;
    const own = new Set(model.graph.nodes.filter((node) => !isOther(precision)(node)).map(nodeTitle));
    // That others are left alone is no news.
    const skipped = part.coverage.skipped.filter(({ node }) => own.has(node));
    parts.push({ ...part, coverage: { ...part.coverage, skipped } });
  };
  quantize('int8', (before) =>
    quantizeStatic(before, staticFormOf(operator, isNotInt8(operator, precisionOf)), ranges),
  );
  quantize('int8-weights', (before) =>
    quantizeWeightsOnly(before, {
      bits: 8,
      form: 'dequantize',
      blockSize: null,
      symmetric: true,
      exclude: isOther('int8-weights'),
    }),
  );
  quantize('int4-weights', (before) =>
    quantizeWeightsOnly(before, { ...INT4_WEIGHTS, exclude: isOther('int4-weights') }),
  );
  quantize('float16', (before) => toFloat16(before, { keepFloat32: isOther('float16') }));
  return {
    model: made,
    coverage: {
      quantized: sum(parts, ({ quantized }) => quantized),
      grouped: sum(parts, ({ grouped }) => grouped),
      skipped: parts.flatMap(({ coverage }) => coverage.skipped),
      unmatched,
    },
    nonZeroOfWeight: new Map(parts.flatMap(({ nonZeroOfWeight }) => [...nonZeroOfWeight])),
    clamped: parts.flatMap(({ clamped = [] }) => clamped),
  };
}

/** What `int4-weights` means. */
export const INT4_WEIGHTS = {
  bits: 4,
  form: 'matmul-nbits',
  blockSize: DEFAULT_BLOCK_SIZE,
  symmetric: true,
} as const satisfies Partial<WeightOnlyForm>;

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

function sum(parts: readonly Quantization[], count: (coverage: Quantization['coverage']) => number): number {
  return parts.reduce((all, { coverage }) => all + count(coverage), 0);
}
