import type { Node } from '../model.ts';
import { controlFlowShapes } from './control-flow.ts';
import { convolutionShapes } from './convolution.ts';
import { dataMovementShapes } from './data-movement.ts';
import { elementwiseShapes } from './elementwise.ts';
import type { ShapeFunction } from './facts.ts';
import { generatorShapes } from './generators.ts';
import { matrixShapes } from './matrix.ts';
import { quantizedShapes } from './quantized.ts';
import { reductionShapes } from './reductions.ts';

const shapeFunctions: ReadonlyMap<string, ShapeFunction> = new Map([
  ...elementwiseShapes,
  ...convolutionShapes,
  ...matrixShapes,
  ...reductionShapes,
  ...dataMovementShapes,
  ...generatorShapes,
  ...quantizedShapes,
  ...controlFlowShapes,
]);

/** An operator's key in tables: `Conv`, or `com.microsoft:Gelu` outside the standard domain. */
export function operatorKey(node: Pick<Node, 'domain' | 'opType'>): string {
  return isStandardDomain(node.domain) ? node.opType : `${node.domain}:${node.opType}`;
}

/** ONNX's own operators; both spellings mean the same. */
export function isStandardDomain(domain: string): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** How an operator's output shapes follow from its inputs; undefined for operators this lab does not know. */
export function shapeFunctionOf(node: Node): ShapeFunction | undefined {
  return shapeFunctions.get(operatorKey(node));
}
