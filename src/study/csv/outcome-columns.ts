import { maskQuality } from '../segmentation/class-pixels.ts';
import type { Trial } from '../trial.ts';
import { exitShares, trialMetrics } from '../metrics.ts';
import { type Column, rounded } from './column.ts';
import { measureColumns } from './measure-columns.ts';
import type { TrialRow } from './trial-columns.ts';

function maskedImages({ maskAnswers }: Trial): number | null {
  return maskAnswers?.counts.filter((each) => each !== null).length ?? null;
}

/** How right it is, and how large. */
export const OUTCOME_COLUMNS: readonly Column<TrialRow>[] = [
  {
    name: 'images',
    description: 'Images of the accuracy pass',
    cell: ({ trial }) => trial.accuracy?.images ?? trial.maskAnswers?.imageIndices.length ?? null,
  },
  {
    name: 'labelled_images',
    description: 'Images of these with a label or a mask',
    cell: ({ trial }) => trial.accuracy?.labelledImages ?? maskedImages(trial),
  },
  ...measureColumns('accuracy_top1', 'Share of labelled images whose best class is right', 'accuracyTop1'),
  ...measureColumns(
    'accuracy_top5',
    'Share of labelled images with the right class in the best five',
    'accuracyTop5',
  ),
  ...measureColumns(
    'miou',
    'Mean over classes of intersection over union, of models that name the class of every pixel; intervals are of images drawn anew',
    'miou',
  ),
  ...measureColumns('pixel_accuracy', 'Share of the pixels with a class that are right', 'pixelAccuracy'),
  ...measureColumns(
    'agreement',
    'Share of images (of masks: of pixels) classified as the unchanged model does',
    'agreement',
  ),
  {
    name: 'agreement_miou',
    description:
      'The same as mean intersection over union with the unchanged model’s masks; empty for classifiers',
    cell: ({ trial: { maskAnswers } }) =>
      rounded((maskAnswers?.agreement && maskQuality(maskAnswers.agreement)?.miou.value) ?? null, 6),
  },
  {
    name: 'exit_shares',
    description:
      'Share of images that left at each exit, as `exit:share` separated by spaces; empty for models with one output',
    cell: ({ trial }) =>
      [...exitShares(trial)].map(([exitIndex, share]) => `${exitIndex}:${rounded(share, 4)}`).join(' '),
  },
  {
    name: 'macs',
    description: 'Multiply-accumulates of an inference that takes no early exit',
    cell: ({ trial }) => trial.size?.macs ?? null,
  },
  {
    name: 'expected_macs',
    description: 'Mean multiply-accumulates with the exits taken as in exit_shares',
    cell: ({ trial }) => {
      const macs = trialMetrics(trial).macs;
      return macs && Math.round(macs.value);
    },
  },
  { name: 'params', description: 'Parameters', cell: ({ trial }) => trial.size?.params ?? null },
  {
    name: 'non_zero_params',
    description: 'Parameters that are not zero',
    cell: ({ trial }) => trial.size?.nonZeroParams ?? null,
  },
  {
    name: 'raw_bytes',
    description: 'Size of the ONNX files',
    cell: ({ trial }) => trial.size?.rawBytes ?? null,
  },
  {
    name: 'gzip_bytes',
    description: 'Size of the ONNX files, each gzipped at level 6; empty if that was not measured',
    cell: ({ trial }) => trial.size?.gzipBytes ?? null,
  },
  {
    name: 'sparse_bytes',
    description:
      'Size of the ONNX files with each tensor in the smallest of: all numbers, a bitmap and the non-zero ones, 16-bit places and the non-zero ones; empty if that was not counted',
    cell: ({ trial }) => trial.size?.sparseBytes ?? null,
  },
];
