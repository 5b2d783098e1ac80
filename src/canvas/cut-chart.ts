import type { Place } from './places.ts';
import type { Viewport } from './paint.ts';
import type { Theme } from './theme.ts';

/** What every cut costs, as bars beside the graph at the cuts' heights. */
export interface CutChart {
  /** Heights at zoom 1, ascending. */
  readonly ys: Float64Array;
  /** Lengths in [0, 1]: shares of the highest cost. */
  readonly shares: Float64Array;
  /** The cheapest; -1 if there is none. */
  readonly best: number;
}

/** @param costs by node; cuts without one are left out */
export function cutChartOf(places: readonly Place[], costs: Float64Array): CutChart {
  const known = places.filter(({ at }) => Number.isFinite(costs[at]));
  const values = Float64Array.from(known, ({ at }) => costs[at] as number);
  const most = values.reduce((a, b) => Math.max(a, b), Number.MIN_VALUE);
  const least = values.reduce((a, b) => Math.min(a, b), Infinity);
  return {
    ys: Float64Array.from(known, ({ y }) => y),
    shares: values.map((value) => value / most),
    best: values.indexOf(least),
  };
}

const THICKEST_PX = 5;
/** Narrower than this a chart tells nothing. */
const LEAST_WIDTH_PX = 26;

/**
 * Paints the bars growing from the right edge to the left; linear in the bars in sight.
 * @param width room for the longest bar, in CSS pixels
 */
export function paintCutChart(
  context: CanvasRenderingContext2D,
  { ys, shares, best }: CutChart,
  { y, zoom, height }: Pick<Viewport, 'y' | 'zoom' | 'height'>,
  width: number,
  theme: Theme,
  pixelRatio: number,
): void {
  context.setTransform(pixelRatio, 0, 0, pixelRatio, 0, 0);
  context.clearRect(0, 0, context.canvas.width, context.canvas.height);
  if (width < LEAST_WIDTH_PX) return;
  for (let at = 0; at < ys.length; at++) {
    const middle = (ys[at] as number) * zoom + y;
    if (middle < -THICKEST_PX || middle > height + THICKEST_PX) continue;
    const gap = ((ys[at + 1] ?? Infinity) - (ys[at] as number)) * zoom;
    const thickness = at === best ? THICKEST_PX : Math.max(1, Math.min(THICKEST_PX - 1, gap * 0.6));
    const length = Math.max(2, (shares[at] as number) * width);
    context.fillStyle = at === best ? theme.good : theme.bar;
    context.fillRect(width - length, middle - thickness / 2, length, thickness);
  }
}
