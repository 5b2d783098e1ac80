import { formatShare } from '../../base/units.ts';
import type { Model } from '../../onnx/model.ts';
import { standardOpset } from '../graph-names.ts';
import type { ClampedWeights } from './float16.ts';
import type { QuantizationCoverage } from './quantization.ts';
import type { QuantizeOperator } from './quantize-operator.ts';

/** What quantizing the parts of a variant came to. */
export interface PartQuantization {
  readonly coverage: QuantizationCoverage;
  readonly opset: number;
  readonly clamped?: readonly ClampedWeights[];
}

const mostNamed = 3;

/** What somebody who reads a quantized variant's numbers should know. */
export function quantizationWarnings(
  model: Model,
  operator: QuantizeOperator,
  parts: readonly PartQuantization[],
): string[] {
  const coverages = parts.map(({ coverage }) => coverage);
  const sum = (count: (coverage: QuantizationCoverage) => number): number =>
    coverages.reduce((all, coverage) => all + count(coverage), 0);
  const quantized = sum((coverage) => coverage.quantized);
  const grouped = sum((coverage) => coverage.grouped);
  const isInteger = operator.mode !== 'weight-only' && operator.mode !== 'float16';
  const warnings: string[] = [];
  if (operator.mode === 'dynamic' && operator.weights === 's8') {
    warnings.push(
      'Signed weights are up to nine times slower than unsigned ones on wasm; u8 is the fast form.',
    );
  }
  if (
    (operator.mode === 'static' || operator.mode === 'mixed') &&
    operator.format === 'qoperator' &&
    operator.activations === 's8'
  ) {
    warnings.push('Signed activations in QOperator form are about five times slower than float32 on wasm.');
  }
  if ((operator.mode === 'static' || operator.mode === 'mixed') && operator.format === 'auto') {
    warnings.push(
      'Form "auto" is QDQ U8S8 in these files: only the device that runs them can tell which is fastest.',
    );
  }
  if (isInteger && grouped > 0) {
    warnings.push(
      `${grouped} of ${quantized} quantized layers (${formatShare(grouped / quantized)}) are grouped or depthwise convolutions, where 8-bit arithmetic seldom pays: such models may get slower on wasm.`,
    );
  }
  for (const [reason, nodes] of byReason(coverages.flatMap(({ skipped }) => skipped))) {
    warnings.push(`Left as floats: ${namesOf(nodes)} (${reason}).`);
  }
  // A pattern may mean nodes of another part.
  const unmatched = (coverages[0]?.unmatched ?? []).filter((pattern) =>
    coverages.every((coverage) => coverage.unmatched?.includes(pattern)),
  );
  if (unmatched.length > 0) warnings.push(`No node is meant by ${namesOf(unmatched)}.`);
  for (const { tensor, tooLarge, tooSmall, notFinite } of parts.flatMap(({ clamped = [] }) => clamped)) {
    const what = [
      tooLarge > 0 && `${tooLarge} beyond the largest float16 became that`,
      tooSmall > 0 && `${tooSmall} below the smallest became that`,
      notFinite > 0 && `${notFinite} are not finite`,
    ];
    warnings.push(`Weights "${tensor}": ${what.filter(Boolean).join(', ')}.`);
  }
  const [before, after] = [standardOpset(model), Math.max(...parts.map(({ opset }) => opset))];
  if (after > before)
    warnings.push(`The files are written for opset ${after} instead of ${before}, which this form needs.`);
  return warnings;
}

function namesOf(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `${names.slice(0, mostNamed).join(', ')}${more}`;
}

function byReason(skipped: QuantizationCoverage['skipped']): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const { node, reason } of skipped) {
    const group = groups.get(reason);
    if (group === undefined) groups.set(reason, [node]);
    else group.push(node);
  }
  return groups;
}
