import { unreachable } from '../base/assert.ts';

/** What can be moved along the graph: the cut, the fixed exit where inference stops, or a trained exit. */
export type Subject = 'cut' | 'stop' | 'tap';

/**
 * Moving a handle as explicit states. A place is a node index (cut, tap) or an exit index (stop); `from` is where
 * the handle was, null if it is being added.
 *
 *   idle --press--> pressed --move past the threshold--> dragging --release--> idle (drops)
 *   pressed --release--> idle (a click: nothing moves)
 *   idle --step--> stepping --step*--> stepping --drop--> idle (drops)
 *   any --cancel--> idle (back to `from`)
 */
export type DragState =
  | { readonly kind: 'idle' }
  | {
      readonly kind: 'pressed';
      readonly subject: Subject;
      readonly from: number | null;
      readonly startX: number;
      readonly startY: number;
    }
  | {
      readonly kind: 'dragging';
      readonly subject: Subject;
      readonly from: number | null;
      readonly place: number | null;
    }
  | {
      readonly kind: 'stepping';
      readonly subject: Subject;
      readonly from: number | null;
      readonly place: number;
    };

export type DragEvent =
  | {
      readonly kind: 'press';
      readonly subject: Subject;
      readonly from: number | null;
      readonly x: number;
      readonly y: number;
    }
  /** `place`: the legal place nearest to the pointer, null if there is none. */
  | { readonly kind: 'move'; readonly x: number; readonly y: number; readonly place: number | null }
  | { readonly kind: 'release' }
  | { readonly kind: 'step'; readonly subject: Subject; readonly from: number | null; readonly place: number }
  | { readonly kind: 'drop' }
  | { readonly kind: 'cancel' };

export const IDLE: DragState = { kind: 'idle' };

/** A finger trembles: less than this is a tap. */
const DRAG_THRESHOLD_PX = 4;

/** A handle that came to rest somewhere else. */
export interface Drop {
  readonly subject: Subject;
  readonly place: number;
  /** Where it was; null if it is new. */
  readonly from: number | null;
}

/**
 * The next state, and what was dropped, if anything: exactly one drop per gesture, none if it ends where it
 * began. Events that make no sense in a state leave it as it is.
 */
export function reduceDrag(state: DragState, event: DragEvent): { state: DragState; drop: Drop | null } {
  switch (event.kind) {
    case 'press':
      return stay({
        kind: 'pressed',
        subject: event.subject,
        from: event.from,
        startX: event.x,
        startY: event.y,
      });
    case 'move':
      if (state.kind === 'pressed') {
        const moved = Math.hypot(event.x - state.startX, event.y - state.startY);
        if (moved < DRAG_THRESHOLD_PX) return stay(state);
        return stay({ kind: 'dragging', subject: state.subject, from: state.from, place: event.place });
      }
      // The same state as long as the place is: nothing is drawn anew for the pixels between.
      return stay(
        state.kind === 'dragging' && state.place !== event.place ? { ...state, place: event.place } : state,
      );
    case 'release':
      return state.kind === 'stepping' ? stay(state) : finish(state);
    case 'step':
      if (state.kind === 'pressed' || state.kind === 'dragging') return stay(state);
      return stay({
        kind: 'stepping',
        subject: event.subject,
        from: state.kind === 'stepping' && state.subject === event.subject ? state.from : event.from,
        place: event.place,
      });
    case 'drop':
      return finish(state);
    case 'cancel':
      return stay(IDLE);
    default:
      return unreachable(event);
  }
}

/** Where a subject is shown: where it is being moved to, or else where it rests. */
export function shownPlace(state: DragState, subject: Subject, resting: number | null): number | null {
  const moving = (state.kind === 'dragging' || state.kind === 'stepping') && state.subject === subject;
  return moving ? (state.place ?? resting) : resting;
}

function stay(state: DragState): { state: DragState; drop: null } {
  return { state, drop: null };
}

function finish(state: DragState): { state: DragState; drop: Drop | null } {
  const moved =
    (state.kind === 'dragging' || state.kind === 'stepping') &&
    state.place !== null &&
    state.place !== state.from;
  return {
    state: IDLE,
    drop: moved ? { subject: state.subject, place: state.place as number, from: state.from } : null,
  };
}
