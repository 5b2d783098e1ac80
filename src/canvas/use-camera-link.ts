import { useReactFlow, useStoreApi } from '@xyflow/react';
import { useEffect, useRef } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import type { CameraLink, Folding, Side, Sight } from './camera-link.ts';
import type { Layout } from './layout.ts';

/** A graph's place in a pair. */
export interface LinkedSide {
  readonly link: CameraLink;
  readonly side: Side;
}

/** Moves a graph together with the other one of its pair. */
export function useCameraLink(
  linked: LinkedSide | undefined,
  view: GraphView,
  layout: Layout,
  onFold: (folding: Folding) => void,
): void {
  const store = useStoreApi();
  const { setViewport } = useReactFlow();
  const fold = useRef(onFold);
  useEffect(() => {
    fold.current = onFold;
  });
  useEffect(() => {
    if (linked === undefined) return;
    const { link, side } = linked;
    const sight = (): Sight => {
      const { transform, width, height } = store.getState();
      const [x, y, zoom] = transform;
      return { x: (width / 2 - x) / zoom, y: (height / 2 - y) / zoom, zoom };
    };
    const lookAt = ({ x, y, zoom }: Sight): void => {
      const { width, height } = store.getState();
      void setViewport({ x: width / 2 - x * zoom, y: height / 2 - y * zoom, zoom });
    };
    link.join(side, { view, layout, sight, lookAt, fold: (folding) => fold.current(folding) });
    const stop = store.subscribe((state, before) => {
      if (state.transform !== before.transform) link.moved(side, sight());
      else if (state.width !== before.width || state.height !== before.height) link.level();
    });
    return () => {
      stop();
      link.join(side, null);
    };
  }, [linked, view, layout, store, setViewport]);
}
