import { intAttribute, intsAttribute } from '../../onnx/attributes.ts';
import type { Node, ValueName } from '../../onnx/model.ts';
import { tensorIntegers } from '../../onnx/tensor.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { DEFAULT_LAYOUT, type ValueLayout } from './pooling.ts';

/** So far neighbours are asked for what a value's dimensions mean. */
const MOST_ASKED = 64;

/** These keep what dimensions mean. */
const ELEMENTWISE = new Set(
  'Abs Add Cast Clip Div Dropout Elu Erf Exp Gelu HardSigmoid HardSwish Identity LeakyRelu Log Mish Mul Neg Pow Reciprocal Relu Sigmoid Softplus Sqrt Sub Tanh'.split(
    ' ',
  ),
);
const CHANNELS_SECOND = new Set(
  'AveragePool BatchNormalization Conv ConvTranspose GlobalAveragePool GlobalMaxPool GroupNormalization InstanceNormalization MaxPool'.split(
    ' ',
  ),
);
const FEATURES_LAST = new Set(['Gemm', 'LayerNormalization', 'MatMul']);

/**
 * What the dimensions of a value mean, told by the operators around it: convolutions and pooling want channels
 * second, linear layers and layer norms have features last. Without a sign, what is usual for the rank.
 */
export function layoutOf(analysed: AnalysedModel, value: ValueName): ValueLayout {
  const rank = analysed.shapes.get(value)?.shape?.length ?? 0;
  if (rank !== 3 && rank !== 4) return DEFAULT_LAYOUT;
  return {
    featuresLast: featuresLast(analysed, value, rank) ?? rank === 3,
    hasClassToken: rank === 3 && readsFirstToken(analysed, value),
  };
}

/** Whether features are the last dimension; null if nothing near tells. */
function featuresLast(
  { model, index, shapes }: AnalysedModel,
  value: ValueName,
  rank: number,
): boolean | null {
  const rankOf = (name: ValueName): number => shapes.get(name)?.shape?.length ?? 0;
  const asked = new Set([value]);
  // A set hands out what is added while it is walked: the nearest first.
  for (const name of asked) {
    if (asked.size > MOST_ASKED) return null;
    const producer = model.graph.nodes[index.producer.get(name) ?? -1];
    const consumers = (index.consumers.get(name) ?? []).flatMap((at) => model.graph.nodes[at] ?? []);
    for (const node of [...(producer ? [producer] : []), ...consumers]) {
      const isProducer = node === producer;
      const told = isFlattenedImage(producer, node, rank)
        ? false
        : toldBy(node, isProducer, !isProducer && node.inputs[0] !== name);
      if (told !== null) return told;
      if (!ELEMENTWISE.has(node.opType)) continue;
      for (const near of isProducer ? node.inputs : node.outputs)
        if (!index.isConstant(near) && rankOf(near) === rank) asked.add(near);
    }
  }
  return null;
}

/** [N, C, H * W] on its way to become a sequence. */
function isFlattenedImage(producer: Node | undefined, consumer: Node, rank: number): boolean {
  return (
    rank === 3 &&
    producer?.opType === 'Reshape' &&
    consumer.opType === 'Transpose' &&
    intsAttribute(consumer, 'perm')?.join() === '0,2,1'
  );
}

/** @param isSecondOperand of a consumer: what it says is about its first */
function toldBy(node: Node, isProducer: boolean, isSecondOperand: boolean): boolean | null {
  if (node.opType === 'Transpose') {
    const order = intsAttribute(node, 'perm')?.join() ?? '';
    if (order === '0,2,3,1') return isProducer;
    if (order === '0,3,1,2') return !isProducer;
    return order === '0,2,1' && isProducer ? true : null;
  }
  if (isSecondOperand) return null;
  if (CHANNELS_SECOND.has(node.opType)) return false;
  return FEATURES_LAST.has(node.opType) ? true : null;
}

/** Whether the model takes the first token of such a sequence for the whole, as vision transformers do. */
function readsFirstToken({ model, index, shapes }: AnalysedModel, value: ValueName): boolean {
  const [, tokens, features] = shapes.get(value)?.shape ?? [];
  const constant = (name: ValueName | undefined): string => {
    const tensor = name === undefined ? undefined : index.initializers.get(name);
    return tensor === undefined ? '' : tensorIntegers(tensor).join();
  };
  return model.graph.nodes.some((node) => {
    const [data, second, third, fourth] = node.inputs;
    if (data === undefined || (node.opType !== 'Gather' && node.opType !== 'Slice')) return false;
    const shape = shapes.get(data)?.shape;
    if (shape?.length !== 3 || shape[1] !== tokens || shape[2] !== features) return false;
    return node.opType === 'Gather'
      ? intAttribute(node, 'axis') === 1 && constant(second) === '0'
      : constant(second) === '0' && constant(third) === '1' && constant(fourth) === '1';
  });
}
