import type { GraphView } from '../onnx/graph-view.ts';
import type { ShownCut } from './CutHandles.tsx';
import { cutText } from './cut-text.ts';
import { DragCard } from './DragCard.tsx';
import { macShareText, neededBy, stopText, untilText } from './exit-text.ts';
import type { Layout } from './layout.ts';
import type { Forecast } from './props.ts';
import { type BranchMoves, isOf } from './use-branch-moves.ts';
import type { HandleMoves } from './use-handle-moves.ts';

interface MovingCardProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly moves: HandleMoves;
  readonly branches: BranchMoves;
  readonly cuts: readonly ShownCut[];
  /** For the cuts as they are shown. */
  readonly forecasts: readonly Forecast[];
  readonly nodeMs: ArrayLike<number> | undefined;
  readonly isGuess: boolean;
}

/** What the cut or exit that is being moved would mean where it is. */
export function MovingCard(props: MovingCardProps) {
  const { view, layout, moves, branches, cuts, forecasts, nodeMs, isGuess } = props;
  const { state } = moves;
  const moving = cuts.find(({ isMoving }) => isMoving);
  if (moving) {
    const [title, detail] = cutText(view, moving.cut, false, null);
    const knob = moving.knobs.find((each) => isOf(branches.move, each));
    const y = knob?.places[branches.move?.place ?? 0]?.y ?? layout.frontierY[moving.cut.afterNode] ?? 0;
    return (
      <DragCard subject="cut" y={y} title={title} detail={detail} forecasts={forecasts} isGuess={isGuess} />
    );
  }
  if ((state.kind !== 'dragging' && state.kind !== 'stepping') || state.place === null) return null;
  const { place, subject } = state;
  const y = moves.places[subject].find(({ at }) => at === place)?.y ?? 0;
  if (subject === 'stop') {
    const [title, share] = stopText(view, place);
    const detail = share + untilText(nodeMs, neededBy(view, place), isGuess);
    return <DragCard subject="exit" y={y} title={title} detail={detail} />;
  }
  if (subject !== 'tap') return null;
  const detail =
    macShareText(view, view.frontiers[place]?.macsBefore ?? 0) +
    untilText(nodeMs, (node) => node <= place, isGuess);
  return <DragCard subject="exit" y={y} title="exit" detail={detail} />;
}
