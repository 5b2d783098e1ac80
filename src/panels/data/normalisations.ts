import type { Preprocessing } from '../../data/preprocessing.ts';

type Numbers = Pick<Preprocessing, 'scale' | 'mean' | 'std'>;

/** Ways to bring pixels into a network's range that have a name. */
export interface Normalisation {
  readonly id: string;
  readonly label: string;
  readonly make: (channels: 1 | 3) => Numbers;
}

const each = (value: number, channels: 1 | 3) => Array.from({ length: channels }, () => value);

/** @source torchvision's ImageNet statistics */
const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

export const NORMALISATIONS: readonly Normalisation[] = [
  { id: 'bytes', label: '0 … 255', make: (n) => ({ scale: 1, mean: each(0, n), std: each(1, n) }) },
  { id: 'unit', label: '0 … 1', make: (n) => ({ scale: 1 / 255, mean: each(0, n), std: each(1, n) }) },
  { id: 'signed', label: '−1 … 1', make: (n) => ({ scale: 1 / 255, mean: each(0.5, n), std: each(0.5, n) }) },
  {
    id: 'imagenet',
    label: 'ImageNet mean and deviation',
    make: (n) => ({ scale: 1 / 255, mean: imageNet.mean.slice(0, n), std: imageNet.std.slice(0, n) }),
  },
];

/**
 * The normalisation that gives the same values, else `own`. Compared by what black and white become, since the
 * same map can be written with different scales.
 */
export function normalisationOf(value: Preprocessing): string {
  const ends = ({ scale, mean, std }: Numbers) =>
    mean.flatMap((m, channel) => [0, 255].map((pixel) => (pixel * scale - m) / (std[channel] ?? 1)));
  const own = ends(value);
  const found = NORMALISATIONS.find(({ make }) =>
    ends(make(value.channels)).every(
      (end, i) => Math.abs(end - (own[i] ?? Number.NaN)) < 1e-3 * Math.max(1, Math.abs(end)),
    ),
  );
  return found?.id ?? 'own';
}
