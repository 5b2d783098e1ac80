import { defined } from '../base/assert.ts';
import { weightsOf } from '../onnx/cost.ts';
import type { ValueView } from '../onnx/graph-view.ts';
import type { Model, Tensor, ValueName } from '../onnx/model.ts';
import { elementCount } from '../onnx/tensor.ts';
import { valueView } from '../onnx/value-view.ts';
import type { AnalysedModel } from './analyse-model.ts';
import type { PlannedDraft } from './draft.ts';
import { nonZeroCount } from './count-non-zero.ts';
import { subModel } from './extract.ts';
import { crossingAfter, type SegmentNodes } from './plan-segments.ts';
import { standardOpset } from './graph-names.ts';
import type { Ranges } from './quantize/quantization.ts';
import type { PartQuantization } from './quantize/quantization-warnings.ts';
import { quantizeModel } from './quantize/quantize-model.ts';
import type { ExitPlan, Parameter, SegmentPlan, Variant, VariantPlan } from './variant.ts';

/** A segment as a model of its own, with what counting it needs. */
export interface CompiledSegment {
  readonly model: Model;
  readonly plan: SegmentPlan;
  readonly quantization: PartQuantization | null;
  /** What the segment has learned, by name. */
  readonly parameters: ReadonlyMap<string, Parameter>;
}

/**
 * Makes one segment's model. Reads its weights only if they are quantized.
 * @param options the model itself, if the segment is all of it unchanged; ranges of values for static quantization
 */
export function compileSegment(
  { analysed, quantize }: PlannedDraft,
  segment: SegmentNodes,
  file: string,
  isLast: boolean,
  { whole = null, ranges = null }: { readonly whole?: Model | null; readonly ranges?: Ranges | null } = {},
): CompiledSegment {
  const float = whole ?? subModel(analysed, segment.nodes, segment.inputs, segment.outputs);
  const integer = quantize === null ? null : quantizeModel(float, quantize, ranges);
  const parameters = new Map<string, Parameter>();
  let macs = 0;
  for (const node of segment.nodes) {
    macs += analysed.costs[node]?.macs ?? 0;
    for (const tensor of parametersOf(analysed, node)) {
      if (parameters.has(tensor.name)) continue;
      const nonZero = integer?.nonZeroOfWeight.get(tensor.name);
      parameters.set(tensor.name, {
        count: elementCount(tensor.dims),
        nonZero: nonZero === undefined ? () => nonZeroCount(tensor) : () => nonZero,
      });
    }
  }
  return {
    model: integer?.model ?? float,
    quantization: integer && { ...integer, opset: standardOpset(integer.model) },
    parameters,
    plan: {
      file,
      inputs: segment.inputs.map((name) => viewOf(analysed, name)),
      outputs: segment.outputs.map((name) => viewOf(analysed, name)),
      tier: segment.tier,
      exit: exitPlan(analysed, segment, isLast),
      macs,
      params: paramsIn(parameters.values()),
    },
  };
}

/** The one segment of an unchanged model: all of its inputs, outputs and nodes. */
export function wholeSegment(analysed: AnalysedModel): SegmentNodes {
  return {
    nodes: new Set(analysed.index.order),
    inputs: analysed.inputs,
    outputs: analysed.model.graph.outputs.map(({ name }) => name),
    tier: 'mobile',
    stop: null,
  };
}

/** What crosses at each cut: after the last segment of each tier but the last. */
export function cutsOf(analysed: AnalysedModel, segments: readonly SegmentNodes[]): Variant['cuts'] {
  return segments.slice(0, -1).flatMap(({ tier }, afterSegment) => {
    if (segments[afterSegment + 1]?.tier === tier) return [];
    const crossing = crossingAfter(segments, afterSegment).map((name) => viewOf(analysed, name));
    return [{ afterSegment, crossing }];
  });
}

/** The model's first input and its final output. */
export function inputAndOutput(analysed: AnalysedModel): Pick<VariantPlan, 'input' | 'output'> {
  const final = defined(analysed.exits.at(-1), 'final output');
  const input = defined(analysed.inputs[0], 'model input');
  return {
    input: viewOf(analysed, input),
    output: { name: final.output, scores: final.scores },
  };
}

/** How many numbers were learned. */
export function paramsIn(parameters: Iterable<Parameter>): number {
  let sum = 0;
  for (const { count } of parameters) sum += count;
  return sum;
}

function parametersOf({ model, index }: AnalysedModel, node: number): Tensor[] {
  return weightsOf(defined(model.graph.nodes[node], `node ${node}`), index)
    .filter(({ isParameter }) => isParameter)
    .map(({ tensor }) => tensor);
}

function exitPlan(analysed: AnalysedModel, { stop }: SegmentNodes, isLast: boolean): ExitPlan | null {
  const final = analysed.exits.at(-1);
  // A model with a single output has no exits to speak of; of one with several, the last always stops.
  const index = stop?.exitIndex ?? (isLast && analysed.exits.length > 1 ? final?.index : undefined);
  const exit = analysed.exits.find((each) => each.index === index);
  if (exit === undefined) return null;
  const { output, scores } = exit;
  const { threshold = 0, confidence } = stop ?? {};
  return { index: exit.index, output, scores, threshold, ...(confidence !== undefined && { confidence }) };
}

function viewOf({ shapes, counted }: AnalysedModel, name: ValueName): ValueView {
  return valueView(name, shapes, counted);
}
