/** Names of the runtime that tell neither a prefix nor a suffix of what they compute. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['QGemm', 'Gemm'],
  ['QAttention', 'Attention'],
  ['BiasGelu', 'Gelu'],
  ['FastGelu', 'Gelu'],
  ['QuickGelu', 'Gelu'],
  ['MatMulIntegerToFloat', 'MatMul'],
  ['DynamicQuantizeMatMul', 'MatMul'],
  ['MatMulNBits', 'MatMul'],
  ['SkipLayerNormalization', 'LayerNormalization'],
]);

/**
 * The ONNX operator that a kernel of the runtime computes, with others fused into it or not, in integers or floats:
 * `Conv` for `QLinearConv`, `ConvInteger`, `NhwcFusedConv`. What quantizing inserts keeps its name.
 * @source onnxruntime/core/graph/contrib_ops
 */
export function kindOfOperator(opType: string): string {
  const alias = ALIASES.get(opType);
  if (alias !== undefined) return alias;
  const kind = opType.replace(/^QLinear/, '').replace(/^(Nhwc)?(Fused)?(?=[A-Z])/, '');
  return kind.replace(/^(Conv|MatMul)Integer$/, '$1') || opType;
}

/** `CPU`, `WebGPU`, `WebNN` for what the runtime calls a provider; empty if it calls it nothing. */
export function providerName(provider: string): string {
  const name = provider.replace(/ExecutionProvider$/, '');
  return name === 'WebGpu' ? 'WebGPU' : name;
}
