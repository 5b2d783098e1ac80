import { expect, it } from 'vitest';
import { createPauseGate } from '../../../src/clients/pause-gate.ts';

/** Whether a promise settles before the queue of microtasks and one timer turn are over. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => {
    settled = true;
  });
  await new Promise((resolve) => setTimeout(resolve, 0));
  return settled;
}

it('lets work pass unless paused, holds it while paused, and lets it go on', async () => {
  const gate = createPauseGate();
  const { signal } = new AbortController();
  expect(await isSettled(gate.passed(signal))).toBe(true);
  gate.pause();
  gate.pause();
  const waiting = gate.passed(signal);
  expect(gate.isPaused).toBe(true);
  expect(await isSettled(waiting)).toBe(false);
  gate.resume();
  expect(await isSettled(waiting)).toBe(true);
  expect(gate.isPaused).toBe(false);
});

it('does not hold cancelled work', async () => {
  const gate = createPauseGate();
  const ends = new AbortController();
  gate.pause();
  const waiting = gate.passed(ends.signal);
  ends.abort();
  expect(await isSettled(waiting)).toBe(true);
  expect(await isSettled(gate.passed(ends.signal))).toBe(true);
});
