import type { ChannelMoments, ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import * as read from './json-reader.ts';

const FORMAT = 'paretoscope-statistics';

/** `statistics.json`: statistics of channels as a text that `parseStatistics` reads. */
export function serialiseStatistics(statistics: readonly ChannelStatistics[]): string {
  const plain = statistics.map(({ values, ...each }) => ({
    ...each,
    values: [...values].map(([value, { axis, mean, magnitude, square }]) => ({
      value,
      axis,
      mean: Array.from(mean, shortest),
      magnitude: Array.from(magnitude, shortest),
      square: Array.from(square, shortest),
    })),
  }));
  return `${JSON.stringify({ format: FORMAT, formatVersion: 1, statistics: plain })}\n`;
}

/**
 * Reads `statistics.json`.
 * @throws InputError `statistics-invalid` saying where
 */
export function parseStatistics(text: string): readonly ChannelStatistics[] {
  const { statistics } = read.parseFile(text, readFile, {
    code: 'statistics-invalid',
    hint: 'Statistics of channels are written by the lab: prune with images, then download statistics.json.',
  });
  return statistics.map(({ values, ...each }) => ({
    ...each,
    values: new Map(values.map(({ value, ...moments }) => [value, momentsOf(moments)])),
  }));
}

function momentsOf({ axis, mean, magnitude, square }: Omit<StoredMoments, 'value'>): ChannelMoments {
  return {
    axis,
    mean: Float32Array.from(mean),
    magnitude: Float32Array.from(magnitude),
    square: Float32Array.from(square),
  };
}

/** The shortest decimal that is still this float32. */
function shortest(value: number): number {
  return Number(value.toPrecision(9));
}

interface StoredMoments {
  readonly value: string;
  readonly axis: number;
  readonly mean: readonly number[];
  readonly magnitude: readonly number[];
  readonly square: readonly number[];
}

const readMoments: read.Reader<StoredMoments> = (json, path) => {
  const moments = read.object<StoredMoments>({
    value: read.text,
    axis: read.count,
    mean: read.list(read.real),
    magnitude: read.list(read.real),
    square: read.list(read.amount),
  })(json, path);
  const { mean, magnitude, square } = moments;
  return mean.length === magnitude.length && mean.length === square.length
    ? moments
    : read.refuse(square.length, `${path}.square`, `as many numbers as in "mean": ${mean.length}`);
};

type Stored = Omit<ChannelStatistics, 'values'> & { readonly values: readonly StoredMoments[] };

const readFile = read.object<{ format: string; statistics: readonly Stored[] }>({
  format: read.oneOf(FORMAT),
  statistics: read.list(
    read.object<Stored>({
      modelId: read.text,
      datasetId: read.text,
      kind: read.oneOf('values', 'recalibration'),
      of: read.text,
      samples: read.count,
      images: read.count,
      elapsedMs: read.amount,
      values: read.list(readMoments),
      notFinite: read.list(read.text),
      warnings: read.list(read.text),
    }),
  ),
});
