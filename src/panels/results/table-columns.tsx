import type { ReactNode } from 'react';
import { formatBytes, formatMs } from '../../base/units.ts';
import { AXES, type AxisId, axisOf, formatMetric, type Measure } from '../../study/metrics.ts';
import { columnMeasure, type OtherColumn, type TableColumn } from '../../study/table-columns.ts';
import type { Trial } from '../../study/trial.ts';

/** A column of the table of trials. */
export interface Column {
  readonly id: TableColumn;
  readonly head: string;
  /** For people, in full. */
  readonly title: string;
  readonly measure: (trial: Trial) => Measure | null;
  readonly cell: (measure: Measure) => ReactNode;
}

const heads: Readonly<Record<AxisId, string>> = {
  latencyMedianMs: 'median',
  accuracyTop1: 'top-1',
  miou: 'mIoU',
  pixelAccuracy: 'pixels',
  agreement: 'agrees',
  rawBytes: 'size',
  accuracyTop5: 'top-5',
  latencyMeanMs: 'mean',
  latencyP90Ms: 'p90',
  totalMedianMs: 'whole way',
  gzipBytes: 'gzipped',
  sparseBytes: 'sparse',
  macs: 'MACs',
  params: 'params',
  nonZeroParams: 'non-zero',
  heapBytes: 'heap',
  buildMs: 'made in',
};

const others: Readonly<Record<OtherColumn, Omit<Column, 'id' | 'measure'>>> = {
  predicted: {
    head: 'expected',
    title: 'mean latency that was expected before it ran',
    cell: ({ value }) => formatMs(value),
  },
  speedUp: {
    head: 'speed-up',
    title: 'speed-up over the unchanged model',
    cell: (measure) => withHalfInterval(measure, `${measure.value.toFixed(2)} ×`, 1, 2),
  },
  compressionMs: {
    head: 'compressed in',
    title: 'compression time with calibration and training',
    cell: ({ value }) => formatMs(value),
  },
  transferBytes: {
    head: 'sent',
    title: 'bytes sent between tiers',
    cell: ({ value }) => formatBytes(value),
  },
};

/** All that there are, for people to choose among. */
export const COLUMNS: readonly Pick<Column, 'id' | 'title'>[] = [
  ...AXES.map(({ id, label }) => ({ id, title: label })),
  ...(['speedUp', 'compressionMs', 'transferBytes'] as const).map((id) => ({ id, title: others[id].title })),
];

/** @param trials those of the study, for what is told beside others */
export function columnOf(id: TableColumn, trials: readonly Trial[]): Column {
  const shown = isOther(id) ? others[id] : axisColumn(id);
  return { id, ...shown, measure: columnMeasure(id, trials) };
}

function isOther(id: TableColumn): id is OtherColumn {
  return Object.hasOwn(others, id);
}

function axisColumn(id: AxisId): Omit<Column, 'id' | 'measure'> {
  const axis = axisOf(id);
  const hasInterval = axis.unit === 'share' || id === 'latencyMedianMs' || id === 'latencyMeanMs';
  return {
    head: heads[id],
    title: axis.label,
    cell: (measure) => {
      const text = formatMetric(axis, measure.value);
      if (!hasInterval) return text;
      return axis.unit === 'share'
        ? withHalfInterval(measure, text, 100, 1)
        : withHalfInterval(measure, text, 1, null);
    },
  };
}

/**
 * `4.12 ms ±0.05`: half the width of the 95 % interval, in the value's unit.
 * @param digits null: as many as suit
 */
function withHalfInterval(
  { low, high }: Measure,
  text: string,
  scale: number,
  digits: number | null,
): ReactNode {
  if (low === null || high === null || low === high) return text;
  const half = (scale * (high - low)) / 2;
  return (
    <>
      {text} <small>±{half.toFixed(digits ?? (half < 0.095 ? 2 : 1))}</small>
    </>
  );
}
