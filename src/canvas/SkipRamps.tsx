import { useStore, type ReactFlowState } from '@xyflow/react';
import { useCallback, useMemo, type CSSProperties } from 'react';
import { formatMs, formatShare } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import { skippedBlocks, skippedNodes, withSkippedInRun } from '../transforms/exits/skip-placement.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { DragCard } from './DragCard.tsx';
import { TRUNK_WIDTH } from './geometry.ts';
import type { Layout } from './layout.ts';
import { bridgesOf, type Ramp, rampsOf } from './ramps.ts';
import styles from './SkipRamps.module.css';
import { useRampMoves } from './use-ramp-moves.ts';
import { DETAIL_ZOOM } from './viewport.ts';

interface SkipRampsProps {
  readonly view: GraphView;
  readonly layout: Layout;
  readonly recipe: Recipe;
  readonly onRecipe: (next: Recipe) => void;
  /** What each node is expected to take on this device. */
  readonly nodeMs: ArrayLike<number> | undefined;
}

/**
 * Blocks that are skipped, faded, with the way round them; and at the end of every run of repeated blocks a grip:
 * dragged up it skips as many of its last blocks as it passes.
 */
export function SkipRamps({ view, layout, recipe, onRecipe, nodeMs }: SkipRampsProps) {
  const onDrop = useCallback(
    (firstNode: number, count: number) => {
      const run = view.skippable?.find((each) => each.firstNode === firstNode);
      if (run) onRecipe(withSkippedInRun(recipe, view, run, count));
    },
    [view, recipe, onRecipe],
  );
  const { move, gripProps } = useRampMoves(onDrop);
  // While a ramp is moved, everything is shown as it would be.
  const shown = useMemo(() => {
    const run = move && view.skippable?.find(({ firstNode }) => firstNode === move.run);
    return run ? withSkippedInRun(recipe, view, run, move.count) : recipe;
  }, [recipe, view, move]);
  const resting = useMemo(() => skippedBlocks(recipe, view), [recipe, view]);
  const skipped = useMemo(() => skippedBlocks(shown, view), [shown, view]);
  const bridges = useMemo(() => bridgesOf(shown, view, layout), [shown, view, layout]);
  const ramps = useMemo(() => rampsOf(view, layout, skipped), [view, layout, skipped]);
  // From afar grips would lie on top of each other; those in use stay.
  const isNear = useStore((state: ReactFlowState) => state.transform[2] >= DETAIL_ZOOM);
  const moved = move && ramps.find(({ run }) => run.firstNode === move.run);
  const restingCount = ({ run: { blocks } }: Ramp): number =>
    blocks.length - 1 - blocks.findLastIndex((block) => !resting.has(block));
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
      {ramps
        .filter((ramp) => isNear || ramp.count > 0)
        .map((ramp) => (
          <div
            key={ramp.run.firstNode}
            className={styles.grip}
            role="slider"
            tabIndex={0}
            aria-label={`Skip the last of ${ramp.run.blocks.length} equal blocks`}
            aria-orientation="vertical"
            aria-valuemin={0}
            aria-valuemax={ramp.run.blocks.length}
            aria-valuenow={ramp.count}
            aria-valuetext={ramp.count === 0 ? 'none skipped' : rampText(view, ramp).join(', ')}
            data-testid="skip-handle"
            data-on={ramp.count > 0 || undefined}
            data-moving={move?.run === ramp.run.firstNode || undefined}
            title={ramp.count === 0 ? 'Drag up to skip the last blocks' : undefined}
            style={
              {
                '--gy': ramp.stops[ramp.count] ?? 0,
                '--half-trunk': TRUNK_WIDTH / 2,
              } as CSSProperties
            }
            {...gripProps({ run: ramp.run.firstNode, stops: ramp.stops, resting: restingCount(ramp) })}
          >
            {ramp.count === 0 ? (
              <span>skip</span>
            ) : (
              <>
                <b>{rampText(view, ramp)[0]}</b>
                <span>{rampText(view, ramp)[1]}</span>
              </>
            )}
          </div>
        ))}
      {moved && (
        <DragCard
          subject="exit"
          y={moved.stops[moved.count] ?? 0}
          title={rampText(view, moved)[0]}
          detail={rampText(view, moved, nodeMs)[1]}
        />
      )}
    </>
  );
}

/** `skip 2 of 3`, `−12 % MACs`, and what it saves here if that is asked for. */
function rampText(
  view: GraphView,
  { run, count }: Ramp,
  nodeMs?: ArrayLike<number>,
): readonly [string, string] {
  const first = count === 0 ? undefined : run.blocks.at(-count);
  const skipped = skippedNodes(view, first ? [{ from: first.from, to: run.to }] : []);
  let [macs, ms] = [0, 0];
  for (const node of skipped) {
    macs += view.nodes[node]?.macs ?? 0;
    ms += nodeMs?.[node] ?? 0;
  }
  const saved = `−${formatShare(macs / Math.max(1, view.totals.macs))} MACs`;
  return [`skip ${count} of ${run.blocks.length}`, nodeMs ? `${saved} · −${formatMs(ms)} here` : saved];
}
