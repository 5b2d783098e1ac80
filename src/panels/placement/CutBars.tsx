import { useMemo } from 'react';
import { formatBytes, formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import type { PlacementName } from '../../study/placement/tiers.ts';
import type { Predictions } from '../../study/predict.ts';
import styles from './CutBars.module.css';

interface CutBarsProps {
  readonly view: GraphView;
  readonly predictions: Predictions;
  /** The pair of tiers whose time the bars show; a single tier shows what would cross. */
  readonly placement: PlacementName;
  /** The cut as it is; null: none. */
  readonly afterNode: number | null;
  readonly onCut: (afterNode: number) => void;
}

const mostBars = 48;

/** Every cut along the graph by what it is expected to take, the present one marked; a press moves the cut there. */
export function CutBars({ view, predictions, placement, afterNode, onCut }: CutBarsProps) {
  const times = predictions.cut.get(placement);
  const bars = useMemo(
    () => barsOf(view, times ?? predictions.crossingBytes),
    [view, times, predictions.crossingBytes],
  );
  const most = bars.reduce((highest, { cost }) => Math.max(highest, cost), Number.MIN_VALUE);
  const least = bars.reduce((lowest, { cost }) => Math.min(lowest, cost), Number.POSITIVE_INFINITY);
  const format = times ? formatMs : formatBytes;
  return (
    <div
      className={styles.bars}
      role="group"
      aria-label={times ? `Predicted time of every cut, ${placement}` : 'Bytes crossing every cut'}
    >
      {bars.map(({ cost, best, first, last }) => (
        <button
          key={first}
          type="button"
          tabIndex={-1}
          aria-label={`Cut here: ${format(cost)}`}
          title={format(cost)}
          data-here={afterNode !== null && first <= afterNode && afterNode <= last}
          data-best={cost === least}
          onClick={() => onCut(best)}
        >
          <span style={{ height: `${(100 * cost) / most}%` }} />
        </button>
      ))}
    </div>
  );
}

/** Neighbouring cuts share a bar where there are many; it shows the best of them. */
function barsOf(view: GraphView, costs: Float64Array) {
  const legal = view.frontiers
    .map(({ afterNode }) => ({ afterNode, cost: costs[afterNode] ?? Number.NaN }))
    .filter(({ cost }) => !Number.isNaN(cost));
  const perBar = Math.max(1, Math.ceil(legal.length / mostBars));
  return Array.from({ length: Math.ceil(legal.length / perBar) }, (_, bar) => {
    const places = legal.slice(bar * perBar, (bar + 1) * perBar);
    const best = places.reduce((a, b) => (b.cost < a.cost ? b : a));
    const [first, last] = [places[0] ?? best, places.at(-1) ?? best];
    return { cost: best.cost, best: best.afterNode, first: first.afterNode, last: last.afterNode };
  });
}
