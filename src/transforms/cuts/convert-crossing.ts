import { makeInt, makeNode } from '../../onnx/attributes.ts';
import type { ValueView } from '../../onnx/graph-view.ts';
import {
  DataType,
  type Model,
  type Node,
  type Shape,
  type ValueInfo,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import type { CompiledSegment } from '../compile-segments.ts';
import { namesIn, uniqueNames } from '../graph-names.ts';
import { raiseOpset } from '../quantize/raise-opset.ts';
import { isConverted, type TransferType } from '../transfer.ts';
import type { Variant } from '../variant.ts';

/** What crosses in place of a value: itself in half precision, or its bytes with their scale and zero point. */
interface Conversion {
  readonly value: ValueView;
  /** In order: the numbers, then what decodes them. */
  readonly parts: readonly ValueView[];
}

/**
 * Makes float32 values cross between tiers in fewer bytes: nodes at the end of the segment that makes a value
 * convert it, and nodes at the start of those that use it on another tier convert it back, so that what this does
 * to the answers is measured for real. Bytes have a range of their own at each inference. The model's own inputs
 * cross as they are.
 * @param kept outputs that inference may end with: they stay available as they are
 * @throws InputError `opset-too-old`
 */
export function convertCrossing(
  segments: readonly CompiledSegment[],
  cuts: Variant['cuts'],
  kept: ReadonlySet<ValueName>,
  transfer: TransferType,
): { readonly segments: readonly CompiledSegment[]; readonly cuts: Variant['cuts'] } {
  const unique = uniqueNames(new Set(segments.flatMap(({ model }) => [...namesIn(model.graph)])));
  const makers = new Map(
    segments.flatMap(({ plan }, at) => plan.outputs.map(({ name }) => [name, at] as const)),
  );
  const conversions = new Map<ValueName, Conversion>();
  for (const value of cuts.flatMap(({ crossing }) => crossing)) {
    const isMade = makers.has(value.name) && !conversions.has(value.name);
    if (isMade && isConverted(value, transfer)) {
      conversions.set(value.name, conversionOf(value, transfer, unique));
    }
  }
  if (conversions.size === 0) return { segments, cuts };

  const tierOf = (at: number | undefined) => (at === undefined ? undefined : segments[at]?.plan.tier);
  const isRemote = (name: ValueName, user: number): boolean =>
    conversions.has(name) && tierOf(makers.get(name)) !== tierOf(user);
  const converted = segments.map((segment, at): CompiledSegment => {
    const own = segment.plan.outputs.filter(({ name }) => conversions.has(name));
    const foreign = segment.plan.inputs.filter(({ name }) => isRemote(name, at));
    if (own.length === 0 && foreign.length === 0) return segment;
    const isNeededHere = ({ name }: ValueView): boolean =>
      kept.has(name) ||
      !conversions.has(name) ||
      segments.some(
        ({ plan }, user) => !isRemote(name, user) && plan.inputs.some((input) => input.name === name),
      );
    const replaced = (value: ValueView): readonly ValueView[] =>
      conversions.get(value.name)?.parts ?? [value];
    const inputs = segment.plan.inputs.flatMap((value) =>
      foreign.includes(value) ? replaced(value) : [value],
    );
    const outputs = [...segment.plan.outputs.filter(isNeededHere), ...own.flatMap(replaced)];
    const decode = foreign.flatMap((value) => decoderOf(conversions.get(value.name) as Conversion, unique));
    const encode = own.flatMap((value) => encoderOf(conversions.get(value.name) as Conversion, unique));
    const model = transfer === 'uint8' ? raiseOpset(segment.model) : segment.model;
    return {
      ...segment,
      model: withBoundary(model, [...decode, ...model.graph.nodes, ...encode], inputs, outputs),
      plan: { ...segment.plan, inputs, outputs },
    };
  });
  return {
    segments: converted,
    cuts: cuts.map(({ afterSegment, crossing }) => ({
      afterSegment,
      crossing: crossing.flatMap((value) => conversions.get(value.name)?.parts ?? [value]),
    })),
  };
}

function conversionOf(
  value: ValueView,
  transfer: TransferType,
  unique: (wanted: string) => string,
): Conversion {
  const named = (suffix: string): ValueName => valueName(unique(`${value.name}_${suffix}`));
  const part = (suffix: string, dataType: string, change: Pick<ValueView, 'bytes'>): ValueView => ({
    ...value,
    name: named(suffix),
    dataType,
    ...change,
  });
  const bytes = (perElement: number) => (value.bytes === null ? null : (value.bytes / 4) * perElement);
  if (transfer === 'float16') return { value, parts: [part('float16', 'float16', { bytes: bytes(2) })] };
  return {
    value,
    parts: [
      part('uint8', 'uint8', { bytes: bytes(1) }),
      { name: named('scale'), dataType: 'float32', shape: [], bytes: 4 },
      { name: named('zero_point'), dataType: 'uint8', shape: [], bytes: 1 },
    ],
  };
}

function encoderOf({ value, parts }: Conversion, unique: (wanted: string) => string): Node[] {
  const name = unique(`${value.name}_encode`);
  const outputs = parts.map((part) => part.name);
  return parts.length === 1
    ? [makeNode('Cast', [value.name], outputs, [makeInt('to', DataType.float16)], { name })]
    : [makeNode('DynamicQuantizeLinear', [value.name], outputs, [], { name })];
}

function decoderOf({ value, parts }: Conversion, unique: (wanted: string) => string): Node[] {
  const name = unique(`${value.name}_decode`);
  const inputs = parts.map((part) => part.name);
  return parts.length === 1
    ? [makeNode('Cast', inputs, [value.name], [makeInt('to', DataType.float)], { name })]
    : [makeNode('DequantizeLinear', inputs, [value.name], [], { name })];
}

const codes: Readonly<Record<string, number>> = {
  float32: DataType.float,
  float16: DataType.float16,
  uint8: DataType.uint8,
};

/** The model with these nodes, inputs and outputs; what was declared before stays as it was declared. */
function withBoundary(
  model: Model,
  nodes: readonly Node[],
  inputs: readonly ValueView[],
  outputs: readonly ValueView[],
): Model {
  const { graph } = model;
  const declared = new Map([...graph.inputs, ...graph.outputs].map((info) => [info.name, info]));
  const infoOf = (value: ValueView): ValueInfo => declared.get(value.name) ?? declaration(value);
  const given = new Set(inputs.map(({ name }) => name));
  // Old exporters list weights among the inputs.
  const weights = new Set<string>(graph.initializers.map(({ name }) => name));
  const others = graph.inputs.filter(({ name }) => weights.has(name) && !given.has(name));
  return {
    ...model,
    graph: {
      ...graph,
      nodes,
      inputs: [...inputs.map(infoOf), ...others],
      outputs: outputs.map(infoOf),
    },
  };
}

function declaration({ name, dataType, shape }: ValueView): ValueInfo {
  const type = {
    kind: 'tensor',
    dataType: codes[dataType] ?? DataType.float,
    shape: shape as Shape,
  } as const;
  return { name, type, docString: '', unknown: [] };
}
