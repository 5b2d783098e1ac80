import { useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import { fitCanvas, paintWithView } from './paint-with-view.ts';
import { paintGraph, type Scene } from './paint.ts';
import type { Theme } from './theme.ts';
import styles from './GraphCanvas.module.css';

interface PaintedLayerProps {
  readonly scene: Scene;
  readonly theme: Theme;
  /** True if boxes are elements of their own and only wires are painted. */
  readonly detail: boolean;
}

/** Wires (and boxes seen from afar) in one canvas behind the boxes, repainted at most once a frame. */
export function PaintedLayer({ scene, theme, detail }: PaintedLayerProps) {
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  useEffect(
    () =>
      paintWithView(canvasRef.current, store, {
        paint: (context, canvas, { width, height, transform: [x, y, zoom] }, ratio) => {
          fitCanvas(canvas, width, height, ratio);
          paintGraph(context, scene, { x, y, zoom, width, height }, theme, detail, ratio);
        },
        isConcerned: (view, before) =>
          view.transform !== before.transform || view.width !== before.width || view.height !== before.height,
      }),
    [store, scene, theme, detail],
  );
  return <canvas ref={canvasRef} className={styles.painted} aria-hidden="true" />;
}
