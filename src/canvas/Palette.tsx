import type { ExitPlacement } from '../transforms/placement.ts';
import type { Subject } from './drag-state.ts';
import type { HandleMoves } from './use-handle-moves.ts';
import styles from './GraphCanvas.module.css';

interface PaletteProps {
  readonly exitCount: number;
  readonly exit: ExitPlacement;
  readonly cut: number | null;
  readonly moves: HandleMoves;
  readonly onAdd: (subject: Subject) => void;
  readonly onRemove: (subject: Subject) => void;
  readonly onDynamic: () => void;
}

/** What can be put on the graph: drag it there, or click to put it in the middle. */
export function Palette({ exitCount, exit, cut, moves, onAdd, onRemove, onDynamic }: PaletteProps) {
  return (
    <fieldset className={styles.palette} aria-label="Place on the graph">
      <SubjectButton
        subject="cut"
        label="cut"
        placed={cut !== null}
        title="Cut the model in two: drag it onto the graph"
        {...{ moves, onAdd, onRemove }}
      />
      {moves.places.tap.length > 0 && (
        <SubjectButton
          subject="tap"
          label="new exit"
          placed={false}
          title="An exit to be trained on this device: drag it onto the graph"
          {...{ moves, onAdd, onRemove }}
        />
      )}
      {exitCount > 1 && (
        <>
          <button
            type="button"
            className={styles.chip}
            data-subject="stop"
            aria-pressed={exit.kind === 'dynamic'}
            title="Stop at the first exit that is confident enough"
            onClick={onDynamic}
          >
            early exits
          </button>
          <SubjectButton
            subject="stop"
            label="fixed exit"
            placed={exit.kind === 'fixed'}
            title="Always stop at one exit: drag it onto the graph"
            {...{ moves, onAdd, onRemove }}
          />
        </>
      )}
    </fieldset>
  );
}

interface SubjectButtonProps extends Pick<PaletteProps, 'moves' | 'onAdd' | 'onRemove'> {
  readonly subject: Subject;
  readonly label: string;
  readonly placed: boolean;
  readonly title: string;
}

function SubjectButton(props: SubjectButtonProps) {
  const { subject, label, placed, title, moves, onAdd, onRemove } = props;
  return (
    <button
      type="button"
      className={styles.chip}
      data-subject={subject}
      data-testid={`add-${subject}`}
      aria-pressed={placed}
      title={title}
      {...(placed ? {} : moves.dragProps(subject, null))}
      onClick={() => {
        // A drag from the button ends in a click, too: it has just dropped what it carried.
        if (!moves.isClick()) return;
        if (placed) onRemove(subject);
        else onAdd(subject);
      }}
    >
      <span aria-hidden="true" className={styles.swatch} />
      {label}
    </button>
  );
}
