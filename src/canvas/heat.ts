/**
 * How hot a cost is on the sequential scale, in [0, 1]: the square root of its share of the highest cost, since
 * costs of one model span three orders of magnitude and on a linear scale all but one would look alike.
 */
export function heatOf(cost: number, highest: number): number {
  return highest > 0 && cost > 0 ? Math.sqrt(Math.min(1, cost / highest)) : 0;
}

/** Colours in between, as `rgb(...)`; index 0 is cold. */
export function heatRamp(cold: string, hot: string, steps: number): readonly string[] {
  const [from, to] = [hexToRgb(cold), hexToRgb(hot)];
  return Array.from({ length: steps }, (_, i) => {
    const share = steps > 1 ? i / (steps - 1) : 0;
    const mixed = from.map((channel, c) => Math.round(channel + ((to[c] ?? channel) - channel) * share));
    return `rgb(${mixed.join(',')})`;
  });
}

/** Red, green and blue of `#rrggbb` or `#rgb` (style sheets get shortened when built). */
function hexToRgb(hex: string): readonly number[] {
  const long = hex.length === 4 ? hex.replace(/[0-9a-f]/gi, '$&$&') : hex;
  return [1, 3, 5].map((at) => Number.parseInt(long.slice(at, at + 2), 16) || 0);
}
