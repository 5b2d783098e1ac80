import { useStoreApi, type ReactFlowState } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import { paintGraph, type Scene } from './paint.ts';
import type { Theme } from './theme.ts';
import styles from './GraphCanvas.module.css';

interface PaintedLayerProps {
  readonly scene: Scene;
  readonly theme: Theme;
  /** True if boxes are elements of their own and only wires are painted. */
  readonly detail: boolean;
}

/** Beyond this, more pixels cost time and show nothing. */
const MAX_PIXEL_RATIO = 2;

/** Wires (and boxes seen from afar) in one canvas behind the boxes, repainted at most once a frame. */
export function PaintedLayer({ scene, theme, detail }: PaintedLayerProps) {
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const store = useStoreApi();
  useEffect(() => {
    const canvas = canvasRef.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    let frame = 0;
    const paint = (): void => {
      frame = 0;
      const { width, height, transform } = store.getState();
      const pixelRatio = Math.min(MAX_PIXEL_RATIO, devicePixelRatio);
      const [pixelWidth, pixelHeight] = [Math.round(width * pixelRatio), Math.round(height * pixelRatio)];
      if (canvas.width !== pixelWidth || canvas.height !== pixelHeight) {
        canvas.width = pixelWidth;
        canvas.height = pixelHeight;
      }
      const [x, y, zoom] = transform;
      paintGraph(context, scene, { x, y, zoom, width, height }, theme, detail, pixelRatio);
    };
    const schedule = (): void => {
      frame ||= requestAnimationFrame(paint);
    };
    paint();
    const unsubscribe = store.subscribe((state: ReactFlowState, before: ReactFlowState) => {
      const moved = state.transform !== before.transform;
      if (moved || state.width !== before.width || state.height !== before.height) schedule();
    });
    return () => {
      unsubscribe();
      cancelAnimationFrame(frame);
    };
  }, [store, scene, theme, detail]);
  return <canvas ref={canvasRef} className={styles.painted} aria-hidden="true" />;
}
