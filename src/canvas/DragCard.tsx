import { useStoreApi } from '@xyflow/react';
import { Fragment, type CSSProperties } from 'react';
import { expectedText } from './exit-text.ts';
import type { Forecast } from './props.ts';
import styles from './DragCard.module.css';

interface DragCardProps {
  readonly subject: 'cut' | 'exit';
  /** Height at zoom 1 of what is being moved. */
  readonly y: number;
  readonly title: string;
  readonly detail: string;
  readonly forecasts?: readonly Forecast[];
  readonly isGuess?: boolean;
}

/** Where the card no longer fits between the line and the tools above. */
const TOP_PX = 240;

/** What the place under the thumb means, told where no thumb is: above the line, near the top below it. */
export function DragCard({ subject, y, title, detail, forecasts = [], isGuess = false }: DragCardProps) {
  const { transform } = useStoreApi().getState();
  const isBelow = y * transform[2] + transform[1] < TOP_PX;
  const least = forecasts.reduce((best, { ms }) => Math.min(best, ms ?? Infinity), Infinity);
  return (
    <div
      className={styles.card}
      data-subject={subject}
      data-below={isBelow || undefined}
      data-testid="drag-card"
      style={{ '--gy': y } as CSSProperties}
    >
      <p className={styles.title}>
        <b>{title}</b>
        <span>{detail}</span>
      </p>
      {forecasts.length > 0 && (
        <dl className={styles.forecasts}>
          {inTwoColumns(forecasts).map(({ label, ms, isChosen }) => (
            <Fragment key={label}>
              <dt data-chosen={isChosen || undefined}>{label}</dt>
              <dd data-chosen={isChosen || undefined} data-best={ms === least || undefined}>
                {ms === null ? '–' : expectedText(ms, isGuess)}
              </dd>
            </Fragment>
          ))}
        </dl>
      )}
    </div>
  );
}

/** Row by row: what the cut decides on the left, on the right tiers that run all of the model. */
function inTwoColumns(forecasts: readonly Forecast[]): readonly Forecast[] {
  const divided = forecasts.filter(({ isWhole }) => !isWhole);
  const whole = forecasts.filter(({ isWhole }) => isWhole);
  const rows = Math.max(divided.length, whole.length);
  return Array.from({ length: rows }, (_, row) =>
    [divided[row], whole[row]].filter((each) => each !== undefined),
  ).flat();
}
