import { useMemo, useState } from 'react';
import { formatBytes, formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import type { PlacementName } from '../../study/placement/tiers.ts';
import type { Predictions } from '../../study/predict.ts';
import { placeOfCut } from '../../transforms/recipe-name.ts';
import { classes } from '../ui/controls.tsx';
import styles from './CutChart.module.css';
import { tiersText } from './placement-text.ts';

interface CutChartProps {
  readonly view: GraphView;
  readonly predictions: Predictions;
  /** The pair of tiers whose time is drawn; for a single tier, what would cross. */
  readonly placement: PlacementName;
  /** The cut as it is; null: none. */
  readonly afterNode: number | null;
  readonly onCut: (afterNode: number) => void;
  /** What a place means is told beside the chart already; here only while a thumb slides along. */
  readonly isCompact?: boolean;
}

interface Place {
  readonly afterNode: number;
  readonly cost: number;
}

const width = 100;
const height = 40;

/**
 * Every cut along the graph by what it is expected to take, the present one and the best marked. A thumb slides along
 * it and lets go where the cut shall be; a tap moves the cut there, and so do the arrow keys.
 */
export function CutChart({
  view,
  predictions,
  placement,
  afterNode,
  onCut,
  isCompact = false,
}: CutChartProps) {
  const times = predictions.cut.get(placement);
  const costs = times ?? predictions.crossingBytes;
  const places = useMemo(() => placesOf(view, costs), [view, costs]);
  const [pointed, setPointed] = useState<number | null>(null);
  const last = places.length - 1;
  if (last < 0) return null;
  const most = places.reduce((highest, { cost }) => Math.max(highest, cost), Number.MIN_VALUE);
  const best = places.reduce((lowest, place) => (place.cost < lowest.cost ? place : lowest));
  const here = afterNode === null ? -1 : nearest(places, afterNode);
  const at = pointed ?? here;
  const told = places[at] ?? best;
  const format = times ? formatMs : formatBytes;
  const y = (cost: number): number => height - ((height - 2) * cost) / most;
  const x = (place: number): number => (width * place) / places.length;
  const area = places.map(({ cost }, place) => `L${x(place)} ${y(cost)}H${x(place + 1)}`).join('');
  const alone = times ? [...predictions.alone].toSorted(([, a], [, b]) => a - b)[0] : undefined;
  const placeUnder = (event: React.PointerEvent<HTMLElement>): number => {
    const { left, width: px } = event.currentTarget.getBoundingClientRect();
    return Math.min(last, Math.max(0, Math.floor(((event.clientX - left) / px) * places.length)));
  };
  const step = (by: number): void => {
    const next = places[Math.min(last, Math.max(0, (here < 0 ? places.indexOf(best) : here) + by))];
    if (next) onCut(next.afterNode);
  };
  return (
    <div className={styles.chart} data-compact={isCompact}>
      {(!isCompact || pointed !== null) && (
        <p className={styles.told} aria-hidden="true">
          <b>
            {at < 0 ? 'best ' : ''}
            {placeOfCut(view, told.afterNode)}: {format(told.cost)}
          </b>
          <span>{textOfOthers(predictions, placement, told)}</span>
        </p>
      )}
      <div
        className={styles.surface}
        role="slider"
        tabIndex={0}
        aria-label={
          times ? `Predicted time of every cut, ${tiersText(placement)}` : 'Bytes crossing every cut'
        }
        aria-valuemin={0}
        aria-valuemax={last}
        aria-valuenow={Math.max(0, at)}
        aria-valuetext={`${placeOfCut(view, told.afterNode)}: ${format(told.cost)}${told === best ? ', the best' : ''}`}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setPointed(placeUnder(event));
        }}
        onPointerMove={(event) => pointed !== null && setPointed(placeUnder(event))}
        onPointerUp={(event) => {
          const chosen = pointed === null ? undefined : places[placeUnder(event)];
          setPointed(null);
          if (chosen) onCut(chosen.afterNode);
        }}
        onPointerCancel={() => setPointed(null)}
        onKeyDown={(event) => {
          const by = { ArrowLeft: -1, ArrowRight: 1, Home: -last, End: last }[event.key];
          if (by === undefined) return;
          event.preventDefault();
          step(by);
        }}
      >
        <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
          <path className={styles.area} d={`M0 ${height}${area}V${height}Z`} />
          {alone && alone[1] <= most && (
            <path
              className={styles.alone}
              d={`M0 ${y(alone[1])}H${width}`}
              vectorEffect="non-scaling-stroke"
            />
          )}
          <Bar place={places.indexOf(best)} of={best} x={x} y={y} className={styles.best} />
          {places[at] && <Bar place={at} of={places[at]} x={x} y={y} className={styles.here} />}
        </svg>
      </div>
      <p className={styles.legend}>
        <span>first</span>
        {alone && (
          <span>
            - - {alone[0]} alone {formatMs(alone[1])}
          </span>
        )}
        <span>last</span>
      </p>
    </div>
  );
}

/** One place, wide enough to be seen where there are hundreds. */
function Bar({
  place,
  of,
  x,
  y,
  className,
}: {
  readonly place: number;
  readonly of: Place;
  readonly x: (place: number) => number;
  readonly y: (cost: number) => number;
  readonly className: string | undefined;
}) {
  const wide = Math.max(x(1), 1.2);
  const left = Math.min(width - wide, Math.max(0, x(place) + x(1) / 2 - wide / 2));
  return (
    <rect className={classes(className)} x={left} width={wide} y={y(of.cost)} height={height - y(of.cost)} />
  );
}

function placesOf(view: GraphView, costs: Float64Array): readonly Place[] {
  return view.frontiers
    .map(({ afterNode }) => ({ afterNode, cost: costs[afterNode] ?? Number.NaN }))
    .filter(({ cost }) => Number.isFinite(cost));
}

/** The place of the cut, or the one nearest to where its line is drawn. */
function nearest(places: readonly Place[], afterNode: number): number {
  let found = 0;
  places.forEach((place, at) => {
    const distance = Math.abs(place.afterNode - afterNode);
    if (distance < Math.abs((places[found]?.afterNode ?? 0) - afterNode)) found = at;
  });
  return found;
}

/** What the other pairs of tiers would take there, and what crosses. */
function textOfOthers(
  { cut, crossingBytes }: Predictions,
  placement: PlacementName,
  { afterNode }: Place,
): string {
  const bytes = crossingBytes[afterNode] ?? Number.NaN;
  const others = [...cut]
    .filter(([name]) => name !== placement)
    .map(([name, ms]) => `${tiersText(name)} ${formatMs(ms[afterNode] ?? Number.NaN)}`);
  return [...(Number.isFinite(bytes) ? [`${formatBytes(bytes)} cross`] : []), ...others].join(' · ');
}
