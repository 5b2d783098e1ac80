import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { RangeMethod } from '../transforms/quantize/calibrate/range-method.ts';
import * as read from './json-reader.ts';

const FORMAT = 'paretoscope-calibration';

/** `calibration.json`: calibrations as a text that `parseCalibrations` reads. */
export function serialiseCalibrations(calibrations: readonly Calibration[]): string {
  const plain = calibrations.map((calibration) => ({
    ...calibration,
    ranges: [...calibration.ranges].map(([value, { low, high }]) => ({ value, low, high })),
  }));
  return `${JSON.stringify({ format: FORMAT, formatVersion: 1, calibrations: plain }, null, 1)}\n`;
}

/**
 * Reads `calibration.json`.
 * @throws InputError `calibration-invalid` saying where
 */
export function parseCalibrations(text: string): readonly Calibration[] {
  const { calibrations } = read.parseFile(text, readFile, {
    code: 'calibration-invalid',
    hint: 'Calibrations are written by the lab: quantize with images, then download calibration.json.',
  });
  return calibrations.map(({ ranges, ...calibration }) => ({
    ...calibration,
    ranges: new Map(ranges.map(({ value, low, high }) => [value, { low, high }])),
  }));
}

const readMethod = read.union<RangeMethod>('kind', [
  ['minmax', read.object({ kind: read.oneOf('minmax'), symmetric: read.flag })],
  ['entropy', read.object({ kind: read.oneOf('entropy'), bins: read.count })],
  [
    'percentile',
    read.object({
      kind: read.oneOf('percentile'),
      percentile: read.positive,
      bins: read.count,
      symmetric: read.flag,
    }),
  ],
]);

interface StoredRange {
  readonly value: string;
  readonly low: number;
  readonly high: number;
}

const readRange: read.Reader<StoredRange> = (json, path) => {
  const range = read.object<StoredRange>({ value: read.text, low: read.real, high: read.real })(json, path);
  return range.low <= range.high
    ? range
    : read.refuse(range.low, `${path}.low`, `a number up to ${range.high}, which is "high"`);
};

type StoredCalibration = Omit<Calibration, 'ranges'> & { readonly ranges: readonly StoredRange[] };

const readFile = read.object<{ format: string; calibrations: readonly StoredCalibration[] }>({
  format: read.oneOf(FORMAT),
  calibrations: read.list(
    read.object<StoredCalibration>({
      modelId: read.text,
      datasetId: read.text,
      before: read.text,
      method: readMethod,
      samples: read.count,
      images: read.count,
      elapsedMs: read.optional(read.amount),
      ranges: read.list(readRange),
      notFinite: read.list(read.text),
      warnings: read.list(read.text),
    }),
  ),
});
