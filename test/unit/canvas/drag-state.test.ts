import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { type DragEvent, type Drop, IDLE, reduceDrag, shownPlace } from '../../../src/canvas/drag-state.ts';

/** Plays events from idle; the drops, in order, and where it ends. */
function play(events: readonly DragEvent[]) {
  let state = IDLE;
  const drops: Drop[] = [];
  for (const event of events) {
    const result = reduceDrag(state, event);
    state = result.state;
    if (result.drop) drops.push(result.drop);
  }
  return { state, drops };
}

const press = (from: number | null): DragEvent => ({ kind: 'press', subject: 'cut', from, x: 0, y: 0 });
const move = (y: number, place: number | null): DragEvent => ({ kind: 'move', x: 0, y, place });
const step = (place: number): DragEvent => ({ kind: 'step', subject: 'cut', from: 3, place });

test('a drag drops once, at the last place', () => {
  const { drops, state } = play([press(3), move(10, 5), move(90, 9), { kind: 'release' }]);
  expect(drops).toEqual([{ subject: 'cut', place: 9, from: 3 }]);
  expect(state).toEqual(IDLE);
});

test('a tap with a trembling finger moves nothing', () => {
  expect(play([press(3), move(2, 9), { kind: 'release' }]).drops).toEqual([]);
});

test('a drag back to where it began is no change', () => {
  expect(play([press(3), move(50, 9), move(0, 3), { kind: 'release' }]).drops).toEqual([]);
});

test('a handle that was not there drops even at the first place', () => {
  expect(play([press(null), move(10, 0), { kind: 'release' }]).drops).toEqual([
    { subject: 'cut', place: 0, from: null },
  ]);
});

test('cancelled, a drag leaves the handle where it was', () => {
  const dragged = play([press(3), move(50, 9)]);
  expect(shownPlace(dragged.state, 'cut', 3)).toBe(9);
  const { state, drops } = play([press(3), move(50, 9), { kind: 'cancel' }, { kind: 'release' }]);
  expect(shownPlace(state, 'cut', 3)).toBe(3);
  expect(drops).toEqual([]);
});

test('steps by keyboard are one drop', () => {
  expect(play([step(4), step(5), step(6), { kind: 'drop' }, { kind: 'drop' }]).drops).toEqual([
    { subject: 'cut', place: 6, from: 3 },
  ]);
  expect(play([step(4), { kind: 'cancel' }, { kind: 'drop' }]).drops).toEqual([]);
});

test('only the moved subject is shown elsewhere', () => {
  expect(shownPlace(play([step(7)]).state, 'stop', 1)).toBe(1);
});

test('whatever happens, drops come only from a release or a drop, and end in idle', () => {
  const place = fc.option(fc.nat({ max: 9 }));
  const anyEvent = fc.oneof<fc.Arbitrary<DragEvent>[]>(
    fc.record({
      kind: fc.constant('press' as const),
      subject: fc.constantFrom('cut' as const, 'stop' as const),
      from: place,
      x: fc.nat({ max: 9 }),
      y: fc.nat({ max: 9 }),
    }),
    fc.record({ kind: fc.constant('move' as const), x: fc.nat({ max: 9 }), y: fc.nat({ max: 9 }), place }),
    fc.record({
      kind: fc.constant('step' as const),
      subject: fc.constantFrom('cut' as const, 'stop' as const),
      from: place,
      place: fc.nat({ max: 9 }),
    }),
    fc.constantFrom<DragEvent>({ kind: 'release' }, { kind: 'drop' }, { kind: 'cancel' }),
  );
  fc.assert(
    fc.property(fc.array(anyEvent), (events) => {
      let state = IDLE;
      for (const event of events) {
        const result = reduceDrag(state, event);
        if (result.drop) {
          expect(['release', 'drop']).toContain(event.kind);
          expect(result.state).toEqual(IDLE);
          expect(state.kind === 'dragging' || state.kind === 'stepping').toBe(true);
        }
        state = result.state;
      }
    }),
  );
});
