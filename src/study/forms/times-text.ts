/** `5 times`, `1.4 times`. */
export function timesText(factor: number): string {
  return `${factor >= 3 ? Math.round(factor) : Number(factor.toPrecision(2))} times`;
}
