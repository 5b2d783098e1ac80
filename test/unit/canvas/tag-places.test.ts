import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Tag, type TagKind, tagShifts } from '../../../src/canvas/tag-places.ts';

const rects = fc.array(
  fc
    .tuple(
      fc.constantFrom<TagKind>('exit', 'cut', 'tap', 'skip'),
      fc.nat(400),
      fc.nat(800),
      fc.integer({ min: 1, max: 180 }),
      fc.integer({ min: 1, max: 50 }),
    )
    .map(
      ([kind, left, top, width, height]): Tag => ({
        kind,
        left,
        top,
        right: left + width,
        bottom: top + height,
      }),
    ),
  { maxLength: 14 },
);

const moved = (tags: readonly Tag[], shifts: readonly number[]): Tag[] =>
  tags.map((tag, at) => ({
    ...tag,
    top: tag.top + (shifts[at] ?? 0),
    bottom: tag.bottom + (shifts[at] ?? 0),
  }));

const overlap = (a: Tag, b: Tag): boolean =>
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

test('the first kind stays, the others take the nearest free place above or below', () => {
  const tag = (kind: TagKind, top: number, left = 0): Tag => ({
    kind,
    left,
    right: left + 100,
    top,
    bottom: top + 40,
  });
  expect(tagShifts([tag('tap', 10), tag('exit', 0), tag('skip', -10)])).toEqual([33, 0, -33]);
  // Both sides are taken: the nearest beyond them.
  expect(tagShifts([tag('exit', 0), tag('exit', 43), tag('exit', -43), tag('cut', 1)])).toEqual([
    0, 0, 0, 85,
  ]);
  expect(tagShifts([tag('exit', 0), tag('cut', 10, 100)])).toEqual([0, 0]);
});

test('tags of a kind stay in order, whatever order they are given in', () => {
  const tap = (top: number): Tag => ({ kind: 'tap', left: 0, right: 100, top, bottom: top + 40 });
  expect(tagShifts([tap(4), tap(0), tap(2), tap(300)])).toEqual([82, 0, 41, 0]);
});
