import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pieceMarker, smallestMagnitudes } from '../../../../src/transforms/prune/smallest-magnitudes.ts';

// Few distinct values, so that ties are common, and any float, so that odd bits are.
const values = fc.oneof(
  fc.array(fc.constantFrom(0, -0, 0.5, -0.5, 1, -1, 2), { minLength: 1, maxLength: 60 }),
  fc.array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 60 }),
);

/** The plain way: sort by magnitude, then by position. */
function smallestBySorting(all: Float32Array, count: number): Set<number> {
  const order = [...all.keys()].sort(
    (a, b) => Math.abs(all[a] as number) - Math.abs(all[b] as number) || a - b,
  );
  return new Set(order.slice(0, count));
}

describe('smallestMagnitudes', () => {
  it('marks exactly what sorting would, also when the values come in pieces', () => {
    fc.assert(
      fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(60), (list, share, split) => {
        const all = Float32Array.from(list);
        const count = Math.round(share * all.length);
        const pieces = [
          all.subarray(0, Math.min(split, all.length)),
          all.subarray(Math.min(split, all.length)),
        ];
        const cutoff = smallestMagnitudes((visit) => pieces.forEach(visit), count);
        const marked = new Set<number>();
        const mark = pieceMarker(cutoff);
        let start = 0;
        for (const piece of pieces) {
          const from = start;
          mark(piece, (index) => marked.add(from + index));
          start += piece.length;
        }
        expect(marked).toEqual(smallestBySorting(all, count));
        expect(cutoff.zerosBefore).toBe(list.filter((value) => value === 0).length);
      }),
    );
  });

  it('takes NaN last', () => {
    const all = Float32Array.of(Number.NaN, Number.POSITIVE_INFINITY, 1);
    const cutoff = smallestMagnitudes((visit) => visit(all), 2);
    const marked: number[] = [];
    pieceMarker(cutoff)(all, (index) => marked.push(index));
    expect(marked).toEqual([1, 2]);
  });
});
