import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TagRect, tagShifts } from '../../../src/canvas/tag-places.ts';

const rects = fc.array(
  fc
    .tuple(fc.nat(400), fc.nat(800), fc.integer({ min: 1, max: 180 }), fc.integer({ min: 1, max: 50 }))
    .map(([left, top, width, height]): TagRect => ({ left, top, right: left + width, bottom: top + height })),
  { maxLength: 14 },
);

const moved = (tags: readonly TagRect[], shifts: readonly number[]): TagRect[] =>
  tags.map((tag, at) => ({
    ...tag,
    top: tag.top + (shifts[at] ?? 0),
    bottom: tag.bottom + (shifts[at] ?? 0),
  }));

const overlap = (a: TagRect, b: TagRect): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

test('no tag covers another, and what is apart stays', () => {
  fc.assert(
    fc.property(rects, (tags) => {
      const placed = moved(tags, tagShifts(tags));
      for (const [at, tag] of placed.entries())
        for (const other of placed.slice(0, at)) expect(overlap(tag, other)).toBe(false);
      expect(tagShifts(placed).every((shift) => shift === 0)).toBe(true);
    }),
  );
});

test('tags keep their arrangement wherever the graph is moved to', () => {
  fc.assert(
    fc.property(rects, fc.integer({ min: -2000, max: 2000 }), (tags, by) => {
      const elsewhere = tags.map((tag) => ({ ...tag, top: tag.top + by, bottom: tag.bottom + by }));
      expect(tagShifts(elsewhere)).toEqual(tagShifts(tags));
    }),
  );
});

test('the first stays, the others take the nearest free place above or below', () => {
  const tag = (top: number, left = 0): TagRect => ({ left, right: left + 100, top, bottom: top + 40 });
  expect(tagShifts([tag(0), tag(10), tag(-10)])).toEqual([0, 33, -33]);
  // Both sides are taken: the nearest beyond them.
  expect(tagShifts([tag(0), tag(43), tag(-43), tag(1)])).toEqual([0, 0, 0, 85]);
  expect(tagShifts([tag(0), tag(10, 100)])).toEqual([0, 0]);
});
