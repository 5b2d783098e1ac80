import type { Node, ValueName } from '../../../onnx/model.ts';
import { intAttribute } from '../../../onnx/attributes.ts';
import { nodeTitle } from '../../../onnx/shapes/facts.ts';
import { isStandardDomain } from '../../graph-names.ts';
import { whyInsideStays } from '../layers-inside.ts';
import type { QuantizationCoverage } from '../quantization.ts';
import type { StaticGraph } from './static-graph.ts';

/** What became of a node that computes with float32. */
export type Outcome =
  | { readonly kind: 'quantized'; readonly node: Node }
  | { readonly kind: 'float'; readonly node: Node; readonly reason: string };

/** A graph's new nodes, and what became of the old ones. */
export interface Rewritten {
  readonly nodes: readonly Node[];
  readonly outcomes: Iterable<Outcome>;
}

/** A node that stays float32. */
export function leftAsFloat(node: Node, reason: string): Outcome {
  return { kind: 'float', node, reason };
}

/** The reason, where a value was not calibrated. */
export function noRange(value: string): string {
  return `no finite range of "${value}" was calibrated`;
}

/**
 * Why a node stays as it is, whatever its values' ranges; null if it need not, '' if that is no news (it computes no
 * floats).
 */
export function whyNotQuantizable(
  context: StaticGraph,
  node: Node,
  hasQuantizedForm: (opType: string) => boolean,
): string | null {
  const values = [...node.inputs, ...node.outputs].filter((name) => name !== '');
  const mayBeFloat = (name: ValueName): boolean => context.isFloat(name) || context.isUntyped(name);
  const computes =
    node.inputs.some((name) => name !== '' && !context.index.isConstant(name)) &&
    node.outputs.some(mayBeFloat);
  if (!values.some(mayBeFloat)) return '';
  if (node.opType === 'QuantizeLinear' || node.opType === 'DequantizeLinear') return '';
  if (context.isExcluded(node)) return 'excluded';
  if (!isStandardDomain(node) || !hasQuantizedForm(node.opType)) {
    return computes ? (whyInsideStays(node) ?? `${node.opType} has no quantized form`) : '';
  }
  if (node.inputs.some((name) => context.isDequantized(name))) return 'it reads quantized values already';
  const untyped = values.find((name) => context.isUntyped(name));
  return untyped === undefined ? null : `the type of "${untyped}" is not known`;
}

/** The outcomes as they are told. */
export function coverageOf(outcomes: Iterable<Outcome>, unmatched: readonly string[]): QuantizationCoverage {
  let [quantized, grouped] = [0, 0];
  const skipped: { node: string; reason: string }[] = [];
  for (const { node, ...outcome } of outcomes) {
    if (outcome.kind === 'float') {
      skipped.push({ node: nodeTitle(node), reason: outcome.reason });
      continue;
    }
    quantized++;
    if (node.opType === 'Conv' && (intAttribute(node, 'group') ?? 1) > 1) grouped++;
  }
  return { quantized, grouped, skipped, unmatched };
}
