import { useStoreApi } from '@xyflow/react';
import {
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type MouseEvent,
  type PointerEvent,
} from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import { type DragEvent, type DragState, type Drop, IDLE, reduceDrag, type Subject } from './drag-state.ts';
import type { SkipPlacement } from '../transforms/exits/skip-placement.ts';
import type { Layout } from './layout.ts';
import {
  cutPlaces,
  nearestPlace,
  type Place,
  type Step,
  stepFrom,
  stopPlaces,
  trainedExitPlaces,
} from './places.ts';

export interface HandleMoves {
  readonly state: DragState;
  readonly places: Readonly<Record<Subject, readonly Place[]>>;
  /** Event handlers of something that moves a subject when dragged. */
  readonly dragProps: (subject: Subject, from: number | null) => DragProps;
  /** Arrows, PageUp, PageDown, Home and End step; Enter drops; Escape cancels. True if the key was one of them. */
  readonly onKey: (event: KeyboardEvent, subject: Subject, from: number | null) => boolean;
  /** Whether a click is one, and not the end of a drag that began there. */
  readonly isClick: (event: MouseEvent<HTMLElement>) => boolean;
  /** Moves the graph if a place is out of sight or under the tools. */
  readonly reveal: (subject: Subject, at: number) => void;
  /** Drops a handle that is being stepped, e.g. when it loses the focus. */
  readonly drop: () => void;
}

interface DragProps {
  readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
  readonly onPointerUp: () => void;
  readonly onPointerCancel: () => void;
  readonly onLostPointerCapture: () => void;
}

const STEP_OF_KEY = new Map<string, Step>([
  ['ArrowDown', 'next'],
  ['ArrowRight', 'next'],
  ['ArrowUp', 'previous'],
  ['ArrowLeft', 'previous'],
  ['PageDown', 'nextBlock'],
  ['PageUp', 'previousBlock'],
  ['Home', 'first'],
  ['End', 'last'],
]);

/** So near to the pane's edge a drag moves the graph along. */
const EDGE_PX = 48;
const EDGE_SPEED_PX_PER_FRAME = 9;

/** What tools hide at the pane's edges: no place for a handle to rest. */
const TOOLS_TOP_PX = 64;
const TOOLS_BOTTOM_PX = 132;

/**
 * Moving the cut and the fixed exit by mouse, thumb and keyboard.
 * @param skips what the recipe leaves out
 * @param onDrop called once for each gesture that moved something
 */
export function useHandleMoves(
  view: GraphView,
  layout: Layout,
  skips: readonly SkipPlacement[],
  onDrop: (drop: Drop) => void,
): HandleMoves {
  const store = useStoreApi();
  const [state, setState] = useState<DragState>(IDLE);
  const stateRef = useRef(state);
  // The pointer's distance from the line it holds, so that the line does not jump when grabbed.
  const grabOffsetPx = useRef(0);
  const pressed = useRef<HTMLElement | null>(null);
  const dragged = useRef<HTMLElement | null>(null);
  const places = useMemo(
    () => ({
      cut: cutPlaces(view, layout),
      stop: stopPlaces(view, layout),
      tap: trainedExitPlaces(view, layout, skips),
    }),
    [view, layout, skips],
  );

  const dispatch = useCallback(
    (event: DragEvent) => {
      const { state: next, drop } = reduceDrag(stateRef.current, event);
      stateRef.current = next;
      if (next.kind === 'dragging') dragged.current = pressed.current;
      setState(next);
      if (drop) onDrop(drop);
    },
    [onDrop],
  );

  const dragging = state.kind === 'dragging';
  useEffect(() => {
    if (!dragging) return;
    const onEscape = (event: globalThis.KeyboardEvent): void => {
      if (event.key === 'Escape') dispatch({ kind: 'cancel' });
    };
    addEventListener('keydown', onEscape);
    return () => removeEventListener('keydown', onEscape);
  }, [dragging, dispatch]);

  const pointer = useRef({ x: 0, y: 0 });
  const track = useCallback(() => {
    const { transform, domNode } = store.getState();
    const current = stateRef.current;
    if (!domNode || (current.kind !== 'pressed' && current.kind !== 'dragging')) return;
    const paneTop = domNode.getBoundingClientRect().top;
    const y = (pointer.current.y - grabOffsetPx.current - paneTop - transform[1]) / transform[2];
    const place = nearestPlace(places[current.subject], y, transform[2]);
    dispatch({ kind: 'move', ...pointer.current, place: place?.at ?? null });
  }, [store, places, dispatch]);

  useEffect(() => {
    if (!dragging) return;
    let frame = requestAnimationFrame(function tick() {
      const { domNode, panBy } = store.getState();
      const pane = domNode?.getBoundingClientRect();
      if (pane) {
        const above = pane.top + EDGE_PX - pointer.current.y;
        const below = pointer.current.y - (pane.bottom - EDGE_PX);
        const push = above > 0 ? 1 : below > 0 ? -1 : 0;
        const speed = Math.min(1, Math.max(above, below) / EDGE_PX) * EDGE_SPEED_PX_PER_FRAME;
        if (push !== 0) {
          void panBy({ x: 0, y: push * speed });
          track();
        }
      }
      frame = requestAnimationFrame(tick);
    });
    return () => cancelAnimationFrame(frame);
  }, [dragging, store, track]);

  const reveal = useCallback(
    (subject: Subject, at: number) => {
      const { transform, height, panBy } = store.getState();
      const y = (places[subject].find((place) => place.at === at)?.y ?? 0) * transform[2] + transform[1];
      const inSight = Math.max(TOOLS_TOP_PX, Math.min(height - TOOLS_BOTTOM_PX, y));
      if (inSight !== y) void panBy({ x: 0, y: inSight - y });
    },
    [store, places],
  );

  const dragProps = useCallback(
    (subject: Subject, from: number | null): DragProps => ({
      onPointerDown(event) {
        if (event.button !== 0) return;
        event.currentTarget.setPointerCapture(event.pointerId);
        const { transform, domNode } = store.getState();
        const resting = places[subject].find(({ at }) => at === from);
        const paneTop = domNode?.getBoundingClientRect().top ?? 0;
        grabOffsetPx.current = resting
          ? event.clientY - (paneTop + transform[1] + resting.y * transform[2])
          : 0;
        pointer.current = { x: event.clientX, y: event.clientY };
        pressed.current = event.currentTarget;
        dragged.current = null;
        dispatch({ kind: 'press', subject, from, ...pointer.current });
      },
      onPointerMove(event) {
        const { kind } = stateRef.current;
        if (kind !== 'pressed' && kind !== 'dragging') return;
        pointer.current = { x: event.clientX, y: event.clientY };
        track();
      },
      onPointerUp: () => {
        const { current } = stateRef;
        if (current.kind === 'dragging' && current.place !== null) reveal(current.subject, current.place);
        dispatch({ kind: 'release' });
      },
      onPointerCancel: () => dispatch({ kind: 'cancel' }),
      // After a release the state is idle already; otherwise the gesture was taken away from us.
      onLostPointerCapture: () => {
        const { kind } = stateRef.current;
        if (kind === 'pressed' || kind === 'dragging') dispatch({ kind: 'cancel' });
      },
    }),
    [store, places, dispatch, track, reveal],
  );

  const onKey = useCallback(
    (event: KeyboardEvent, subject: Subject, from: number | null): boolean => {
      const current = stateRef.current;
      const at = current.kind === 'stepping' && current.subject === subject ? current.place : from;
      const step = STEP_OF_KEY.get(event.key);
      const place = step && stepFrom(places[subject], at, step);
      if (place) {
        dispatch({ kind: 'step', subject, from, place: place.at });
        reveal(subject, place.at);
      } else if (event.key === 'Enter' && current.kind === 'stepping') dispatch({ kind: 'drop' });
      else if (event.key === 'Escape' && current.kind !== 'idle') dispatch({ kind: 'cancel' });
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
    [places, dispatch, reveal],
  );

  const drop = useCallback(() => {
    if (stateRef.current.kind === 'stepping') dispatch({ kind: 'drop' });
  }, [dispatch]);

  const isClick = useCallback((event: MouseEvent<HTMLElement>) => {
    const byKey = event.detail === 0;
    const endsDrag = !byKey && dragged.current === event.currentTarget;
    dragged.current = null;
    return !endsDrag;
  }, []);

  return { state, places, dragProps, onKey, isClick, reveal, drop };
}
