/** Layers up to this width are compared filter by filter; of wider ones each with so many others, evenly chosen. */
const ALL_OTHERS = 512;
const SOME_OTHERS = 256;

/**
 * For each index of an axis the sum of its Euclidean distances to the others: small for those near the geometric
 * median, which the others can stand in for. In wide layers a part of the others stands for all.
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
  const chosen = chosenOthers(length);
  const isSymmetric = chosen.length === length;
  const others = isSymmetric ? filters : rowsOf(filters, chosen, size);
  const squares = squaredLengths(filters, length, size);
  const sums = new Float64Array(length);
  const products = new Float64Array(4);
  for (let row = 0; row < length; row += 2) {
    for (let column = isSymmetric ? row : 0; column < chosen.length; column += 2) {
      multiplyPairs(filters, row, others, column, size, products);
      for (let pair = 0; pair < 4; pair++) {
        const first = row + (pair >> 1);
        const at = column + (pair & 1);
        const other = chosen[at];
        if (first >= length || other === undefined || other === first || (isSymmetric && at < first))
          continue;
        const square =
          (squares[first] as number) + (squares[other] as number) - 2 * (products[pair] as number);
        const distance = Math.sqrt(Math.max(0, square));
        sums[first] = (sums[first] as number) + distance;
        if (isSymmetric) sums[other] = (sums[other] as number) + distance;
      }
    }
  }
  return sums;
}

function chosenOthers(length: number): number[] {
  const count = length <= ALL_OTHERS ? length : SOME_OTHERS;
  return Array.from({ length: count }, (_, at) => Math.floor((at * length) / count));
}

/** Products of two rows with two others at once: each number that is read is used twice. */
function multiplyPairs(
  filters: Float32Array,
  row: number,
  others: Float32Array,
  column: number,
  size: number,
  products: Float64Array,
): void {
  // The last row stands in for the one behind it.
  const one = row * size;
  const two = Math.min(one + size, filters.length - size);
  const left = column * size;
  const right = Math.min(left + size, others.length - size);
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let at = 0; at < size; at++) {
    const x = filters[one + at] as number;
    const y = filters[two + at] as number;
    const u = others[left + at] as number;
    const v = others[right + at] as number;
    a += x * u;
    b += x * v;
    c += y * u;
    d += y * v;
  }
  products[0] = a;
  products[1] = b;
  products[2] = c;
  products[3] = d;
}

function squaredLengths(filters: Float32Array, length: number, size: number): Float64Array {
  const squares = new Float64Array(length);
  for (let at = 0; at < filters.length; at++) {
    const row = Math.floor(at / size);
    squares[row] = (squares[row] as number) + (filters[at] as number) ** 2;
  }
  return squares;
}

function rowsOf(filters: Float32Array, rows: readonly number[], size: number): Float32Array {
  const result = new Float32Array(rows.length * size);
  rows.forEach((row, at) => result.set(filters.subarray(row * size, (row + 1) * size), at * size));
  return result;
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
