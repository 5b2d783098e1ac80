import type { ExitPlacement } from '../transforms/placement.ts';
import type { Subject } from './drag-state.ts';
import type { HandleMoves } from './use-handle-moves.ts';
import styles from './Tools.module.css';

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
  const newExit = (label: string) =>
    moves.places.tap.length > 0 && (
      <SubjectButton
        subject="tap"
        label={label}
        name="new exit"
        placed={false}
        title="An exit to be trained on this device: drag it onto the graph"
        {...{ moves, onAdd, onRemove }}
      />
    );
  return (
    <fieldset className={styles.palette} aria-label="Place on the graph">
      <SubjectButton
        subject="cut"
        label="cut"
        name="cut"
        placed={cut !== null}
        title="Cut the model in two: drag it onto the graph"
        {...{ moves, onAdd, onRemove }}
      />
      {exitCount > 1 ? (
        <span className={styles.exits} data-subject="tap">
          <span className={styles.exitsName}>
            <span aria-hidden="true" className={styles.swatch} />
            exits
          </span>
          {newExit('new')}
          <button
            type="button"
            className={styles.chip}
            data-subject="stop"
            aria-label="early exits"
            aria-pressed={exit.kind === 'dynamic'}
            title="Stop at the first exit that is confident enough"
            onClick={onDynamic}
          >
            early
          </button>
          <SubjectButton
            subject="stop"
            label="fixed"
            name="fixed exit"
            placed={exit.kind === 'fixed'}
            title="Always stop at one exit: drag it onto the graph"
            {...{ moves, onAdd, onRemove }}
          />
        </span>
      ) : (
        newExit('new exit')
      )}
    </fieldset>
  );
}

interface SubjectButtonProps extends Pick<PaletteProps, 'moves' | 'onAdd' | 'onRemove'> {
  readonly subject: Subject;
  readonly label: string;
  /** What it is called by itself. */
  readonly name: string;
  readonly placed: boolean;
  readonly title: string;
}

function SubjectButton(props: SubjectButtonProps) {
  const { subject, label, name, placed, title, moves, onAdd, onRemove } = props;
  return (
    <button
      type="button"
      className={styles.chip}
      data-subject={subject}
      data-testid={`add-${subject}`}
      aria-label={name}
      aria-pressed={placed}
      title={title}
      {...(placed ? {} : moves.dragProps(subject, null))}
      onClick={(event) => {
        // A drag from the button ends in a click, too: it has just dropped what it carried.
        if (!moves.isClick(event)) return;
        if (placed) onRemove(subject);
        else onAdd(subject);
      }}
    >
      <span aria-hidden="true" className={styles.swatch} />
      {label}
    </button>
  );
}
