import { formatShare } from '../../base/units.ts';
import type { Model } from '../../onnx/model.ts';
import { standardOpset } from '../graph-names.ts';
import type { ClampedWeights } from './float16.ts';
import type { QuantizationCoverage } from './quantization.ts';
import type { QuantizeOperator } from './quantize-operator.ts';
import { SHORT_CHANNEL } from './weight-only-plan.ts';

/** What quantizing the parts of a variant came to. */
export interface PartQuantization {
  readonly coverage: QuantizationCoverage;
  readonly opset: number;
  readonly clamped?: readonly ClampedWeights[];
}

const mostNamed = 3;
const mostOperators = 6;

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
  const in8Bits = sum((coverage) => coverage.in8Bits ?? 0);
  if (in8Bits > 0) {
    warnings.push(
      `${in8Bits} of ${quantized} layers are in 8 bits: convolutions with fewer than ${SHORT_CHANNEL} weights to a channel (depthwise ones, say), where 4 bits save little and cost most.`,
    );
  }
  const skipped = coverages.flatMap((coverage) => coverage.skipped);
  const formless = operatorsWithoutForm(skipped);
  if (formless.size > 1) warnings.push(withoutForm(formless));
  const others = skipped.filter(({ reason }) => formless.size < 2 || !NO_FORM.test(reason));
  for (const { nodes, reasons } of byReason(others)) {
    const [first = '', ...like] = reasons;
    const more = like.length > 0 ? `; likewise for ${like.length} other${like.length === 1 ? '' : 's'}` : '';
    warnings.push(`Left as floats: ${namesOf(nodes)} (${first}${more}).`);
  }
  // A pattern may mean nodes of another part.
  const unmatched = (coverages[0]?.unmatched ?? []).filter((pattern) =>
    coverages.every((coverage) => coverage.unmatched?.includes(pattern)),
  );
  if (unmatched.length > 0) warnings.push(`No node is meant by ${namesOf(unmatched)}.`);
  warnings.push(...clampedWarnings(parts.flatMap(({ clamped = [] }) => clamped)));
  const [before, after] = [standardOpset(model), Math.max(...parts.map(({ opset }) => opset))];
  if (after > before)
    warnings.push(`The files are written for opset ${after} instead of ${before}, which this form needs.`);
  return warnings;
}

function namesOf(names: readonly string[]): string {
  const more = names.length > mostNamed ? ` and ${names.length - mostNamed} more` : '';
  return `${names.slice(0, mostNamed).join(', ')}${more}`;
}

const NO_FORM = /^(\S+) has no quantized form$/;

/** How many nodes stay floats because of what they compute, by operator, the most frequent first. */
function operatorsWithoutForm(skipped: QuantizationCoverage['skipped']): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { reason } of skipped) {
    const operator = NO_FORM.exec(reason)?.[1];
    if (operator !== undefined) counts.set(operator, (counts.get(operator) ?? 0) + 1);
  }
  return new Map([...counts].sort(([, left], [, right]) => right - left));
}

/** A transformer has ten such operators, each in a hundred nodes: one line for all. */
function withoutForm(counts: ReadonlyMap<string, number>): string {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const names = Array.from(counts, ([operator, count]) => (count === 1 ? operator : `${count} ${operator}`));
  const more = names.length > mostOperators ? ` and ${names.length - mostOperators} other kinds` : '';
  return `Left as floats: ${all} nodes whose operators have no quantized form (${names.slice(0, mostOperators).join(', ')}${more}).`;
}

/** One line for each tensor, or one for all if they are many. */
function clampedWarnings(all: readonly ClampedWeights[]): string[] {
  const sum = (count: (each: ClampedWeights) => number): number =>
    all.reduce((total, each) => total + count(each), 0);
  const line = (names: string, { tooLarge, tooSmall, notFinite }: Omit<ClampedWeights, 'tensor'>): string => {
    const what = [
      tooLarge > 0 && `${tooLarge} beyond the largest float16 became that`,
      tooSmall > 0 && `${tooSmall} below the smallest became that`,
      notFinite > 0 && `${notFinite} are not finite`,
    ];
    return `Weights ${names}: ${what.filter(Boolean).join(', ')}.`;
  };
  if (all.length <= mostNamed) return all.map((each) => line(`"${each.tensor}"`, each));
  const counts = {
    tooLarge: sum(({ tooLarge }) => tooLarge),
    tooSmall: sum(({ tooSmall }) => tooSmall),
    notFinite: sum(({ notFinite }) => notFinite),
  };
  return [line(namesOf(all.map(({ tensor }) => `"${tensor}"`)), counts)];
}

interface SkippedAlike {
  readonly nodes: string[];
  /** Different only in the values that they name. */
  readonly reasons: Set<string>;
}

/** One NaN may leave a hundred nodes behind it without a range: that is one thing to know, not a hundred. */
function byReason(skipped: QuantizationCoverage['skipped']): Iterable<SkippedAlike> {
  const groups = new Map<string, SkippedAlike>();
  for (const { node, reason } of skipped) {
    const kind = reason.replaceAll(/"[^"]*"/g, '""');
    const group = groups.get(kind);
    if (group === undefined) groups.set(kind, { nodes: [node], reasons: new Set([reason]) });
    else {
      group.nodes.push(node);
      group.reasons.add(reason);
    }
  }
  return groups.values();
}
