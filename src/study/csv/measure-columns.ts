import { type Measure, trialMetrics } from '../metrics.ts';
import { type Column, rounded } from './column.ts';
import type { TrialRow } from './trial-columns.ts';

/** A metric of a trial and the ends of its interval. */
export function measureColumns(
  name: string,
  description: string,
  axis: keyof ReturnType<typeof trialMetrics>,
): readonly Column<TrialRow>[] {
  const column = (suffix: string, what: string, part: keyof Measure): Column<TrialRow> => ({
    name: name + suffix,
    description: what,
    cell: ({ trial }) => rounded(trialMetrics(trial)[axis]?.[part] ?? null, 6),
  });
  return [
    column('', description, 'value'),
    column('_low', `Lower end of its 95 % interval`, 'low'),
    column('_high', `Upper end of its 95 % interval`, 'high'),
  ];
}
