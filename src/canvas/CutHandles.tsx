import { Fragment, useMemo, type CSSProperties } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import type { Placement } from '../transforms/placement.ts';
import { type Knob, knobsOf } from './branch-knobs.ts';
import { movedCut } from './cut-moves.ts';
import { cutText } from './cut-text.ts';
import { indexOfMoved } from './edits.ts';
import { expectedText } from './exit-text.ts';
import type { Layout } from './layout.ts';
import { PlaceHandle } from './PlaceHandle.tsx';
import type { Forecast } from './props.ts';
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

interface CutHandlesProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly shown: readonly ShownCut[];
  readonly moves: HandleMoves;
  readonly branches: BranchMoves;
  readonly compact: boolean;
  /** What placements are expected to take with the cuts as they are shown. */
  readonly forecasts: readonly Forecast[];
  readonly isGuess: boolean;
  /** Whether a cut lies in what the rest of the recipe leaves out. */
  readonly isGone: (cut: PlacedCut) => boolean;
  readonly onRemove: (index: number) => void;
}

/** The lines of the cuts with their tags, and a knob on each branch that can be pulled on its own. */
export function CutHandles(props: CutHandlesProps) {
  const { view, layout, shown, moves, branches, compact, forecasts, isGuess, isGone, onRemove } = props;
  const tiers = shown.length > 1 ? ['mobile | edge', 'edge | cloud'] : null;
  const ms = forecasts.find(({ isChosen }) => isChosen)?.ms ?? null;
  const note = ms === null ? null : expectedText(ms, isGuess);
  return shown.map(({ index, cut, resting, knobs }) => {
    const lineY = layout.frontierY[cut.afterNode] ?? 0;
    const text = cutText(view, cut, compact, index === 0 ? note : null);
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
          isGone={isGone(cut)}
          valueText={`${cutText(view, cut, false, note).join(', ')}: ${cut.crossing.join(', ')}`}
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
