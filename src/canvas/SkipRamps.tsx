import { useStore, type ReactFlowState } from '@xyflow/react';
import { useCallback, useMemo, type CSSProperties } from 'react';
import { formatShare } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { skippedBlocks, skippedNodes, withSkippedInRun } from '../transforms/exits/skip-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { DragCard } from './DragCard.tsx';
import { expectedText } from './exit-text.ts';
import { TRUNK_WIDTH } from './geometry.ts';
import type { Layout } from './layout.ts';
import { bridgesOf, type Ramp, rampsOf } from './ramps.ts';
import styles from './SkipRamps.module.css';
import { isOf, type RampEdge, type RampMove, useRampMoves } from './use-ramp-moves.ts';
import { DETAIL_ZOOM } from './viewport.ts';

interface SkipRampsProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly recipe: Recipe;
  readonly onRecipe: (next: Recipe) => void;
  /** What each node is expected to take on this device. */
  readonly nodeMs: ArrayLike<number> | undefined;
  readonly isGuess: boolean;
}

/**
 * Blocks that are skipped, faded, with the way round them; and at the end of every run of equal blocks a grip: dragged
 * up it skips as many of its last blocks as it passes. Where some are skipped a second grip moves the other end.
 */
export function SkipRamps({ view, layout, recipe, onRecipe, nodeMs, isGuess }: SkipRampsProps) {
  const resting = useMemo(() => rampsOf(view, layout, skippedBlocks(recipe, view)), [view, layout, recipe]);
  const recipeOf = useCallback(
    ({ run, edge, count }: Omit<RampMove, 'by'>): Recipe => {
      const ramp = resting.find((each) => each.run.firstNode === run);
      if (!ramp) return recipe;
      const end = edge === 'start' ? ramp.end : ramp.end - ramp.count + count;
      return withSkippedInRun(recipe, view, ramp.run, count, end);
    },
    [resting, recipe, view],
  );
  const onDrop = useCallback((move: Omit<RampMove, 'by'>) => onRecipe(recipeOf(move)), [onRecipe, recipeOf]);
  const { move, gripProps } = useRampMoves(onDrop);
  // While a ramp is moved, everything is shown as it would be.
  const shown = useMemo(() => (move ? recipeOf(move) : recipe), [recipe, recipeOf, move]);
  const bridges = useMemo(() => bridgesOf(shown, view, layout), [shown, view, layout]);
  const ramps = useMemo(
    () => (shown === recipe ? resting : rampsOf(view, layout, skippedBlocks(shown, view))),
    [view, layout, shown, recipe, resting],
  );
  // From afar grips would lie on top of each other; those in use stay.
  const isNear = useStore((state: ReactFlowState) => state.transform[2] >= DETAIL_ZOOM);
  const moved = move && ramps.find(({ run }) => run.firstNode === move.run);
  const held = move && resting.find(({ run }) => run.firstNode === move.run);
  return (
    <>
      {bridges.map(({ from, to, top, bottom }) => (
        <div
          key={`${from} ${to}`}
          className={styles.bridge}
          data-testid="skipped"
          style={{ '--gy': top, '--height': bottom - top, '--half-trunk': TRUNK_WIDTH / 2 } as CSSProperties}
        >
          <div className={styles.veil} />
          <div className={styles.way} />
        </div>
      ))}
      {ramps.flatMap((ramp, at) => {
        const { run, count } = ramp;
        // Stops of the ramp at rest, so that they stay under the thumb.
        const rest = resting[at] ?? ramp;
        const isOn = count > 0;
        if (!isNear && !isOn && move?.run !== run.firstNode) return [];
        const grip = (edge: RampEdge) => ({
          run: run.firstNode,
          edge,
          stops: edge === 'start' ? rest.stops : rest.ends,
          resting: rest.count,
        });
        // Where a moving grip is: with nothing skipped the ramp itself would be back at the run's end.
        const heightOf = (edge: RampEdge): number => {
          const isMoving = move !== null && isOf(move, grip(edge));
          const from = isMoving ? rest : ramp;
          return (edge === 'start' ? from.stops : from.ends)[count] ?? 0;
        };
        const [first, second] = rampText(view, ramp);
        return [
          <div
            key={run.firstNode}
            className={styles.grip}
            role="slider"
            tabIndex={0}
            aria-label={
              run.blocks.length > 1 ? `Skip the last of ${run.blocks.length} equal blocks` : 'Skip this block'
            }
            aria-orientation="vertical"
            aria-valuemin={0}
            aria-valuemax={run.blocks.length}
            aria-valuenow={count}
            aria-valuetext={isOn ? `${first}, ${second}` : 'none skipped'}
            data-tag="skip"
            data-testid="skip-handle"
            data-on={isOn || undefined}
            data-moving={(move && isOf(move, grip('start'))) || undefined}
            title={isOn ? undefined : 'Drag up, or press, to skip'}
            style={gripStyle(heightOf('start'))}
            {...gripProps(grip('start'))}
          >
            {isOn ? (
              <>
                <b>{first}</b>
                <span>{second}</span>
              </>
            ) : (
              <span>skip</span>
            )}
          </div>,
          ...(rest.count > 0 && run.blocks.length > 1
            ? [
                <div
                  key={`${run.firstNode} end`}
                  className={styles.grip}
                  role="slider"
                  tabIndex={0}
                  aria-label="Last of the skipped blocks"
                  aria-orientation="vertical"
                  aria-valuemin={0}
                  aria-valuemax={rest.ends.length - 1}
                  aria-valuenow={count}
                  aria-valuetext={`${first}, ${second}`}
                  data-tag="skip"
                  data-testid="skip-end-handle"
                  data-moving={(move && isOf(move, grip('end'))) || undefined}
                  title="Drag to where the skipped blocks end"
                  style={gripStyle(heightOf('end'))}
                  {...gripProps(grip('end'))}
                >
                  <span aria-hidden="true">↕</span>
                </div>,
              ]
            : []),
        ];
      })}
      {moved && held && (
        <DragCard
          subject="exit"
          y={(move.edge === 'start' ? held.stops : held.ends)[move.count] ?? 0}
          title={rampText(view, moved)[0]}
          detail={rampText(view, moved, nodeMs, isGuess)[1]}
        />
      )}
    </>
  );
}

function gripStyle(y: number): CSSProperties {
  return { '--gy': y, '--half-trunk': TRUNK_WIDTH / 2 } as CSSProperties;
}

/** `skip 2 of 3`, `−12 % MACs`, and what it saves here if that is asked for. */
function rampText(
  view: GraphView,
  { run, count, end }: Ramp,
  nodeMs?: ArrayLike<number>,
  isGuess = false,
): readonly [string, string] {
  const [first, last] = [run.blocks[end - count], run.blocks[end - 1]];
  const isAny = count > 0 && first !== undefined && last !== undefined;
  const skipped = skippedNodes(view, isAny ? [{ from: first.from, to: last.to }] : []);
  let [macs, ms] = [0, 0];
  for (const node of skipped) {
    macs += view.nodes[node]?.macs ?? 0;
    ms += nodeMs?.[node] ?? 0;
  }
  const saved = `−${formatShare(macs / Math.max(1, view.totals.macs))} MACs`;
  const what = run.blocks.length === 1 && count > 0 ? 'block' : `${count} of ${run.blocks.length}`;
  return [`skip ${what}`, nodeMs ? `${saved} · −${expectedText(ms, isGuess)} here` : saved];
}
