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

/**
 * The colours that a data set lists, in the place of our own.
 * @param listed by label, as `red << 16 | green << 8 | blue`
 */
export function colourOf(
  label: number,
  listed: readonly number[] | undefined,
): readonly [number, number, number] {
  const code = listed?.[label];
  return code === undefined ? classColour(label) : [code >> 16, (code >> 8) & 255, code & 255];
}

/** The colour as CSS has it. */
export function classCssColour(label: number, listed?: readonly number[]): string {
  return `rgb(${colourOf(label, listed).join(' ')})`;
}

/** What is drawn: row-major RGBA. */
export interface MaskPicture {
  readonly width: number;
  readonly height: number;
  readonly rgba: Uint8ClampedArray<ArrayBuffer>;
}

/** A screen shows no more, and a page that draws many times as many stands still. */
const MOST_PIXELS = 1_000_000;

/**
 * A mask to lay over its image: each class in its colour; pixels without one, and the ignored one, let the image
 * through. Of very large masks every second (third, …) row and column.
 * @param only pixels whose class in this mask, of the same size, is another; null: all
 */
export function maskPicture(
  mask: ClassMask,
  {
    ignored,
    only = null,
    listed,
  }: {
    readonly ignored: number | null;
    readonly only?: ClassMask | null;
    readonly listed?: readonly number[] | undefined;
  },
): MaskPicture {
  const step = Math.ceil(Math.sqrt((mask.width * mask.height) / MOST_PIXELS));
  const [width, height] = [Math.ceil(mask.width / step), Math.ceil(mask.height / step)];
  const colours = new Uint32Array(NO_ANSWER + 1);
  const bytes = new Uint8Array(colours.buffer);
  // Opaque ones are never 0.
  const colourAt = (label: number): number => {
    if (colours[label] === 0) bytes.set([...colourOf(label, listed), 255], 4 * label);
    return colours[label] as number;
  };
  const rgba = new Uint8ClampedArray(4 * width * height);
  const pixels = new Uint32Array(rgba.buffer);
  for (let row = 0, to = 0; row < height; row++)
    for (let column = 0, at = row * step * mask.width; column < width; column++, at += step, to++) {
      const label = mask.classes[at] as number;
      if (label === NO_ANSWER || label === ignored) continue;
      const other = only === null ? -1 : only.classes[at];
      if (other !== label && other !== ignored && other !== NO_ANSWER) pixels[to] = colourAt(label);
    }
  return { width, height, rgba };
}

/** Classes of a mask, the largest first. */
export function classesOf(mask: ClassMask, ignored: number | null): readonly number[] {
  return classShares(mask, ignored).map(({ label }) => label);
}

/** The same, with their shares of all pixels. */
export function classShares(
  { classes }: ClassMask,
  ignored: number | null,
): readonly { readonly label: number; readonly share: number }[] {
  const counts = new Uint32Array(NO_ANSWER + 1);
  for (let at = 0; at < classes.length; at++) {
    const label = classes[at] as number;
    counts[label] = (counts[label] as number) + 1;
  }
  return [...counts.keys()]
    .filter((label) => counts[label] !== 0 && label !== NO_ANSWER && label !== ignored)
    .sort((a, b) => (counts[b] as number) - (counts[a] as number))
    .map((label) => ({ label, share: (counts[label] as number) / classes.length }));
}
