import type { FrontAxes } from '../front-layout.ts';
import type { Trial } from '../trial.ts';
import { accuracyTable } from './accuracy-table.ts';
import { boxPlot } from './box-plot.ts';
import { breakdownBars } from './breakdown-bars.ts';
import { effectMatrix } from './effect-matrix.ts';
import { frontPicture } from './front-picture.ts';
import { hypervolumeOverTime } from './hypervolume-over-time.ts';
import { overTime } from './over-time.ts';
import { type Limits, parallelCoordinates } from './parallel.ts';
import type { Making } from './picture.ts';
import { quantileQuantile } from './quantile-quantile.ts';
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
  /**
   * @param limits what is brushed on parallel coordinates
   * @param axes of the front
   */
  readonly make: (trials: readonly Trial[], limits: Limits, axes?: FrontAxes) => Making;
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
  {
    id: 'q-q-plots',
    name: 'Q-Q',
    title: 'Latencies against a normal distribution',
    howToRead:
      'Dots on the dashed line: latencies are spread as a normal distribution. An upward hook at the right is a tail of slow inferences; means and t-tests then mislead, medians do not.',
    make: quantileQuantile,
  },
  {
    id: 'effect-sizes',
    name: 'Effects',
    title: "Effect sizes of latency (Cliff's delta)",
    howToRead:
      'Each cell compares the strategy of its row with that of its column: L large, M medium, S small, N negligible; − the row is faster, + it is slower.',
    make: effectMatrix,
  },
  {
    id: 'accuracies',
    name: 'Accuracy',
    title: 'Accuracy, and which differences are real',
    howToRead:
      'Dots with their 95 % intervals, then value, difference in points and adjusted p. Green is better and red worse than the unchanged model; grey is not told apart from it.',
    make: accuracyTable,
  },
  {
    id: 'front',
    name: 'Front',
    title: 'Pareto front, and how sure it is',
    howToRead:
      'Lines through points are 95 % intervals. The percentage is how often a strategy is on the front when rounds and images are drawn again; blue from 50 %. The axes are those of the view Front.',
    make: frontPicture,
  },
  {
    id: 'hypervolume',
    name: 'Hypervolume',
    title: 'How much of the front was known when',
    howToRead:
      'The share of the final hypervolume that the samples until then give. Where it stays flat, measuring longer changed little.',
    make: hypervolumeOverTime,
  },
  {
    id: 'parallel-coordinates',
    name: 'Parallel',
    title: 'All objectives at once',
    howToRead:
      'Each line is a strategy; the best value of every objective is at the right. Drag along an axis to keep only what lies there: front and table follow.',
    make: parallelCoordinates,
  },
];
