/** Operators whose constant factors are pruned; biases, normalizations and embeddings are left alone. */
export const PRUNED_OPERATORS: ReadonlySet<string> = new Set([
  'Conv',
  'ConvTranspose',
  'Gemm',
  'MatMul',
  'FusedConv',
  'FusedMatMul',
]);
