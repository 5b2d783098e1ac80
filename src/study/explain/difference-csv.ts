import { csvText } from '../csv-text.ts';
import { differenceMs, type PartTimes, type TimeDifference } from './time-difference.ts';

/**
 * time-difference.csv: a row for each kind of operator and provider, for each block, for what no node takes, and for
 * the whole. The rows of operators and `outside`, or of blocks and `outside`, add up to `all`.
 */
export function timeDifferenceCsv(
  { operators, blocks, outside, total }: TimeDifference,
  [before, after]: readonly [string, string],
): string {
  const cells = (level: string, times: PartTimes, provider = '', kernels = ['', '']) => [
    level,
    times.part,
    provider,
    before,
    after,
    times.beforeMs,
    times.afterMs,
    differenceMs(times),
    ...kernels,
  ];
  return csvText([
    [
      'level',
      'part',
      'provider',
      'strategy_a',
      'strategy_b',
      'a_ms',
      'b_ms',
      'difference_ms',
      'kernels_a',
      'kernels_b',
    ],
    ...operators.map((times) =>
      cells('operator', times, times.provider, [times.kernelsBefore.join(' '), times.kernelsAfter.join(' ')]),
    ),
    ...blocks.map((times) => cells('block', times)),
    cells('outside', outside),
    cells('all', total),
  ]);
}
