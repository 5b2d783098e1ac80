import type { Bounds } from './layout.ts';

export interface Transform {
  readonly x: number;
  readonly y: number;
  readonly zoom: number;
}

export interface Margins {
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
  readonly left: number;
}

/** Above this text is readable, and boxes are elements; below, they are painted without text. */
export const DETAIL_ZOOM = 0.45;
const COMFORTABLE_ZOOM = 0.6;

/** The transform that shows all of a graph, centred, never larger than life. */
export function fitAll(bounds: Bounds, width: number, height: number, margins: Margins): Transform {
  const zoom = Math.min(
    1,
    (width - margins.left - margins.right) / (bounds.right - bounds.left),
    (height - margins.top - margins.bottom) / (bounds.bottom - bounds.top),
  );
  return centred(bounds, width, height, margins, Math.max(zoom, 1e-3));
}

/** How to show a graph first: all of it if it stays readable, otherwise its beginning. */
export function firstSight(bounds: Bounds, width: number, height: number, margins: Margins): Transform {
  const all = fitAll(bounds, width, height, margins);
  if (all.zoom >= COMFORTABLE_ZOOM) return all;
  const byWidth = (width - margins.left - margins.right) / (bounds.right - bounds.left);
  const zoom = Math.min(1, Math.max(byWidth, COMFORTABLE_ZOOM));
  return { ...centred(bounds, width, height, margins, zoom), y: margins.top - bounds.top * zoom };
}

function centred(bounds: Bounds, width: number, height: number, margins: Margins, zoom: number): Transform {
  const freeX = width - margins.left - margins.right;
  const freeY = height - margins.top - margins.bottom;
  return {
    x: margins.left + (freeX - (bounds.right - bounds.left) * zoom) / 2 - bounds.left * zoom,
    y: margins.top + Math.max(0, freeY - (bounds.bottom - bounds.top) * zoom) / 2 - bounds.top * zoom,
    zoom,
  };
}
