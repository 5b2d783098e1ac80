import type { CSSProperties, ReactNode } from 'react';
import type { Subject } from './drag-state.ts';
import type { HandleMoves } from './use-handle-moves.ts';
import styles from './tags.module.css';

interface PlaceHandleProps {
  readonly subject: Subject;
  readonly name: string;
  readonly moves: HandleMoves;
  /** Where it is shown; a node index (cut) or exit index (stop). */
  readonly at: number;
  /** Its height at zoom 1, if it is not at one of its places. */
  readonly y?: number;
  /** Where it rests in the recipe; null while it is being added. */
  readonly resting: number | null;
  readonly valueText: string;
  /** It lies in what the rest of the recipe leaves out. */
  readonly isGone?: boolean;
  readonly onRemove: () => void;
  readonly children: ReactNode;
}

/** A line across the graph with a tag to hold it by: a slider along the graph's legal places. */
export function PlaceHandle(props: PlaceHandleProps) {
  const { subject, name, moves, at, y, resting, valueText, isGone = false, onRemove, children } = props;
  const places = moves.places[subject];
  const index = places.findIndex((place) => place.at === at);
  const moving =
    moves.state.kind !== 'idle' && moves.state.kind !== 'pressed' && moves.state.subject === subject;
  const position = { '--gy': places[index]?.y ?? y ?? 0 } as CSSProperties;
  return (
    <div
      className={styles.placeLine}
      data-subject={subject}
      data-moving={moving || undefined}
      data-gone={isGone || undefined}
      style={position}
    >
      <div className={styles.dashes} {...moves.dragProps(subject, resting)} />
      <div className={styles.tag} data-tag={subject === 'cut' ? 'cut' : 'tap'}>
        <div
          className={styles.hold}
          role="slider"
          tabIndex={0}
          aria-label={name}
          aria-orientation="vertical"
          aria-valuemin={1}
          aria-valuemax={places.length}
          aria-valuenow={Math.max(1, index + 1)}
          aria-valuetext={isGone ? `${valueText}, not there any more` : valueText}
          data-testid={`${subject}-handle`}
          {...moves.dragProps(subject, resting)}
          onKeyDown={(event) => {
            if (moves.onKey(event, subject, resting)) return;
            if (event.key === 'Delete' || event.key === 'Backspace') {
              event.preventDefault();
              onRemove();
            }
          }}
          onFocus={(event) => {
            // Only for the keyboard: a press must not move what it holds.
            if (event.currentTarget.matches(':focus-visible')) moves.reveal(subject, at);
          }}
          onBlur={moves.drop}
        >
          <span className={styles.grip} aria-hidden="true" />
          <span className={styles.tagText}>{children}</span>
        </div>
        <button type="button" className={styles.remove} aria-label={`Remove ${name}`} onClick={onRemove}>
          <span aria-hidden="true">×</span>
        </button>
      </div>
    </div>
  );
}
