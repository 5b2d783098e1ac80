import { describe, expect, it } from 'vitest';
import { axisOf } from '../../../src/study/metrics.ts';
import { textWidth } from '../../../src/study/plot-layout.ts';
import { placeTicks, tickText } from '../../../src/study/tick-texts.ts';
import { niceScale } from '../../../src/study/ticks.ts';

const [latency, share, bytes] = [axisOf('latencyMedianMs'), axisOf('accuracyTop1'), axisOf('rawBytes')];

describe('texts of ticks', () => {
  it('tell all digits and no more', () => {
    expect([0, 0.4, 1.725, 2, 118, 999.5, 1500, 61_200, 120_000].map((ms) => tickText(latency, ms))).toEqual([
      '0',
      '0.4 ms',
      '1.725 ms',
      '2 ms',
      '118 ms',
      '999.5 ms',
      '1.5 s',
      '61.2 s',
      '2 min',
    ]);
    expect([0, 0.825, 0.9725, 0.98765, 1].map((each) => tickText(share, each))).toEqual([
      '0 %',
      '82.5 %',
      '97.25 %',
      '98.765 %',
      '100 %',
    ]);
    expect([0, 500, 1000, 104_250, 2e9].map((each) => tickText(bytes, each))).toEqual([
      '0 B',
      '500 B',
      '1 kB',
      '104.25 kB',
      '2 GB',
    ]);
    expect(tickText(axisOf('params'), 11_689_000)).toBe('11.689 M');
  });

  it('differ from each other, however narrow the range', () => {
    for (const [from, to] of [
      [1.7212, 1.7243],
      [99.9991, 99.9999],
      [59_990, 60_020],
      [1e-4, 1.02e-4],
    ] as const) {
      const { ticks } = niceScale([from, to], 5);
      expect(new Set(ticks.map((tick) => tickText(latency, tick))).size).toBe(ticks.length);
    }
  });
});

describe('places of ticks', () => {
  const { low, high, ticks } = niceScale([1.7212, 1.7243], 5);
  const placesIn = (width: number) =>
    placeTicks(latency, ticks, (tick) => 40 + ((tick - low) / (high - low)) * width, 50 + width);

  it('leave texts apart and inside at any width', () => {
    for (let width = 60; width < 900; width += 7) {
      const places = placesIn(width);
      const boxes = places.map(({ text, x, anchor }) => {
        const half = textWidth(text, 12) / 2;
        return anchor === 'end' ? [x - 2 * half, x] : [x - half, x + half];
      });
      for (const [index, [left = 0, right = 0]] of boxes.entries()) {
        expect(right).toBeLessThanOrEqual(50 + width);
        if (index > 0) expect(left).toBeGreaterThan(boxes[index - 1]?.[1] ?? 0);
      }
      expect(places.length).toBeGreaterThan(0);
    }
  });

  it('drop none where there is room, and on a phone not all but one', () => {
    expect(placesIn(900).map(({ tick }) => tick)).toEqual(ticks);
    expect(placesIn(280).length).toBeGreaterThan(1);
  });
});
