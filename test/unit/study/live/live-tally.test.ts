import { describe, expect, it } from 'vitest';
import {
  framesPerSecond,
  type LiveAnswer,
  type LiveFrameAnswers,
  NO_FRAMES,
  recentLatencyMs,
  recentlySame,
  recentPrepareMs,
  recentSpeedUp,
  tallied,
} from '../../../../src/study/live/live-tally.ts';
import { NO_ANSWER } from '../../../../src/study/segmentation/packed-mask.ts';
import { NO_CLASS } from '../../../../src/study/trial.ts';

const answer = (best: number, computeMs = 1): LiveAnswer => ({
  best,
  confidence: 0.5,
  exitIndex: null,
  prepareMs: 1,
  computeMs,
});

function after(frames: readonly LiveFrameAnswers[]) {
  return frames.reduce(tallied, NO_FRAMES);
}

describe('frames of the camera', () => {
  it('tell how often both variants agree; no answer agrees with nothing', () => {
    const pairs = [
      [1, 1],
      [1, 2],
      [NO_CLASS, NO_CLASS],
      [3, 3],
    ];
    const tally = after(pairs.map((pair, at) => ({ atMs: at, answers: pair.map((best) => answer(best)) })));
    expect([tally.compared, tally.same]).toEqual([4, 2]);
  });

  it('of pixels agree by their share, and masks are kept of the last frame only', () => {
    const masked = (...classes: number[]): LiveAnswer => ({
      ...answer(NO_CLASS),
      mask: { width: classes.length, height: 1, classes: Uint16Array.from(classes) },
    });
    const tally = after([
      { atMs: 0, answers: [masked(1, 2, 3, NO_ANSWER), masked(1, 2, 0, NO_ANSWER)] },
      { atMs: 1, answers: [masked(1, 1, 1, 1), masked(1, 1, 1, 1)] },
    ]);
    expect(tally.compared).toBe(2);
    expect(tally.same).toBeCloseTo(2 / 3 + 1, 12);
    expect(tally.recent.map(({ answers }) => answers[0]?.mask !== undefined)).toEqual([false, true]);
  });

  it('of one variant alone are compared with nothing', () => {
    const tally = after([{ atMs: 0, answers: [answer(1)] }]);
    expect([tally.compared, tally.same]).toEqual([0, 0]);
    expect(recentLatencyMs(tally, 0)).toBe(1);
    expect(recentLatencyMs(tally, 1)).toBeNull();
    expect(recentPrepareMs(tally)).toBe(1);
    expect(recentPrepareMs(NO_FRAMES)).toBeNull();
  });

  it('tell how many times as fast a variant is once its first, slow inferences do not count any more', () => {
    const frame = (atMs: number, first: number, best: number): LiveFrameAnswers => ({
      atMs,
      answers: [answer(1, first), answer(best, 9)],
    });
    const few = [frame(0, 400, 1), frame(1, 3, 2)];
    expect(recentSpeedUp(after(few))).toBeNull();
    const many = [...few, ...Array.from({ length: 20 }, (_, at) => frame(2 + at, 3, at < 5 ? 2 : 1))];
    expect(recentSpeedUp(after(many))).toBe(3);
    expect(recentlySame(after(many))).toBe(16);
    expect(
      recentSpeedUp(after(many.map(({ atMs, answers }) => ({ atMs, answers: answers.slice(1) })))),
    ).toBeNull();
  });

  it('tell the rate and the latency of late, not of what was long ago', () => {
    expect(framesPerSecond(NO_FRAMES)).toBeNull();
    const slow = Array.from({ length: 50 }, (_, at) => ({ atMs: 1000 * at, answers: [answer(0, 900)] }));
    const fast = Array.from({ length: 40 }, (_, at) => ({
      atMs: 50_000 + 100 * at,
      answers: [answer(0, 90)],
    }));
    expect(framesPerSecond(after(slow))).toBeCloseTo(1, 12);
    const tally = after([...slow, ...fast]);
    expect(framesPerSecond(tally)).toBeCloseTo(10, 12);
    expect(recentLatencyMs(tally, 0)).toBe(90);
    // Two frames of one moment, as a coarse clock tells them.
    expect(framesPerSecond(after([0, 0].map((atMs) => ({ atMs, answers: [answer(0)] }))))).toBeNull();
  });
});
