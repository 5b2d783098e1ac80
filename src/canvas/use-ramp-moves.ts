import { useStoreApi } from '@xyflow/react';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { nearestStop } from './ramps.ts';

/** How many blocks a run's ramp skips while it is being moved. */
export interface RampMove {
  /** The run's first node. */
  readonly run: number;
  readonly count: number;
  readonly by: 'pointer' | 'keys';
}

interface Grip {
  readonly run: number;
  /** Heights of the ramp's start for 0, 1, … skipped blocks, at zoom 1: from the bottom up. */
  readonly stops: readonly number[];
  readonly resting: number;
}

export interface RampMoves {
  readonly move: RampMove | null;
  readonly gripProps: (grip: Grip) => {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerUp: (event: PointerEvent<HTMLElement>) => void;
    readonly onLostPointerCapture: () => void;
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
    readonly onFocus: () => void;
    readonly onBlur: () => void;
  };
}

/** So near to the pane's edge a grip counts as out of sight. */
const EDGE_PX = 48;

/** A finger trembles: less than this is a tap. */
const DRAG_THRESHOLD_PX = 4;

/**
 * Moving the ramps that skip blocks: dragged up by mouse or thumb, stepped by arrows until Enter or until the focus
 * leaves; Escape takes a move back, Delete skips nothing, a tap skips one block more (after the last, none).
 * @param onDrop called once for each move that changed something
 */
export function useRampMoves(onDrop: (run: number, count: number) => void): RampMoves {
  const store = useStoreApi();
  const [move, setMove] = useState<RampMove | null>(null);
  const held = useRef<{ readonly grip: Grip; readonly startY: number; readonly offsetPx: number } | null>(
    null,
  );
  const moveRef = useRef(move);
  const show = useCallback((next: RampMove | null) => {
    moveRef.current = next;
    setMove(next);
  }, []);
  const drop = useCallback(
    (grip: Grip, count: number) => {
      held.current = null;
      show(null);
      if (count !== grip.resting) onDrop(grip.run, count);
    },
    [onDrop, show],
  );

  const isDragging = move?.by === 'pointer';
  useEffect(() => {
    if (!isDragging) return;
    const onEscape = (event: globalThis.KeyboardEvent): void => {
      if (event.key !== 'Escape') return;
      held.current = null;
      show(null);
    };
    addEventListener('keydown', onEscape);
    return () => removeEventListener('keydown', onEscape);
  }, [isDragging, show]);

  const gripProps = (grip: Grip) => {
    const screenY = (count: number): number => {
      const { transform, domNode } = store.getState();
      const paneTop = domNode?.getBoundingClientRect().top ?? 0;
      return paneTop + transform[1] + (grip.stops[count] ?? 0) * transform[2];
    };
    const most = grip.stops.length - 1;
    const reveal = (count: number): void => {
      const { transform, height, panBy } = store.getState();
      const y = (grip.stops[count] ?? 0) * transform[2] + transform[1];
      if (y < EDGE_PX || y > height - EDGE_PX) void panBy({ x: 0, y: height / 2 - y });
    };
    return {
      onPointerDown(event: PointerEvent<HTMLElement>) {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        held.current = { grip, startY: event.clientY, offsetPx: event.clientY - screenY(grip.resting) };
      },
      onPointerMove(event: PointerEvent<HTMLElement>) {
        const hold = held.current;
        if (!hold) return;
        if (!moveRef.current && Math.abs(event.clientY - hold.startY) < DRAG_THRESHOLD_PX) return;
        const { transform, domNode } = store.getState();
        const paneTop = domNode?.getBoundingClientRect().top ?? 0;
        const y = (event.clientY - hold.offsetPx - paneTop - transform[1]) / transform[2];
        const count = nearestStop(grip.stops, y);
        if (count !== moveRef.current?.count) show({ run: grip.run, count, by: 'pointer' });
      },
      onPointerUp() {
        const hold = held.current;
        if (!hold) return;
        const dragged = moveRef.current?.by === 'pointer' ? moveRef.current.count : null;
        drop(grip, dragged ?? (grip.resting === most ? 0 : grip.resting + 1));
      },
      // After a release nothing is held; otherwise the gesture was taken away from us.
      onLostPointerCapture() {
        if (!held.current) return;
        held.current = null;
        show(null);
      },
      onKeyDown(event: KeyboardEvent<HTMLElement>) {
        const stepping = moveRef.current?.run === grip.run ? moveRef.current.count : null;
        const from = stepping ?? grip.resting;
        const target = stepOfKey(event.key, from, most);
        if (target !== null) {
          show({ run: grip.run, count: target, by: 'keys' });
          reveal(target);
        } else if (event.key === 'Enter' || event.key === ' ')
          drop(grip, stepping ?? (grip.resting === most ? 0 : grip.resting + 1));
        else if (event.key === 'Escape' && stepping !== null) show(null);
        else if (event.key === 'Delete' || event.key === 'Backspace') drop(grip, 0);
        else return;
        event.preventDefault();
        event.stopPropagation();
      },
      onFocus() {
        if (!held.current) reveal(grip.resting);
      },
      onBlur() {
        const stepping = moveRef.current;
        if (stepping?.by === 'keys' && stepping.run === grip.run) drop(grip, stepping.count);
      },
    };
  };
  return { move, gripProps };
}

/** Up the graph means more blocks, as the ramp starts higher. */
function stepOfKey(key: string, from: number, most: number): number | null {
  switch (key) {
    case 'ArrowUp':
    case 'ArrowRight':
      return Math.min(most, from + 1);
    case 'ArrowDown':
    case 'ArrowLeft':
      return Math.max(0, from - 1);
    case 'Home':
      return 0;
    case 'End':
      return most;
    default:
      return null;
  }
}
