import type { ReactFlowState, useStoreApi } from '@xyflow/react';

/** Beyond this, more pixels cost time and show nothing. */
const MAX_PIXEL_RATIO = 2;

interface CanvasPainter {
  /** @param ratio canvas pixels per CSS pixel */
  readonly paint: (
    context: CanvasRenderingContext2D,
    canvas: HTMLCanvasElement,
    view: ReactFlowState,
    ratio: number,
  ) => void;
  /** True if the change of the view shows in this canvas. */
  readonly isConcerned: (view: ReactFlowState, before: ReactFlowState) => boolean;
}

/**
 * Paints a canvas at once and then, at most once a frame, when the view of the graph has changed.
 * @returns ends it
 */
export function paintWithView(
  canvas: HTMLCanvasElement | null,
  store: ReturnType<typeof useStoreApi>,
  { paint, isConcerned }: CanvasPainter,
): () => void {
  const context = canvas?.getContext('2d');
  if (!canvas || !context) return () => {};
  let frame = 0;
  const paintNow = (): void => {
    frame = 0;
    paint(context, canvas, store.getState(), Math.min(MAX_PIXEL_RATIO, devicePixelRatio));
  };
  paintNow();
  const unsubscribe = store.subscribe((view: ReactFlowState, before: ReactFlowState) => {
    if (isConcerned(view, before)) frame ||= requestAnimationFrame(paintNow);
  });
  return () => {
    unsubscribe();
    cancelAnimationFrame(frame);
  };
}

/** Gives a canvas its pixels; one that has them already keeps them, as setting a size clears it and costs time. */
export function fitCanvas(canvas: HTMLCanvasElement, widthPx: number, heightPx: number, ratio: number): void {
  const [width, height] = [Math.round(widthPx * ratio), Math.round(heightPx * ratio)];
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
}
