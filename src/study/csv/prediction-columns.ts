import { NO_CLASS, type Predictions, type Trial } from '../trial.ts';
import { type Column, rounded, tableCsvInParts } from './column.ts';

export interface PredictionRow {
  readonly trial: Trial;
  readonly predictions: Predictions;
  /** Place in the lists of predictions. */
  readonly at: number;
  readonly classNames: readonly string[];
}

/** predictions.csv: a row per strategy and image of the accuracy pass, of models that name the class of an image. */
export const PREDICTION_COLUMNS: readonly Column<PredictionRow>[] = [
  { name: 'trial_id', description: 'The trial, as in trials.csv', cell: ({ trial }) => trial.id },
  { name: 'strategy', description: 'Name of the strategy', cell: ({ trial }) => trial.strategy.name },
  {
    name: 'image_index',
    description: 'Image, by its position in the dataset, from 0',
    cell: ({ predictions, at }) => predictions.imageIndices[at] ?? null,
  },
  {
    name: 'label',
    description: 'Its label, from 0; empty without one, or where earlier versions did not keep it',
    cell: ({ predictions, at }) => predictions.labels?.[at] ?? null,
  },
  {
    name: 'answer',
    description: 'The best class in the numbering of labels; empty where scores are not numbers',
    cell: answerOf,
  },
  {
    name: 'answer_name',
    description: 'What that class is called; empty where nothing tells',
    cell: (row) => row.classNames[answerOf(row) ?? -1] ?? null,
  },
  {
    name: 'right',
    description: 'Whether the answer is the label; empty without one',
    cell: (row) => {
      const label = row.predictions.labels?.[row.at] ?? null;
      return label === null ? null : answerOf(row) === label;
    },
  },
  {
    name: 'confidence',
    description: 'Of the answer, between 0 and 1',
    cell: ({ predictions, at }) => rounded(predictions.confidence[at] ?? null, 6),
  },
  {
    name: 'exit_index',
    description: 'Exit taken, from 0; empty for models with one output',
    cell: ({ predictions, at }) => predictions.exitIndex[at] ?? null,
  },
];

function answerOf({ trial, predictions, at }: PredictionRow): number | null {
  const best = predictions.top1[at] ?? NO_CLASS;
  return best === NO_CLASS ? null : best - trial.preprocessing.classOffset;
}

/** predictions.csv as text; empty without any. */
export function predictionsCsv(trials: readonly Trial[], classNames: readonly string[]): string {
  return trials.some(({ predictions }) => predictions)
    ? [...predictionsCsvInParts(trials, classNames)].join('')
    : '';
}

/** predictions.csv in parts, one after the other the whole text: there may be hundreds of thousands of answers. */
export function predictionsCsvInParts(
  trials: readonly Trial[],
  classNames: readonly string[],
): Generator<string, void, void> {
  return tableCsvInParts(PREDICTION_COLUMNS, rowsOf(trials, classNames), 500);
}

function* rowsOf(trials: readonly Trial[], classNames: readonly string[]): Generator<PredictionRow> {
  for (const trial of trials) {
    const { predictions } = trial;
    for (let at = 0; predictions && at < predictions.imageIndices.length; at++)
      yield { trial, predictions, at, classNames };
  }
}
