import { useStoreApi } from '@xyflow/react';
import { useEffect, useMemo, useRef } from 'react';
import { cutChartOf, paintCutChart } from './cut-chart.ts';
import type { Layout } from './layout.ts';
import { fitCanvas, paintWithView } from './paint-with-view.ts';
import { nearestPlace, type Place } from './places.ts';
import type { Theme } from './theme.ts';
import styles from './GraphCanvas.module.css';

interface CutChartLayerProps {
  readonly layout: Layout;
  readonly places: readonly Place[];
  /** By node; NaN where there is no cut. */
  readonly costs: Float64Array;
  readonly theme: Theme;
  /** A press on the chart moves the cut there. */
  readonly onCut: (afterNode: number) => void;
}

const WIDTH_PX = 64;
/** Between the chart and the graph. */
const DISTANCE_PX = 10;

/**
 * What every cut is expected to cost, as bars along the graph. For the eye and the pointer: a cut's slider tells the
 * same to others.
 */
export function CutChartLayer({ layout, places, costs, theme, onCut }: CutChartLayerProps) {
  const store = useStoreApi();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const chart = useMemo(() => cutChartOf(places, costs), [places, costs]);
  const { left } = layout.bounds;
  useEffect(
    () =>
      paintWithView(canvasRef.current, store, {
        paint: (context, canvas, { height, transform: [x, y, zoom] }, ratio) => {
          const right = Math.round(left * zoom + x - DISTANCE_PX);
          const width = Math.min(WIDTH_PX, right - 4);
          fitCanvas(canvas, WIDTH_PX, height, ratio);
          canvas.style.transform = `translateX(${right - width}px)`;
          paintCutChart(context, chart, { y, zoom, height }, width, theme, ratio);
        },
        isConcerned: (view, before) => view.transform !== before.transform || view.height !== before.height,
      }),
    [store, chart, left, theme],
  );
  return (
    <canvas
      ref={canvasRef}
      className={styles.cutChart}
      style={{ width: WIDTH_PX }}
      aria-hidden="true"
      data-testid="cut-chart"
      onClick={(event) => {
        const { transform } = store.getState();
        const top = event.currentTarget.getBoundingClientRect().top;
        const place = nearestPlace(places, (event.clientY - top - transform[1]) / transform[2], transform[2]);
        if (place) onCut(place.at);
      }}
    />
  );
}
