import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { labelFontSize, type LabelPlace, placeLabels } from '../../../src/study/plot-layout.ts';
import { escapeXml, frontSvg } from '../../../src/study/plot-svg.ts';
import { DEFAULT_SETUP } from '../../../src/study/placement/tiers.ts';
import { niceScale } from '../../../src/study/ticks.ts';
import { makeTrial, measuredTrial } from './trials.ts';

const options = { x: 'latencyMedianMs', y: 'accuracyTop1', title: 'Front' } as const;

function countOf(svg: string, part: string): number {
  return svg.split(part).length - 1;
}

describe('frontSvg', () => {
  const trials = [measuredTrial('fast', 1, 60), measuredTrial('slow', 4, 90), measuredTrial('worse', 5, 80)];
  const svg = frontSvg(trials, options);
  it('draws a point per measured trial, dominated ones faded', () => {
    expect(countOf(svg, '<circle')).toBe(3);
    expect(countOf(svg, 'opacity="0.55"')).toBe(1);
    for (const name of ['fast', 'slow', 'worse']) expect(svg).toContain(`>${name}</text>`);
  });
  it('joins the front by steps that only go sideways and up', () => {
    const path = /<path d="([^"]+)"/.exec(svg)?.[1] ?? '';
    expect(path).toMatch(/^(M[\d.]+ [\d.]+|[HV][\d.]+)+$/);
  });
  it('shows emulated trials hollow, with a legend', () => {
    const placement = { name: 'mobile-edge', sends: 'encoded-image', setup: DEFAULT_SETUP } as const;
    const placed = measuredTrial('placed', 2, 70);
    const drawn = frontSvg([...trials, { ...placed, strategy: { ...placed.strategy, placement } }], options);
    expect(countOf(drawn, '(emulated)</title>')).toBe(1);
    expect(countOf(drawn, 'stroke-opacity="1"')).toBe(1);
    expect(drawn).toContain('○ emulated');
    expect(svg).not.toContain('emulated');
  });
  it('says so when there is nothing to draw', () => {
    const empty = frontSvg([makeTrial('queued', { state: { kind: 'queued' } })], options);
    expect(empty).toContain('Nothing has been measured');
    expect(countOf(empty, '<circle')).toBe(0);
  });
  it('shows names as text, never as markup', () => {
    const evil = '</text><script>alert(1)</script>&"\u0000';
    const drawn = frontSvg([measuredTrial(evil, 1, 50)], { ...options, title: evil, subtitle: evil });
    expect(drawn).not.toContain('<script');
    expect(drawn).not.toContain('\u0000');
  });
  it('stays inside its frame, whatever the numbers', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.integer({ min: 0, max: 100 })), {
          minLength: 1,
          maxLength: 12,
        }),
        (points) => {
          const drawn = frontSvg(
            points.map(([latency, correct], index) => measuredTrial(`t${index}`, latency, correct)),
            { ...options, width: 400, height: 300 },
          );
          expect(drawn).not.toMatch(/NaN|Infinity/);
          for (const [, x, y] of drawn.matchAll(/<circle cx="([^"]+)" cy="([^"]+)"/g)) {
            expect(Number(x)).toBeGreaterThanOrEqual(0);
            expect(Number(x)).toBeLessThanOrEqual(400);
            expect(Number(y)).toBeGreaterThanOrEqual(0);
            expect(Number(y)).toBeLessThanOrEqual(300);
          }
        },
      ),
    );
  });
});

describe('placeLabels', () => {
  const frame = { left: 58, top: 0, right: 358, bottom: 214 };
  /** As wide as texts are in wide fonts, less the sliver that neighbours may share. */
  const boxOf = ({ text, x, y, anchor }: LabelPlace) => {
    const width = Array.from(text).length * labelFontSize * 0.55;
    const left = anchor === 'start' ? x : anchor === 'end' ? x - width : x - width / 2;
    return { left, right: left + width, top: y - 10, bottom: y + 2 };
  };
  it('no name covers another or leaves the frame, however small the chart', () => {
    const point = fc.record({
      name: fc.string({ minLength: 1, maxLength: 60 }),
      x: fc.integer({ min: frame.left, max: frame.right }),
      y: fc.integer({ min: frame.top, max: frame.bottom }),
      isOnFront: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(point, { maxLength: 20 }), (points) => {
        const boxes = placeLabels(points, frame).flatMap((label) => (label ? [boxOf(label)] : []));
        for (const [at, a] of boxes.entries()) {
          expect(a.left).toBeGreaterThanOrEqual(frame.left);
          expect(a.right).toBeLessThanOrEqual(frame.right);
          for (const b of boxes.slice(at + 1)) {
            const apart = a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top;
            expect(apart).toBe(true);
          }
        }
      }),
      { numRuns: 200 },
    );
  });
  it('a name is left out rather than set where it would seem that of another point', () => {
    const around = (name: string, dx: number, dy: number, isOnFront = false) => ({
      name,
      x: 200 + dx,
      y: 100 + dy,
      isOnFront,
    });
    // Whatever is free around the one in the middle lies beyond its neighbours.
    const neighbours = [-1, 0, 1].flatMap((row) =>
      [-1, 0, 1].map((column) => around('', 14 * column, 14 * row)),
    );
    const labels = placeLabels([around('hidden', 0, 0), ...neighbours], frame);
    expect(labels[0]).toBeNull();
    expect(placeLabels([around('alone', 0, 0)], frame)[0]).not.toBeNull();
  });
  it('a name without room for all of it is shortened', () => {
    const name = 'prune 50% + int8 + exits and more of it';
    const [label] = placeLabels([{ name, x: 200, y: 100, isOnFront: true }], { ...frame, right: 330 });
    expect(label?.text).toBe(`${name.slice(0, 23)}…`);
  });
});

it('escapes what XML does not allow', () => {
  expect(escapeXml('a<b>&"\u0001\u{1F600}')).toBe('a&lt;b&gt;&amp;&quot;\uFFFD\u{1F600}');
});

describe('niceScale', () => {
  it('covers the values with a handful of round ticks', () => {
    expect(niceScale([0.12, 0.87], 6, [0, 1]).ticks).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1 }), (values) => {
        const { low, high, ticks } = niceScale(values, 6);
        expect(low).toBeLessThanOrEqual(Math.min(...values));
        expect(high).toBeGreaterThanOrEqual(Math.max(...values));
        expect(high).toBeGreaterThan(low);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThan(12);
      }),
    );
  });
});
