import { graphAttributes } from '../../onnx/attributes.ts';
import type { Node } from '../../onnx/model.ts';
import { isStandardDomain } from '../graph-names.ts';

const LAYERS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Why layers in a node's subgraphs, which no form of integers reaches, stay float32; null if there are none. */
export function whyInsideStays(node: Node): string | null {
  const count = layersInside(node);
  if (count === 0) return null;
  return count === 1
    ? 'a layer in a graph of its own stays float32'
    : `${count} layers in graphs of its own stay float32`;
}

function layersInside(node: Node): number {
  let count = 0;
  for (const { nodes } of graphAttributes(node)) {
    for (const inner of nodes) {
      count += layersInside(inner);
      if (isStandardDomain(inner) && LAYERS.has(inner.opType)) count++;
    }
  }
  return count;
}
