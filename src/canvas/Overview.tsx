import { useStoreApi } from '@xyflow/react';
import { useEffect, useRef, type PointerEvent } from 'react';
import type { Layout } from './layout.ts';
import { fitCanvas, paintWithView } from './paint-with-view.ts';
import { paintOverview, type Scene } from './paint.ts';
import type { Theme } from './theme.ts';
import styles from './Overview.module.css';

interface OverviewProps {
  readonly scene: Scene;
  readonly theme: Theme;
  readonly cutY: number | null;
}

const WIDTH_PX = 56;

/**
 * The minimap: the whole graph squeezed into a strip, as heat by depth, with a window for what is in sight.
 * Dragging in it moves the graph. For the mouse only: the graph itself can be reached without it.
 */
export function Overview({ scene, theme, cutY }: OverviewProps) {
  const store = useStoreApi();
  const canvasRef = useRef<HTMLCanvasElement>(null);
  const windowRef = useRef<HTMLDivElement>(null);
  const { bounds } = scene.layout;

  useEffect(
    () =>
      paintWithView(canvasRef.current, store, {
        paint: (context, canvas, _view, ratio) => {
          const height = canvas.clientHeight;
          fitCanvas(canvas, WIDTH_PX, height, ratio);
          paintOverview(context, scene, theme, WIDTH_PX, height, ratio);
        },
        isConcerned: (view, before) => view.height !== before.height,
      }),
    [store, scene, theme],
  );
  useEffect(() => {
    const moveWindow = (): void => {
      const { transform, height } = store.getState();
      const style = windowRef.current?.style;
      if (!style) return;
      const { top, share } = windowOf(bounds, -transform[1] / transform[2], height / transform[2]);
      // With everything in sight a window says nothing.
      style.display = share > 0.999 ? 'none' : '';
      style.top = `${100 * top}%`;
      style.height = `${100 * share}%`;
    };
    moveWindow();
    return store.subscribe((state, before) => {
      if (state.transform !== before.transform || state.height !== before.height) moveWindow();
    });
  }, [store, bounds]);

  const goTo = (event: PointerEvent<HTMLDivElement>): void => {
    if (event.buttons === 0) return;
    const strip = event.currentTarget.getBoundingClientRect();
    const share = (event.clientY - strip.top) / strip.height;
    const { transform, height, setCenter } = store.getState();
    const centreX = (store.getState().width / 2 - transform[0]) / transform[2];
    if (height > 0)
      void setCenter(centreX, bounds.top + share * (bounds.bottom - bounds.top), { zoom: transform[2] });
  };
  const span = bounds.bottom - bounds.top;
  return (
    <div
      className={styles.overview}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        goTo(event);
      }}
      onPointerMove={goTo}
    >
      <canvas ref={canvasRef} style={{ width: WIDTH_PX }} />
      {cutY !== null && <div className={styles.overviewCut} style={{ top: `${(100 * cutY) / span}%` }} />}
      <div ref={windowRef} className={styles.overviewWindow} />
    </div>
  );
}

/** What part of the graph's height is in sight: its top and its size as shares. */
function windowOf(bounds: Layout['bounds'], top: number, height: number): { top: number; share: number } {
  const span = Math.max(1, bounds.bottom - bounds.top);
  const from = Math.min(1, Math.max(0, (top - bounds.top) / span));
  const to = Math.min(1, Math.max(0, (top + height - bounds.top) / span));
  return { top: from, share: Math.max(0.01, to - from) };
}
