/**
 * Sums of |w| for each index of the middle axis of [outer, length, inner]; of squares the same loop again, as a call
 * for each weight would cost more.
 */
export function sumsOfMagnitudes(values: Float32Array, length: number, inner: number): Float64Array {
  const sums = new Float64Array(length);
  for (let at = 0, index = 0; at < values.length; index = index + 1 === length ? 0 : index + 1) {
    let sum = 0;
    for (const end = at + inner; at < end; at++) sum += Math.abs(values[at] as number);
    sums[index] = (sums[index] as number) + sum;
  }
  return sums;
}

export function sumsOfSquares(values: Float32Array, length: number, inner: number): Float64Array {
  const sums = new Float64Array(length);
  for (let at = 0, index = 0; at < values.length; index = index + 1 === length ? 0 : index + 1) {
    let sum = 0;
    for (const end = at + inner; at < end; at++) sum += (values[at] as number) ** 2;
    sums[index] = (sums[index] as number) + sum;
  }
  return sums;
}
