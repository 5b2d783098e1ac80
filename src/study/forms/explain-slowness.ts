import { capitalized, formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import type { QuantizeOperator } from '../../transforms/quantize/quantize-operator.ts';
import { attributeTimes, type RuntimeNodeTime } from '../profile/attribute-times.ts';
import { layerKindOf } from './choose-form.ts';
import { LAYER_KINDS } from './layer-kinds.ts';
import { timesText } from './times-text.ts';

/** Why a quantized model is not faster, from the profiles of both. */
export interface SlownessExplanation {
  readonly sentences: readonly string[];
  readonly rows: readonly TimesRow[];
}

/** Milliseconds of an inference that a part of the model takes. */
export interface TimesRow {
  readonly part: string;
  readonly floatMs: number;
  readonly quantizedMs: number;
}

/** What quantizing inserts. */
const CONVERSIONS: ReadonlySet<string> = new Set([
  'QuantizeLinear',
  'DequantizeLinear',
  'DynamicQuantizeLinear',
  'Cast',
]);

const INTEGER_PRODUCT =
  /^(QLinearConv|QLinearMatMul|QGemm|ConvInteger|MatMulInteger|MatMulIntegerToFloat|DynamicQuantizeMatMul)$/;
const FLOAT_PRODUCT = /^(Nhwc)?(Fused)?(Conv|ConvTranspose|Gemm|MatMul)$/;

/** Nodes that take less than this share of what they took are faster beyond doubt. */
const WON = 0.95;

/** Parts that take less of the time are not worth a sentence. */
const NOTABLE_SHARE = 0.05;

/**
 * Sets the profile of a quantized model beside that of the unchanged one.
 * @param float times of the runtime's nodes, in order, named after the model's (see `attributeTimes`)
 * @param quantized the same of the quantized model
 */
export function explainSlowness(
  view: GraphView,
  operator: QuantizeOperator,
  float: readonly RuntimeNodeTime[],
  quantized: readonly RuntimeNodeTime[],
): SlownessExplanation {
  const isConversion = ({ opType }: RuntimeNodeTime): boolean => CONVERSIONS.has(opType);
  const [before, after] = [float, quantized].map((times) => {
    const parts = timesByPart(
      view,
      times.filter((time) => !isConversion(time)),
    );
    return parts.set(CONVERTING, totalMs(times.filter(isConversion)));
  }) as [Map<string, number>, Map<string, number>];
  const rows = [...before.keys()]
    .map((part): TimesRow => ({ part, floatMs: before.get(part) ?? 0, quantizedMs: after.get(part) ?? 0 }))
    .filter(({ floatMs, quantizedMs }) => floatMs + quantizedMs > 0);
  const sentences = [
    lossSentence(view, rows, float, quantized),
    conversionSentence(quantized, rows),
    leftFloatSentence(operator, quantized),
  ].filter((sentence) => sentence !== null);
  const [floatMs, quantizedMs] = [totalMs(float), totalMs(quantized)];
  const inAll = `${formatMs(quantizedMs)} instead of ${formatMs(floatMs)}`;
  const isFaster = quantizedMs < WON * floatMs;
  const summary = isFaster
    ? `Node by node it takes ${inAll} here: what is won is lost around the nodes, or in the noise of measuring.`
    : `No single part explains it: node by node it takes ${inAll} here.`;
  return { sentences: isFaster || sentences.length === 0 ? [summary, ...sentences] : sentences, rows };
}

const CONVERTING = 'conversions';
const OTHERS = 'all other nodes';

/** Times by kind of layer, in the kinds' order. */
function timesByPart(view: GraphView, times: readonly RuntimeNodeTime[]): Map<string, number> {
  const parts = new Map<string, number>(
    [...LAYER_KINDS.map(({ label }) => label), OTHERS].map((part) => [part, 0]),
  );
  const { nodeMs } = attributeTimes(view, times);
  for (const node of view.nodes) {
    const kind = layerKindOf(node);
    const part = LAYER_KINDS.find((each) => each.kind === kind)?.label ?? OTHERS;
    parts.set(part, (parts.get(part) ?? 0) + (nodeMs[node.index] ?? 0));
  }
  return parts;
}

/** The part that lost the most. */
function lossSentence(
  view: GraphView,
  rows: readonly TimesRow[],
  float: readonly RuntimeNodeTime[],
  quantized: readonly RuntimeNodeTime[],
): string | null {
  const lost = ({ floatMs, quantizedMs }: TimesRow): number => quantizedMs - floatMs;
  const [worst] = rows.filter(({ part }) => part !== CONVERTING).toSorted((a, b) => lost(b) - lost(a));
  if (!worst || lost(worst) < NOTABLE_SHARE * totalMs(quantized)) return null;
  const { part, floatMs, quantizedMs } = worst;
  const factor = quantizedMs / floatMs;
  const times = floatMs > 0 && factor < 1000 ? `, ${timesText(factor)} as long` : '';
  const why = part === OTHERS ? slowestOther(view, float, quantized) : slowKernel(part, quantized);
  return `${capitalized(part)} take ${formatMs(quantizedMs)} instead of ${formatMs(floatMs)}${times}${why}.`;
}

/** Of the integer kernels that compute a part the one that takes the most time. */
function slowKernel(part: string, quantized: readonly RuntimeNodeTime[]): string {
  const isProduct = LAYER_KINDS.some(({ kind, label }) => kind === 'matmul' && label === part);
  const isOfPart = isProduct ? /MatMul|Gemm/ : /Conv/;
  const sums = timesByType(quantized.filter(({ opType }) => INTEGER_PRODUCT.test(opType)));
  const kernel = [...sums.keys()].find((opType) => isOfPart.test(opType));
  return kernel === undefined ? '' : `: the kernel for them, ${kernel}, is slow here`;
}

/** What all other nodes spend most in; of what float32 computes inside its convolutions and products, that it does. */
function slowestOther(
  view: GraphView,
  float: readonly RuntimeNodeTime[],
  quantized: readonly RuntimeNodeTime[],
): string {
  const layers = view.nodes.filter((node) => layerKindOf(node) !== null);
  const ofLayers = new Set<string>(layers.flatMap(({ outputs }) => outputs));
  // What quantizing adds to a layer is named after it.
  const isOther = ({ name, opType }: RuntimeNodeTime): boolean =>
    !CONVERSIONS.has(opType) && !ofLayers.has(name.replace(/\/\d+$/, ''));
  const [most] = timesByType(quantized.filter(isOther));
  if (most === undefined) return '';
  const [opType, ms] = most;
  const plain = opType.replace(/^QLinear/, '');
  const isNew = !float.some((each) => each.opType === opType || each.opType === plain);
  return `: most in ${opType} (${formatMs(ms)})${isNew ? ', which float32 computes as a part of other nodes' : ''}`;
}

/** Sums by operator, the greatest first. */
function timesByType(times: readonly RuntimeNodeTime[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>();
  for (const { opType, ms } of times) sums.set(opType, (sums.get(opType) ?? 0) + ms);
  return new Map([...sums].toSorted((a, b) => b[1] - a[1]));
}

function conversionSentence(quantized: readonly RuntimeNodeTime[], rows: readonly TimesRow[]): string | null {
  const row = rows.find(({ part }) => part === CONVERTING);
  const spentMs = row ? row.quantizedMs - row.floatMs : 0;
  if (spentMs < NOTABLE_SHARE * totalMs(quantized)) return null;
  const inserted = quantized.filter(({ opType }) => CONVERSIONS.has(opType));
  const names = [...new Set(inserted.map(({ opType }) => opType))].join(', ');
  return `${inserted.length === 1 ? 'One node' : `${inserted.length} nodes`} that only convert values (${names}) ${inserted.length === 1 ? 'takes' : 'take'} ${formatMs(spentMs)}.`;
}

function leftFloatSentence({ mode }: QuantizeOperator, quantized: readonly RuntimeNodeTime[]): string | null {
  if (mode === 'weight-only') return 'The arithmetic is float32 as before: only the file is smaller.';
  const products = quantized.filter(
    ({ opType }) => FLOAT_PRODUCT.test(opType) || INTEGER_PRODUCT.test(opType),
  );
  const left = products.filter(({ opType }) => FLOAT_PRODUCT.test(opType));
  if (left.length === 0 || totalMs(left) < NOTABLE_SHARE * totalMs(quantized)) return null;
  if (mode === 'float16') return 'The CPU computes in float32 all the same and converts before and after.';
  return `${left.length} of ${products.length} convolutions and matrix products still run in float32, and take ${formatMs(totalMs(left))}.`;
}

function totalMs(times: readonly RuntimeNodeTime[]): number {
  return times.reduce((sum, { ms }) => sum + ms, 0);
}
