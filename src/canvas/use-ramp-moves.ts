import { useStoreApi } from '@xyflow/react';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import { nearestStop } from './ramps.ts';

/** How many blocks a run's ramp skips while it is being moved. */
export interface RampMove {
  /** The run's first node. */
  readonly run: number;
  /** Which end of the ramp is moved. */
  readonly edge: RampEdge;
  readonly count: number;
  readonly by: 'pointer' | 'keys';
}

export type RampEdge = 'start' | 'end';

interface Grip {
  readonly run: number;
  readonly edge: RampEdge;
  /** Heights of the ramp's moved end for 0, 1, … skipped blocks, at zoom 1. */
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
 * leaves; Escape takes a move back, Delete skips nothing, a tap on a ramp's start skips one block more (after the last,
 * none).
 * @param onDrop called once for each move that changed something
 */
export function useRampMoves(onDrop: (move: Omit<RampMove, 'by'>) => void): RampMoves {
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
      if (count !== grip.resting) onDrop({ run: grip.run, edge: grip.edge, count });
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
    const afterTap = (): number => {
      if (grip.edge === 'end') return grip.resting;
      return grip.resting === most ? 0 : grip.resting + 1;
    };
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
        if (count !== moveRef.current?.count) show({ run: grip.run, edge: grip.edge, count, by: 'pointer' });
      },
      onPointerUp() {
        const hold = held.current;
        if (!hold) return;
        const dragged = moveRef.current?.by === 'pointer' ? moveRef.current.count : null;
        drop(grip, dragged ?? afterTap());
      },
      // After a release nothing is held; otherwise the gesture was taken away from us.
      onLostPointerCapture() {
        if (!held.current) return;
        held.current = null;
        show(null);
      },
      onKeyDown(event: KeyboardEvent<HTMLElement>) {
        const stepping = isOf(moveRef.current, grip) ? moveRef.current.count : null;
        const from = stepping ?? grip.resting;
        const target = stepOfKey(event.key, from, most, grip.edge);
        if (target !== null) {
          show({ run: grip.run, edge: grip.edge, count: target, by: 'keys' });
          reveal(target);
        } else if (event.key === 'Enter' || event.key === ' ') drop(grip, stepping ?? afterTap());
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
        if (isOf(stepping, grip) && stepping.by === 'keys') drop(grip, stepping.count);
      },
    };
  };
  return { move, gripProps };
}

/** Whether it is this end of this ramp that moves. */
export function isOf(move: RampMove | null, { run, edge }: Pick<Grip, 'run' | 'edge'>): move is RampMove {
  return move?.run === run && move.edge === edge;
}

/** Away from the ramp's other end means more blocks: up for its start, down for its end. */
function stepOfKey(key: string, from: number, most: number, edge: RampEdge): number | null {
  const more = Math.min(most, from + 1);
  const fewer = Math.max(0, from - 1);
  switch (key) {
    case 'ArrowUp':
      return edge === 'start' ? more : fewer;
    case 'ArrowDown':
      return edge === 'start' ? fewer : more;
    case 'ArrowRight':
      return more;
    case 'ArrowLeft':
      return fewer;
    case 'Home':
      return 0;
    case 'End':
      return most;
    default:
      return null;
  }
}
