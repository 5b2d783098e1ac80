import { type ClassMask, NO_ANSWER } from './packed-mask.ts';

/**
 * The colour of a class, far from those of its neighbours; the same everywhere.
 * @returns red, green and blue, 0 to 255
 * @source the colour map of PASCAL VOC: bits of the number, dealt out to the highest bits of the channels; from 1, as 0
 *   is black there
 */
export function classColour(label: number): readonly [number, number, number] {
  const channels: [number, number, number] = [0, 0, 0];
  for (let rest = label + 1, bit = 7; rest > 0 && bit >= 0; rest >>= 3, bit--) {
    for (const channel of [0, 1, 2] as const) channels[channel] |= ((rest >> channel) & 1) << bit;
  }
  return channels;
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
