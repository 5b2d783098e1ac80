import { makeInt, makeNode } from '../../onnx/attributes.ts';
import { type GraphIndex, indexGraph } from '../../onnx/graph-index.ts';
import { tensorInfo } from '../../onnx/make-model.ts';
import { DataType, type Model, type Node, type ValueName, valueName } from '../../onnx/model.ts';
import { inferShapes } from '../../onnx/shape-inference.ts';
import { tensorIntegers } from '../../onnx/tensor.ts';
import type { AnalysedModel } from '../../transforms/analyse-model.ts';
import { namesIn, uniqueNames } from '../../transforms/graph-names.ts';
import type { ValueRange } from '../../transforms/quantize/quantization.ts';
import { floatsToRead } from '../../transforms/quantize/quantize-weights.ts';

/** Where a float value is to be had in a model. */
type Place =
  | { readonly kind: 'float'; readonly name: ValueName; readonly isHalf: boolean }
  /** In integers, with what turns them back. */
  | { readonly kind: 'integers'; readonly inputs: readonly ValueName[] };

/** A float value of a model and what stands for it in a variant. */
export interface MatchedValue {
  /** Its name in both. */
  readonly value: ValueName;
  /** What the variant's nodes read. */
  readonly changed: Place;
  /** The same before it is rounded to 8 bits, where the variant has it as well. */
  readonly unrounded: Place | null;
  /** What the integers can hold; null if it is not in integers. */
  readonly range: ValueRange | null;
}

/**
 * The values of a float model that a variant computes, too: under their names, or in integers. What is only clipped
 * by the range of an activation behind it stands for that activation's output.
 * @source onnxruntime 1.30, quantization/qdq_loss_debug.py, create_activation_matching; it knows the QDQ form alone
 */
export function matchValues(
  { model, index, shapes, inputs }: AnalysedModel,
  variant: Model,
): readonly MatchedValue[] {
  const places = new VariantPlaces(variant);
  const names = [...inputs, ...index.order.flatMap((at) => model.graph.nodes[at]?.outputs ?? [])];
  const isMadeIn = new Set(variant.graph.nodes.map(({ opType, outputs }) => `${opType} ${outputs[0] ?? ''}`));
  /** For the output of an activation that is not in the variant any more, its input, and the other way round. */
  const inputOfFolded = new Map<ValueName, ValueName>();
  const isClippedLater = new Set<ValueName>();
  for (const {
    opType,
    inputs: [from],
    outputs: [to],
  } of model.graph.nodes) {
    if (!FOLDED_ACTIVATIONS.has(opType) || from === undefined || to === undefined) continue;
    if (isMadeIn.has(`${opType} ${to}`) || !places.has(from)) continue;
    inputOfFolded.set(to, from);
    isClippedLater.add(from);
  }
  return names.flatMap((value): readonly MatchedValue[] => {
    if (value === '' || index.isConstant(value) || shapes.get(value)?.dataType !== DataType.float) return [];
    if (isClippedLater.has(value)) return [];
    const found = places.of(value) ?? places.of(inputOfFolded.get(value) ?? valueName(''));
    return found === null ? [] : [{ value, ...found }];
  });
}

/** They vanish where the range of what they read ends where they would cut off. */
const FOLDED_ACTIVATIONS: ReadonlySet<string> = new Set(['Relu', 'Clip']);

type Found = Omit<MatchedValue, 'value'>;

class VariantPlaces {
  private readonly nodes: readonly Node[];
  private readonly index: GraphIndex;
  private readonly shapes: ReturnType<typeof inferShapes>;
  private readonly inputs: ReadonlySet<string>;

  constructor(variant: Model) {
    this.nodes = variant.graph.nodes;
    this.index = indexGraph(variant.graph);
    this.shapes = inferShapes(variant);
    this.inputs = new Set(variant.graph.inputs.map(({ name }) => name));
  }

  has(value: ValueName): boolean {
    return this.of(value) !== null;
  }

  of(value: ValueName): Found | null {
    if (!this.inputs.has(value) && this.makerOf(value) === null) {
      const integers = valueName(`${value}_quantized`);
      return this.makerOf(integers) === null ? null : this.inIntegers(integers, null);
    }
    const maker = this.makerOf(value);
    if (maker?.opType === 'DequantizeLinear') {
      const quantizer = this.makerOf(maker.inputs[0]);
      const before = quantizer?.opType === 'QuantizeLinear' ? quantizer.inputs[0] : undefined;
      return {
        changed: this.float(value),
        unrounded: before === undefined ? null : this.float(before),
        range: this.rangeOf(maker.inputs.slice(1)),
      };
    }
    const quantizer = this.readerOf(value, 'QuantizeLinear');
    const integers = quantizer?.outputs[0];
    if (integers === undefined) return { changed: this.float(value), unrounded: null, range: null };
    const back = this.readerOf(integers, 'DequantizeLinear')?.outputs[0];
    if (back === undefined) return this.inIntegers(integers, this.float(value));
    const range = this.rangeOf(quantizer?.inputs.slice(1) ?? []);
    return { changed: this.float(back), unrounded: this.float(value), range };
  }

  private float(name: ValueName): Place {
    return { kind: 'float', name, isHalf: this.shapes.get(name)?.dataType === DataType.float16 };
  }

  private inIntegers(integers: ValueName, unrounded: Place | null): Found | null {
    const parameters = this.parametersOf(integers);
    if (parameters.length !== 2) return null;
    const changed = { kind: 'integers', inputs: [integers, ...parameters] } as const;
    return { changed, unrounded, range: this.rangeOf(parameters) };
  }

  /** The names of scale and zero point of a value in integers; none if they are not known. */
  private parametersOf(integers: ValueName | undefined): readonly ValueName[] {
    const maker = this.makerOf(integers);
    if (maker === null) return [];
    const at = OUTPUT_PARAMETERS.get(maker.opType);
    if (at !== undefined) return maker.inputs.slice(at, at + 2);
    if (maker.opType.startsWith('QLinear')) return maker.inputs.slice(3, 5);
    // Operators that only move integers.
    return this.parametersOf(maker.inputs[0]);
  }

  private rangeOf([
    scaleName = valueName(''),
    zeroName = valueName(''),
  ]: readonly ValueName[]): ValueRange | null {
    const [scale, zero] = [this.index.initializers.get(scaleName), this.index.initializers.get(zeroName)];
    if (scale === undefined || zero === undefined) return null;
    const step = floatsToRead(scale)[0] ?? Number.NaN;
    const zeroPoint = tensorIntegers(zero)[0] ?? Number.NaN;
    const least = zero.dataType === DataType.uint8 ? 0 : -128;
    return { low: (least - zeroPoint) * step, high: (least + 255 - zeroPoint) * step };
  }

  private makerOf(value: ValueName | undefined): Node | null {
    const position = value === undefined ? undefined : this.index.producer.get(value);
    return position === undefined ? null : (this.nodes[position] ?? null);
  }

  private readerOf(value: ValueName, opType: string): Node | null {
    const readers = this.index.consumers.get(value) ?? [];
    return readers.map((at) => this.nodes[at]).find((node) => node?.opType === opType) ?? null;
  }
}

/** Where operators have the scale of their output among their inputs; the zero point is next. */
const OUTPUT_PARAMETERS: ReadonlyMap<string, number> = new Map([
  ['QuantizeLinear', 1],
  ['QLinearConv', 6],
  ['QLinearMatMul', 6],
  ['QLinearAdd', 6],
  ['QLinearMul', 6],
  ['QGemm', 7],
  ['QLinearConcat', 0],
]);

/** A model with more outputs: floats of these values, in order. */
export function withTaps(model: Model, places: readonly Place[]): Model {
  const { graph } = model;
  const unique = uniqueNames(namesIn(graph));
  const nodes: Node[] = [];
  const outputs = places.map((place) => {
    const [opType, inputs, attributes] =
      place.kind === 'integers'
        ? (['DequantizeLinear', place.inputs, []] as const)
        : place.isHalf
          ? (['Cast', [place.name], [makeInt('to', DataType.float)]] as const)
          : (['Identity', [place.name], []] as const);
    const tap = unique(`${inputs[0] ?? ''}_tap`);
    nodes.push(makeNode(opType, inputs, [tap], attributes, { name: unique(`${tap}_node`) }));
    return tensorInfo(tap, null);
  });
  return { ...model, graph: { ...graph, nodes: [...graph.nodes, ...nodes], outputs } };
}

/** Where a value of a float model is: under its name. */
export function placeIn(value: ValueName): Place {
  return { kind: 'float', name: value, isHalf: false };
}
