import { Fragment, useMemo, type CSSProperties } from 'react';
import { formatBytes } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { Placement } from '../transforms/placement.ts';
import type { AutomaticCut } from '../transforms/recipe.ts';
import { type Knob, knobsOf } from './branch-knobs.ts';
import { movedCut } from './cut-moves.ts';
import type { Layout } from './layout.ts';
import { PlaceHandle } from './PlaceHandle.tsx';
import { type BranchMoves, isOf } from './use-branch-moves.ts';
import type { HandleMoves } from './use-handle-moves.ts';
import styles from './CutHandles.module.css';

/** A cut as it is drawn: where it rests, or where it is being moved. */
export interface ShownCut {
  readonly index: number;
  readonly cut: PlacedCut;
  /** Where its line rests; null while it is being added. */
  readonly resting: number | null;
  readonly isMoving: boolean;
  /** Those of the cut at rest, so that they stay under the thumb. */
  readonly knobs: readonly Knob[];
}

/** The cuts of a placement, each where it rests or is being moved, and the one that is being added. */
export function useShownCuts(
  view: GraphView,
  layout: Layout,
  placement: Placement,
  moves: HandleMoves,
  branches: BranchMoves,
): readonly ShownCut[] {
  const knobs = useMemo(
    () => placement.cuts.map((cut, index) => knobsOf(view, layout, cut, index)),
    [view, layout, placement],
  );
  return useMemo(() => {
    const { state } = moves;
    const moved =
      (state.kind === 'dragging' || state.kind === 'stepping') && state.subject === 'cut' ? state : null;
    const movedIndex = moved === null ? -1 : indexOfMoved(placement, moved.from);
    const shown = placement.cuts.map((cut, index): ShownCut => {
      const own = knobs[index] ?? [];
      const resting = cut.afterNode;
      const pulled = branchUnderWay(branches, own);
      if (pulled !== null) return { index, cut: pulled, resting, isMoving: true, knobs: own };
      const place = movedIndex === index ? (moved?.place ?? null) : null;
      if (place === null || place === resting) {
        return {
          index,
          cut,
          resting,
          isMoving: movedIndex === index,
          knobs: movedIndex === index ? [] : own,
        };
      }
      const next = movedCut(view, placement, index, place) ?? cut;
      return { index, cut: next, resting, isMoving: true, knobs: [] };
    });
    const place = moved?.from === null ? moved.place : null;
    const added = place === null || shown.length > 0 ? null : movedCut(view, placement, shown.length, place);
    if (added === null) return shown;
    return [...shown, { index: shown.length, cut: added, resting: null, isMoving: true, knobs: [] }];
  }, [view, placement, moves, branches, knobs]);
}

/** Which cut a gesture that began at this place moves. */
export function indexOfMoved({ cuts }: Placement, from: number | null): number {
  return from === null ? cuts.length : cuts.findIndex(({ afterNode }) => afterNode === from);
}

interface CutHandlesProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly shown: readonly ShownCut[];
  readonly moves: HandleMoves;
  readonly branches: BranchMoves;
  readonly compact: boolean;
  /** What is predicted for a cut straight after a node. */
  readonly note: ((afterNode: number) => string | null) | undefined;
  readonly onRemove: (index: number) => void;
}

/** The lines of the cuts with their tags, and a knob on each branch that can be pulled on its own. */
export function CutHandles(props: CutHandlesProps) {
  const { view, layout, shown, moves, branches, compact, note, onRemove } = props;
  const tiers = shown.length > 1 ? ['mobile | edge', 'edge | cloud'] : null;
  return shown.map(({ index, cut, resting, knobs }) => {
    const lineY = layout.frontierY[cut.afterNode] ?? 0;
    const isPlain = cut.isStraight && tiers === null;
    const text = cutText(view, cut, compact, isPlain ? (note?.(cut.afterNode) ?? null) : null);
    const name = index === 0 ? 'cut' : 'second cut';
    return (
      <Fragment key={name}>
        <PlaceHandle
          subject="cut"
          name={name}
          moves={moves}
          at={cut.afterNode}
          y={lineY}
          resting={resting}
          valueText={`${cutText(view, cut, false, null).join(', ')}: ${cut.crossing.join(', ')}`}
          onRemove={() => onRemove(index)}
        >
          <b>{text[0]}</b>
          <span>{tiers?.[index] ?? text[1]}</span>
        </PlaceHandle>
        {knobs.map((knob) => (
          <BranchKnob key={knob.value} view={view} knob={knob} lineY={lineY} branches={branches} />
        ))}
      </Fragment>
    );
  });
}

interface BranchKnobProps {
  readonly view: GraphView;
  readonly knob: Knob;
  /** Height of the cut's line. */
  readonly lineY: number;
  readonly branches: BranchMoves;
}

function BranchKnob({ view, knob, lineY, branches }: BranchKnobProps) {
  const { move, knobProps } = branches;
  const isMoving = isOf(move, knob);
  const at = isMoving ? move.place : knob.resting;
  const place = knob.places[at];
  if (!place) return null;
  const { x, y, cut } = place;
  const [top, bottom] = [Math.min(y, lineY), Math.max(y, lineY)];
  return (
    <>
      {bottom - top > 1 && (
        <div
          className={styles.thread}
          style={{ '--gx': x, '--gy': top, '--length': bottom - top } as CSSProperties}
        />
      )}
      <div
        className={styles.knob}
        role="slider"
        tabIndex={0}
        aria-label={`Branch of ${knob.value}`}
        aria-orientation="vertical"
        aria-valuemin={1}
        aria-valuemax={knob.places.length}
        aria-valuenow={at + 1}
        aria-valuetext={cutText(view, cut, false, null).join(', ')}
        title="Pull this branch alone"
        data-testid="branch-knob"
        data-moving={isMoving || undefined}
        style={{ '--gx': x, '--gy': y } as CSSProperties}
        {...knobProps(knob)}
      />
    </>
  );
}

function branchUnderWay({ move }: BranchMoves, knobs: readonly Knob[]): PlacedCut | null {
  const knob = knobs.find((each) => isOf(move, each));
  return (move !== null && knob?.places[move.place]?.cut) || null;
}

const AUTOMATIC_TEXT: Readonly<Record<AutomaticCut, string>> = {
  'equal-size': 'equal size · ',
  'fewest-bytes': 'fewest bytes · ',
  fastest: 'fastest · ',
};

function cutText(
  { totals }: GraphView,
  { cost, crossing, automatic }: PlacedCut,
  short: boolean,
  note: string | null,
): readonly [string, string] {
  const before = Math.round((100 * cost.macsBefore) / Math.max(1, totals.macs));
  const values = crossing.length > 1 ? ` in ${crossing.length}` : '';
  const bytes = cost.crossingBytes === null ? 'unknown size' : formatBytes(cost.crossingBytes);
  const how = automatic === null ? '' : AUTOMATIC_TEXT[automatic];
  return short
    ? [note === null ? bytes : `${bytes} · ${note}`, `${before} | ${100 - before} %`]
    : [
        `${how}${bytes}${values} cross`,
        `${before} | ${100 - before} % MACs${note === null ? '' : ` · ${note}`}`,
      ];
}
