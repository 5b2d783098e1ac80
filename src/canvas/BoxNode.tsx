import type { Node, NodeProps } from '@xyflow/react';
import { createContext, memo, useContext, type CSSProperties } from 'react';
import type { Box } from './boxes.ts';
import type { NodeChange } from './graph-changes.ts';
import type { Light } from './lit.ts';
import styles from './BoxNode.module.css';

export type BoxNodeData = {
  readonly box: Box;
  readonly column: 'trunk' | 'side';
  readonly costText: string;
  readonly heat: number;
  /** In place of the box's shape, where that was another; see `GraphCanvasProps.shapeChanges`. */
  readonly newShape: string | undefined;
  readonly selected: boolean;
  /** The recipe cuts it away: it lies behind or beside the exit where inference stops. */
  readonly away: boolean;
  /** What it does with the channels that are lit; `none` where others are; null: nothing is lit. */
  readonly light: Light | 'none' | null;
  /** Against the graph that this one was made of. */
  readonly change: NodeChange;
  /** Whether it holds what was searched for: the match that is looked at, or another. */
  readonly match: 'current' | 'other' | null;
};
export type BoxFlowNode = Node<BoxNodeData, 'box'>;

export interface BoxActions {
  readonly select: (box: Box) => void;
  readonly toggleFold: (box: Box) => void;
}

export const BoxActionsContext = createContext<BoxActions>({ select: () => {}, toggleFold: () => {} });

/** A box of the graph: title, cost, what is inside, shape of what leaves it. */
export const BoxNode = memo(function BoxNode({ data }: NodeProps<BoxFlowNode>) {
  const actions = useContext(BoxActionsContext);
  const { box } = data;
  if (box.kind === 'header') {
    return (
      <button
        type="button"
        className={styles.header}
        aria-expanded="true"
        onClick={() => actions.toggleFold(box)}
      >
        <span aria-hidden="true" className={styles.chevron} data-open="true" />
        <b>{box.title}</b> {box.subtitle}
      </button>
    );
  }
  const shape = (
    <span
      className={box.kind === 'stack' ? styles.subtitle : styles.shape}
      data-new={data.newShape === undefined ? undefined : true}
    >
      {data.newShape ?? box.shape}
    </span>
  );
  const heat = { '--heat': data.heat } as CSSProperties;
  return (
    <div
      className={styles.box}
      data-kind={box.kind}
      data-selected={data.selected || undefined}
      data-away={data.away || undefined}
      data-match={data.match ?? undefined}
      data-light={data.light === null || data.light === 'none' ? (data.light ?? undefined) : data.light.role}
      data-change={data.change === 'same' ? undefined : data.change}
      data-exit={box.exit === null ? undefined : true}
      data-foldable={box.foldKey === null ? undefined : true}
      style={heat}
      onDoubleClick={() => box.foldKey && actions.toggleFold(box)}
    >
      <button
        type="button"
        className={styles.face}
        disabled={box.kind === 'input'}
        aria-pressed={box.kind === 'input' ? undefined : data.selected}
        onClick={() => actions.select(box)}
      >
        <span className={styles.line}>
          <b className={styles.title}>{box.title}</b>
          {!box.known && (
            <span
              className={styles.unknown}
              title="An operator this lab does not know: passed through unchanged"
            >
              custom
            </span>
          )}
          {data.light !== null && data.light !== 'none' && (
            <span className={styles.light}>{data.light.text}</span>
          )}
          {data.change !== 'same' && <span className={styles.change}>{data.change}</span>}
          <span className={styles.cost}>{box.kind === 'input' ? box.shape : data.costText}</span>
        </span>
        {box.kind !== 'input' && (
          <span className={styles.line}>
            <span className={styles.subtitle}>{box.subtitle}</span>
            {box.kind !== 'stack' && shape}
          </span>
        )}
        {box.kind === 'stack' && shape}
      </button>
      {box.foldKey && (
        <button
          type="button"
          className={styles.fold}
          aria-expanded="false"
          aria-label={`Unfold ${box.title}`}
          onClick={() => actions.toggleFold(box)}
        >
          <span aria-hidden="true" className={styles.chevron} />
        </button>
      )}
    </div>
  );
});
