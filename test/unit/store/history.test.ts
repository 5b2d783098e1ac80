import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HISTORY_LIMIT,
  recordChange,
  redoChange,
  startHistory,
  undoChange,
} from '../../../src/store/history.ts';

const changes = fc.array(fc.integer(), { maxLength: 50 });

describe('history', () => {
  it('undoes every change back to the start and redoes them to the end', () => {
    fc.assert(
      fc.property(changes, (values) => {
        let history = startHistory(Number.NaN);
        for (const value of values) history = recordChange(history, value);
        const end = history;
        const steps = end.past.length;
        for (let i = 0; i < steps; i++) history = undoChange(history);
        expect(history.present).toBeNaN();
        expect(undoChange(history)).toBe(history);
        for (let i = 0; i < steps; i++) history = redoChange(history);
        expect(history).toEqual(end);
        expect(redoChange(history)).toBe(history);
      }),
    );
  });

  it('behaves like a list with a cursor under any mix of actions', () => {
    const action = fc.oneof(fc.constant('undo'), fc.constant('redo'), fc.integer());
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80 }), (actions) => {
        let list = [0];
        let cursor = 0;
        let history = startHistory(0);
        for (const step of actions) {
          if (step === 'undo') {
            history = undoChange(history);
            cursor = Math.max(0, cursor - 1);
          } else if (step === 'redo') {
            history = redoChange(history);
            cursor = Math.min(list.length - 1, cursor + 1);
          } else if (typeof step === 'number' && step !== list[cursor]) {
            history = recordChange(history, step);
            list = [...list.slice(0, cursor + 1), step];
            cursor++;
          }
          expect(history.present).toBe(list[cursor]);
        }
      }),
    );
  });

  it('takes an equal value for no action, so that one undo always changes something', () => {
    const history = startHistory<readonly string[]>(['a']);
    const sameText = (a: readonly string[], b: readonly string[]) => a.join() === b.join();
    expect(recordChange(history, ['a'], sameText)).toBe(history);
    expect(recordChange(history, ['b'], sameText).past).toHaveLength(1);
  });

  it('forgets the oldest steps beyond the limit', () => {
    let history = startHistory(0);
    for (let i = 1; i <= HISTORY_LIMIT + 10; i++) history = recordChange(history, i);
    expect(history.past).toHaveLength(HISTORY_LIMIT);
    expect(history.past[0]).toBe(10);
  });
});
