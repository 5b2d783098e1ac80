import { type ClassMask, NO_ANSWER } from './packed-mask.ts';

/**
 * The colour of a class, far from those of its neighbours and bright enough to tell over a dark picture; the same
 * everywhere.
 * @returns red, green and blue, 0 to 255
 */
export function classColour(label: number): readonly [number, number, number] {
  // Steps of the golden angle never come back to a hue; lightness tells those apart that come near.
  const hue = (label * 137.508 + 210) % 360;
  const lightness = [0.52, 0.7, 0.4][label % 3] as number;
  const spread = 0.75 * Math.min(lightness, 1 - lightness);
  const channel = (offset: number): number => {
    const at = (offset + hue / 30) % 12;
    return Math.round(255 * (lightness - spread * Math.max(-1, Math.min(at - 3, 9 - at, 1))));
  };
  return [channel(0), channel(8), channel(4)];
}

/** The colour as CSS has it. */
export function classCssColour(label: number): string {
  return `rgb(${classColour(label).join(' ')})`;
}

/**
 * A mask to lay over its image, row-major RGBA: each class in its colour; pixels without one, and the ignored one,
 * let the image through.
 * @param only pixels whose class in this mask is another; null: all
 */
export function maskPicture(
  mask: ClassMask,
  ignored: number | null,
  only: ClassMask | null = null,
): Uint8ClampedArray<ArrayBuffer> {
  const { classes } = mask;
  const rgba = new Uint8ClampedArray(4 * classes.length);
  const colours = new Map<number, readonly [number, number, number]>();
  for (let at = 0; at < classes.length; at++) {
    const label = classes[at] as number;
    if (label === NO_ANSWER || label === ignored) continue;
    if (only !== null && (only.classes[at] === label || only.classes[at] === ignored)) continue;
    let colour = colours.get(label);
    if (!colour) colours.set(label, (colour = classColour(label)));
    rgba.set(colour, 4 * at);
    rgba[4 * at + 3] = 255;
  }
  return rgba;
}

/** Classes of a mask, the largest first. */
export function classesOf({ classes }: ClassMask, ignored: number | null): readonly number[] {
  const counts = new Map<number, number>();
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .filter(([label]) => label !== NO_ANSWER && label !== ignored)
    .sort(([, a], [, b]) => b - a)
    .map(([label]) => label);
}
