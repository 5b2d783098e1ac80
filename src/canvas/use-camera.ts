import { type ReactFlowState, useReactFlow, useStore, useStoreApi } from '@xyflow/react';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { Layout } from './layout.ts';
import { firstSight, fitAll, type Margins } from './viewport.ts';

/**
 * Room for what floats over the graph.
 * @param isBare nothing floats; at a desk room is left all the same, as beside it stands a graph with tools
 */
export function marginsOf(compact: boolean, isBare: boolean): Margins {
  if (!compact) return AT_A_DESK;
  return isBare ? BARE : COMPACT;
}

const AT_A_DESK: Margins = { top: 112, right: 96, bottom: 40, left: 40 };
const COMPACT: Margins = { top: 64, right: 16, bottom: 62, left: 16 };
const BARE: Margins = { top: 10, right: 16, bottom: 10, left: 16 };

/** Where the graph is looked at from: first sight, fit, search results, staying put while boxes unfold. */
export function useCamera(
  layout: Layout,
  { compact, margins }: { readonly compact: boolean; readonly margins: Margins },
  match: number | null,
) {
  const store = useStoreApi();
  const { setViewport, screenToFlowPosition } = useReactFlow();
  const layoutRef = useRef(layout);
  const anchor = useRef<{ readonly node: number; readonly screenY: number } | null>(null);

  const camera = useMemo(() => {
    const boxOfNode = (node: number) => {
      const { boxes, rowOfNode } = layoutRef.current;
      return boxes[rowOfNode[node] ?? 0];
    };
    return {
      fit: (): void => {
        const { width, height } = store.getState();
        const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
        void setViewport(fitAll(layoutRef.current.bounds, width, height, margins), {
          duration: calm ? 0 : 200,
        });
      },
      toGraph: (event: { clientX: number; clientY: number }) =>
        screenToFlowPosition({ x: event.clientX, y: event.clientY }),
      /** The node in the middle of what is in sight. */
      middleNode(): number {
        const { height, transform } = store.getState();
        const y = (height / 2 - transform[1]) / transform[2];
        const at = layoutRef.current.boxes.find((box) => box.y + box.height >= y && box.box.lastNode >= 0);
        return at?.box.firstNode ?? 0;
      },
      /** After the next layout this node is where it is now. */
      keepInPlace(node: number) {
        const { transform } = store.getState();
        anchor.current = { node, screenY: (boxOfNode(node)?.y ?? 0) * transform[2] + transform[1] };
      },
      /** Moves to the first of some nodes, unless one is in sight, and not under what lies over the graph at a desk. */
      bringInSight(nodes: readonly number[]) {
        const { height, transform } = store.getState();
        const free = compact ? { top: 0, bottom: height } : { top: height * 0.08, bottom: height * 0.5 };
        const isInSight = (node: number): boolean => {
          const at = boxOfNode(node);
          const top = (at?.y ?? 0) * transform[2] + transform[1];
          return at !== undefined && top >= free.top && top + at.height * transform[2] <= free.bottom;
        };
        const [first] = nodes;
        if (first === undefined || height === 0 || nodes.some(isInSight)) return;
        const at = boxOfNode(first);
        const middle = (free.top + free.bottom) / 2;
        const y = middle - ((at?.y ?? 0) + (at?.height ?? 0) / 2) * transform[2];
        void setViewport({ x: transform[0], y, zoom: transform[2] });
      },
      centreOn(node: number) {
        const at = boxOfNode(node);
        if (!at) return;
        const { width, height, transform } = store.getState();
        const zoom = Math.max(transform[2], 0.8);
        const x = width / 2 - (at.x + at.width / 2) * zoom;
        void setViewport({ x, y: height / 2 - (at.y + at.height / 2) * zoom, zoom });
      },
    };
  }, [store, setViewport, screenToFlowPosition, compact, margins]);

  // A pane in a hidden tab has no size yet: the first sight waits until it has.
  const ready = useStore(
    ({ panZoom, width, height }: ReactFlowState) => !!panZoom && width > 0 && height > 0,
  );
  const seen = useRef(false);
  useLayoutEffect(() => {
    if (!ready || seen.current) return;
    seen.current = true;
    const { width, height } = store.getState();
    void setViewport(firstSight(layoutRef.current.bounds, width, height, margins));
  }, [ready, store, setViewport, margins]);

  useLayoutEffect(() => {
    layoutRef.current = layout;
    if (!anchor.current) return;
    const { node, screenY } = anchor.current;
    anchor.current = null;
    const at = layout.boxes[layout.rowOfNode[node] ?? 0];
    const { transform } = store.getState();
    const y = screenY - (at?.y ?? 0) * transform[2];
    void setViewport({ x: transform[0], y, zoom: transform[2] });
  }, [layout, store, setViewport]);

  useEffect(() => {
    if (match !== null) camera.centreOn(match);
  }, [match, camera]);
  return camera;
}
