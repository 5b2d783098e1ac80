import { type Cell, csvText } from './csv-text.ts';
import { type PruneScan, shareRemoved } from './prune-curves.ts';

/**
 * pruning-sensitivity.csv: a row for each group of channels and share that was tried, all other groups whole; the
 * first row is the whole model. `scores_db` is the power of the scores over that of their error.
 */
export function pruneScanCsv({ curves, whole, accuracy, images }: PruneScan): string {
  const header = [
    'group',
    'operator',
    'channels',
    'units',
    'units_left',
    'share_removed',
    'scores_db',
    'agreement',
    'accuracy',
    'macs',
    'params',
    'images',
  ];
  const rounded = (value: number | null): number | null =>
    value === null ? null : Number(value.toPrecision(6));
  const rows = curves.flatMap((curve) =>
    curve.points.map((point): Cell[] => [
      curve.subject.at,
      curve.subject.opType,
      curve.subject.channels,
      curve.subject.unitCount,
      point.unitsLeft,
      rounded(shareRemoved(curve, point)),
      rounded(point.scoresDb),
      rounded(point.agreement),
      rounded(point.accuracy),
      point.macs,
      point.params,
      images,
    ]),
  );
  const unpruned = [
    null,
    null,
    null,
    null,
    null,
    0,
    null,
    1,
    rounded(accuracy),
    whole.macs,
    whole.params,
    images,
  ];
  return csvText([header, unpruned, ...rows]);
}
