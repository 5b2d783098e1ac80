import { formatBytes } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { AutomaticCut } from '../transforms/recipe.ts';

const AUTOMATIC_TEXT: Readonly<Record<AutomaticCut, string>> = {
  'equal-size': 'equal size · ',
  'fewest-bytes': 'fewest bytes · ',
  fastest: 'fastest · ',
};

/**
 * Two lines for a cut: what crosses, and the work on both sides.
 * @param note what is predicted
 */
export function cutText(
  { totals }: GraphView,
  { cost, crossing, automatic }: PlacedCut,
  short: boolean,
  note: string | null,
): readonly [string, string] {
  const before = Math.round((100 * cost.macsBefore) / Math.max(1, totals.macs));
  const values = crossing.length > 1 ? ` in ${crossing.length}` : '';
  const bytes = cost.crossingBytes === null ? 'unknown size' : formatBytes(cost.crossingBytes);
  const how = automatic === null ? '' : AUTOMATIC_TEXT[automatic];
  return short
    ? [note === null ? bytes : `${bytes} · ${note}`, `${before} | ${100 - before} %`]
    : [
        `${how}${bytes}${values} cross`,
        `${before} | ${100 - before} % MACs${note === null ? '' : ` · ${note}`}`,
      ];
}
