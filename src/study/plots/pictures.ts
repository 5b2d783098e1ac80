import type { Trial } from '../trial.ts';
import { boxPlot } from './box-plot.ts';
import { breakdownBars } from './breakdown-bars.ts';
import { overTime } from './over-time.ts';
import type { Making } from './picture.ts';
import { violinPlot } from './violin.ts';

/** A picture that can be made of any study. */
export interface PictureKind {
  /** Names its files, too. */
  readonly id: string;
  /** On the chooser. */
  readonly name: string;
  readonly title: string;
  /** How it is read, in one plain line. */
  readonly howToRead: string;
  readonly make: (trials: readonly Trial[]) => Making;
}

/** All pictures, in the order of the chooser. */
export const PICTURES: readonly PictureKind[] = [
  {
    id: 'box-plots',
    name: 'Boxes',
    title: 'Latency of each strategy',
    howToRead:
      'The box holds the middle half of the inferences, the thick line is the median, whiskers reach the last inference within 1.5 boxes, dots are beyond; the axis is logarithmic.',
    make: boxPlot,
  },
  {
    id: 'raw-samples',
    name: 'Samples',
    title: 'All inferences of each strategy',
    howToRead:
      'Dots are single inferences; the hill above them is high where many took that long, the thick line is the median. Two hills: two ways of running, or something else ran beside.',
    make: violinPlot,
  },
  {
    id: 'breakdown',
    name: 'Breakdown',
    title: 'Where the time of an image goes',
    howToRead:
      'Mean times from image file to answer, one after another; the parts add up to the mean of the whole way.',
    make: breakdownBars,
  },
  {
    id: 'over-time',
    name: 'Over time',
    title: 'Latency over the time of the study',
    howToRead:
      'Each line is a strategy relative to its own median. Lines that rise together mean that the device became slower (heat, another program), not the strategies.',
    make: overTime,
  },
];
