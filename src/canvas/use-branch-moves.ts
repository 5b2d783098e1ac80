import { useStoreApi } from '@xyflow/react';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type PointerEvent } from 'react';
import type { ValueName } from '../onnx/model.ts';
import type { Knob } from './branch-knobs.ts';

/** A knob under way. */
export interface BranchMove {
  readonly cutIndex: number;
  readonly value: ValueName;
  /** Index in its places. */
  readonly place: number;
}

export interface BranchMoves {
  readonly move: BranchMove | null;
  /** Event handlers of a knob. */
  readonly knobProps: (knob: Knob) => {
    readonly onPointerDown: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerMove: (event: PointerEvent<HTMLElement>) => void;
    readonly onPointerUp: () => void;
    readonly onLostPointerCapture: () => void;
    readonly onKeyDown: (event: KeyboardEvent<HTMLElement>) => void;
    readonly onBlur: () => void;
  };
}

const STEP_OF_KEY = new Map([
  ['ArrowDown', 1],
  ['ArrowRight', 1],
  ['ArrowUp', -1],
  ['ArrowLeft', -1],
]);

/**
 * Pulling one branch of a cut: by mouse and thumb it goes to the nearest of its places, by arrows from one to the
 * next until Enter or until the focus leaves; Escape takes a move back.
 * @param onDrop called once for each move that changed something
 */
export function useBranchMoves(onDrop: (knob: Knob, place: number) => void): BranchMoves {
  const store = useStoreApi();
  const [move, setMove] = useState<BranchMove | null>(null);
  const held = useRef<{ readonly offsetPx: number } | null>(null);
  const moveRef = useRef(move);
  const show = useCallback((next: BranchMove | null) => {
    moveRef.current = next;
    setMove(next);
  }, []);
  const cancel = useCallback(() => {
    held.current = null;
    show(null);
  }, [show]);
  const drop = useCallback(
    (knob: Knob) => {
      const current = moveRef.current;
      cancel();
      if (isOf(current, knob) && current.place !== knob.resting) onDrop(knob, current.place);
    },
    [cancel, onDrop],
  );

  const moving = move !== null;
  useEffect(() => {
    if (!moving) return;
    const onEscape = (event: globalThis.KeyboardEvent): void => {
      if (event.key === 'Escape') cancel();
    };
    addEventListener('keydown', onEscape);
    return () => removeEventListener('keydown', onEscape);
  }, [moving, cancel]);

  const knobProps = useCallback<BranchMoves['knobProps']>(
    (knob) => {
      const { cutIndex, value } = knob;
      const heightOf = (event: PointerEvent): number => {
        const { transform, domNode } = store.getState();
        const top = domNode?.getBoundingClientRect().top ?? 0;
        return (event.clientY - (held.current?.offsetPx ?? 0) - top - transform[1]) / transform[2];
      };
      return {
        onPointerDown(event) {
          if (event.button !== 0) return;
          event.stopPropagation();
          event.currentTarget.setPointerCapture(event.pointerId);
          held.current = null;
          const zoom = store.getState().transform[2];
          const offset = (heightOf(event) - (knob.places[knob.resting]?.y ?? 0)) * zoom;
          held.current = { offsetPx: offset };
          show({ cutIndex, value, place: knob.resting });
        },
        onPointerMove(event) {
          if (held.current === null) return;
          show({ cutIndex, value, place: nearestTo(knob, heightOf(event)) });
        },
        onPointerUp: () => {
          if (held.current !== null) drop(knob);
        },
        // After a release nothing is held; otherwise the gesture was taken away from us.
        onLostPointerCapture: () => {
          if (held.current !== null) cancel();
        },
        onKeyDown(event) {
          const step = STEP_OF_KEY.get(event.key);
          if (step !== undefined) {
            const from = isOf(moveRef.current, knob) ? moveRef.current.place : knob.resting;
            show({ cutIndex, value, place: Math.max(0, Math.min(knob.places.length - 1, from + step)) });
          } else if (event.key === 'Enter' && moveRef.current !== null) drop(knob);
          else return;
          event.preventDefault();
          event.stopPropagation();
        },
        onBlur: () => {
          if (held.current === null && isOf(moveRef.current, knob)) drop(knob);
        },
      };
    },
    [store, show, drop, cancel],
  );
  return { move, knobProps };
}

/** Whether it is this knob that moves. */
export function isOf(move: BranchMove | null, { cutIndex, value }: Knob): move is BranchMove {
  return move?.cutIndex === cutIndex && move.value === value;
}

function nearestTo({ places, resting }: Knob, y: number): number {
  return places.reduce(
    (best, place, at) => (Math.abs(place.y - y) < Math.abs((places[best]?.y ?? 0) - y) ? at : best),
    resting,
  );
}
