import type { LearningPoint } from '../../transforms/exits/train-head.ts';
import styles from './TrainExits.module.css';

const width = 260;
const height = 44;
const margin = 4;

/** Loss by step: on training images grey, on held-back images orange, with the step that was kept. */
export function LearningCurve({ curve }: { readonly curve: readonly LearningPoint[] }) {
  const losses = curve.flatMap(({ trainingLoss, validationLoss }) => [trainingLoss, validationLoss]);
  const highest = Math.max(1e-9, ...losses);
  const last = Math.max(1, curve.length - 1);
  const x = (at: number): number => margin + ((width - 2 * margin) * at) / last;
  const y = (loss: number): number => height - margin - ((height - 2 * margin) * loss) / highest;
  const line = (loss: (point: LearningPoint) => number): string =>
    curve.map((point, at) => `${x(at).toFixed(1)},${y(loss(point)).toFixed(1)}`).join(' ');
  const best = curve.reduce(
    (least, point, at) =>
      point.validationLoss < (curve[least]?.validationLoss ?? Number.POSITIVE_INFINITY) ? at : least,
    0,
  );
  const kept = curve[best];
  return (
    <figure className={styles.figure}>
      <svg
        className={styles.curve}
        viewBox={`0 0 ${width} ${height}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={
          kept
            ? `Learning curve: ${curve.length} steps, least validation loss ${kept.validationLoss.toFixed(3)} at step ${kept.step}`
            : 'Learning curve'
        }
      >
        <line className={styles.axis} x1="0" x2={width} y1={height - 1} y2={height - 1} />
        <polyline className={styles.training} points={line((point) => point.trainingLoss)} />
        <polyline className={styles.validation} points={line((point) => point.validationLoss)} />
        {kept && <circle className={styles.best} cx={x(best)} cy={y(kept.validationLoss)} r="3" />}
      </svg>
      <figcaption className={styles.legend}>
        <span>loss by step</span>
        <span data-line="training">learned from</span>
        <span data-line="validation">held back</span>
        {kept && <span>best {kept.validationLoss.toFixed(2)}</span>}
      </figcaption>
    </figure>
  );
}
