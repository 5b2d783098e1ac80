import type { CSSProperties } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ExitPlacement } from '../transforms/placement.ts';
import type { Layout } from './layout.ts';
import boxes from './BoxNode.module.css';
import styles from './tags.module.css';

interface ExitTagsProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly exit: ExitPlacement;
  readonly notes: ReadonlyMap<number, string> | undefined;
  readonly isReadOnly: boolean;
  /** Takes the exit in or leaves it out; with a fixed exit, stops there instead. */
  readonly onToggle: (exit: number) => void;
  /** Exits whose folded head holds something that is lit. */
  readonly litExits: ReadonlySet<number>;
  readonly onUnfold: (foldKey: string, node: number) => void;
}

/** The exits before the final one: a tag at the end of each off-ramp, a switch for taking part. */
export function ExitTags({
  view,
  layout,
  exit: placed,
  notes,
  isReadOnly,
  onToggle,
  litExits,
  onUnfold,
}: ExitTagsProps) {
  return layout.exits.map(({ exit, tagX, tagY, stands }) => {
    const state = tagState(placed, exit);
    const head = stands === 'for head' ? layout.boxes.find(({ box }) => box.exit === exit)?.box : undefined;
    const share = Math.round((100 * (view.exits[exit]?.macs ?? 0)) / Math.max(1, view.totals.macs));
    const note = notes?.get(exit);
    const position = { '--gx': tagX, '--gy': tagY } as CSSProperties;
    return (
      <div
        key={exit}
        className={styles.exitTag}
        data-tag="exit"
        data-on={state.on || undefined}
        data-away={state.away || undefined}
        data-lit={(stands === 'for head' && litExits.has(exit)) || undefined}
        style={position}
      >
        <button
          type="button"
          className={styles.exitFace}
          {...(isReadOnly ? { disabled: true } : { role: 'switch', 'aria-checked': state.on })}
          aria-label={`Exit ${exit + 1}${note ? `, ${note}` : ''}, ${share} % of MACs`}
          data-testid={`exit-${exit}`}
          onClick={() => onToggle(exit)}
        >
          <b>
            Exit {exit + 1}
            {!isReadOnly && <span className={styles.exitState}>{state.text}</span>}
          </b>
          <span className={styles.exitNote}>{note ? `${note} · ${share} % MACs` : `${share} % of MACs`}</span>
        </button>
        {head?.foldKey && (
          <button
            type="button"
            className={`${boxes.fold} ${styles.fold}`}
            aria-label={`Unfold exit ${exit + 1}`}
            aria-expanded="false"
            onClick={() => head.foldKey && onUnfold(head.foldKey, head.firstNode)}
          >
            <span aria-hidden="true" className={boxes.chevron} />
          </button>
        )}
      </div>
    );
  });
}

interface TagState {
  readonly on: boolean;
  /** Cut away together with its head. */
  readonly away: boolean;
  readonly text: string;
}

function tagState(placed: ExitPlacement, exit: number): TagState {
  switch (placed.kind) {
    case 'none':
      return { on: false, away: false, text: 'off' };
    case 'fixed':
      return placed.exit === exit
        ? { on: true, away: false, text: 'stops' }
        : { on: false, away: true, text: 'off' };
    case 'dynamic': {
      const at = placed.exits.indexOf(exit);
      return at < 0
        ? { on: false, away: true, text: 'off' }
        : { on: true, away: false, text: `τ ${placed.thresholds[at]?.toFixed(2)}` };
    }
  }
}
