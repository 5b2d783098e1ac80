/** Filters whose distances are computed together, so that they stay in the cache. */
const BLOCK = 64;

/**
 * For each index of an axis the sum of its Euclidean distances to all others: small for those near the geometric
 * median, which the others can stand in for. Distances follow from products of pairs, n² / 2 of them.
 * @param values row-major, [outer, length, inner]
 * @returns [length]
 */
export function distancesToOthers(
  values: Float32Array,
  outer: number,
  length: number,
  inner: number,
): Float64Array {
  const size = outer * inner;
  const filters = outer === 1 ? values : gathered(values, outer, length, inner);
  const squares = Float64Array.from({ length }, (_, each) =>
    product(filters, each * size, each * size, size),
  );
  const sums = new Float64Array(length);
  for (let firstBlock = 0; firstBlock < length; firstBlock += BLOCK) {
    for (let otherBlock = firstBlock; otherBlock < length; otherBlock += BLOCK) {
      const firstEnd = Math.min(length, firstBlock + BLOCK);
      for (let first = firstBlock; first < firstEnd; first++) {
        const otherEnd = Math.min(length, otherBlock + BLOCK);
        for (let other = Math.max(first + 1, otherBlock); other < otherEnd; other++) {
          const common = product(filters, first * size, other * size, size);
          const square = (squares[first] as number) + (squares[other] as number) - 2 * common;
          const distance = Math.sqrt(Math.max(0, square));
          sums[first] = (sums[first] as number) + distance;
          sums[other] = (sums[other] as number) + distance;
        }
      }
    }
  }
  return sums;
}

/** Four sums side by side: the processor need not wait for one addition before the next. */
function product(values: Float32Array, one: number, other: number, size: number): number {
  let [a, b, c, d] = [0, 0, 0, 0];
  let at = 0;
  for (; at + 3 < size; at += 4) {
    a += (values[one + at] as number) * (values[other + at] as number);
    b += (values[one + at + 1] as number) * (values[other + at + 1] as number);
    c += (values[one + at + 2] as number) * (values[other + at + 2] as number);
    d += (values[one + at + 3] as number) * (values[other + at + 3] as number);
  }
  for (; at < size; at++) a += (values[one + at] as number) * (values[other + at] as number);
  return a + b + c + d;
}

/** Each index's values one after the other. */
function gathered(values: Float32Array, outer: number, length: number, inner: number): Float32Array {
  const result = new Float32Array(values.length);
  for (let row = 0; row < outer; row++) {
    for (let index = 0; index < length; index++) {
      const from = (row * length + index) * inner;
      result.set(values.subarray(from, from + inner), (index * outer + row) * inner);
    }
  }
  return result;
}
