import { InputError } from '../../base/result.ts';
import type { Dataset, MaskFacts } from '../dataset.ts';
import { imageSizeFromHeader } from '../sniff-image.ts';
import { greyCode, NO_LABEL, type RawMask, readRawMask } from './read-mask.ts';

/** More colours are a photo, or masks with blurred edges. */
const MOST_COLOURS = 256;
/** Sizes are rounded when pictures are resized. */
const ASPECT_TOLERANCE = 0.02;

/**
 * The dataset with what its masks hold, which are all read once for it.
 * @param bytesOf a range of the pack
 * @param onProgress masks read so far, of how many
 * @throws InputError those of `readRawMask`; `mask-size` if a mask has other proportions than its image, `mask-colours`
 *   if they are no masks, `masks-mixed` if some are colours and some numbers
 */
export function describeMasks(
  dataset: Dataset,
  bytesOf: (range: { readonly offset: number; readonly length: number }) => Uint8Array,
  onProgress: (done: number, total: number) => void = () => {},
): Dataset {
  const masked = dataset.items.flatMap((item) => (item.mask ? [{ item, mask: item.mask }] : []));
  if (masked.length === 0) return dataset;
  const numbers = new Set<number>();
  const colours = new Set<number>();
  const numberedMasks: string[] = [];
  const colouredMasks: string[] = [];
  masked.forEach(({ item, mask }, at) => {
    if (at % 20 === 0) onProgress(at, masked.length);
    const raw = readRawMask(bytesOf(mask), mask.name);
    requireSameAspect(raw, mask.name, imageSizeFromHeader(bytesOf(item)), item.name);
    (raw.isColoured ? colouredMasks : numberedMasks).push(mask.name);
    collect(raw, raw.isColoured ? colours : numbers, mask.name);
  });
  onProgress(masked.length, masked.length);
  // Black, white and colours that others have may be all that a coloured mask shows.
  const isColour = (value: number): boolean => value === 0 || value === 255 || colours.has(greyCode(value));
  const [firstColoured] = colouredMasks;
  if (firstColoured !== undefined && !dataset.classColours && ![...numbers].every(isColour)) {
    throw new InputError({
      code: 'masks-mixed',
      message: `${firstColoured} holds colours, ${numberedMasks[0]} numbers: which colour is which class cannot be told`,
      where: firstColoured,
      hint: 'Save all masks in the same way, best as grey PNGs whose values are the classes.',
    });
  }
  const listed = dataset.classColours ?? null;
  const facts =
    listed !== null && (firstColoured !== undefined || areListedGreys(numbers, listed))
      ? listedFacts(new Set([...colours, ...[...numbers].map(greyCode)]), listed)
      : firstColoured === undefined
        ? numbered(numbers)
        : coloured(colours, numbers);
  return { ...dataset, masks: facts.facts, warnings: [...dataset.warnings, ...facts.warnings] };
}

function collect({ values }: RawMask, into: Set<number>, name: string): void {
  let last = -1;
  for (const value of values) {
    if (value === last) continue;
    last = value;
    into.add(value);
  }
  if (into.size > MOST_COLOURS) {
    throw new InputError({
      code: 'mask-colours',
      message: `${name}: with it the masks hold ${into.size} different values, more than ${MOST_COLOURS} classes`,
      where: name,
      hint: 'Masks have one value for each class. These may be photos, depths, numbers of instances, or masks that were resized with smoothing.',
    });
  }
}

function numbered(values: ReadonlySet<number>): { facts: MaskFacts; warnings: readonly string[] } {
  const classes = ascending(values).filter((value) => value !== NO_LABEL);
  if (classes.length === 2 && classes[0] === 0 && classes[1] === 255) {
    return {
      facts: { classes: [0, 1], codes: [0, 255], isColoured: false },
      warnings: ['masks hold 0 and 255 only: 255 is taken as class 1'],
    };
  }
  return { facts: { classes, codes: null, isColoured: false }, warnings: [] };
}

/** Whether greys are colours of a list instead of numbers of its classes. */
function areListedGreys(numbers: ReadonlySet<number>, listed: readonly number[]): boolean {
  const all = [...numbers];
  return all.some((each) => each >= listed.length) && all.every((each) => listed.includes(greyCode(each)));
}

/** The list says which colour is which class; what it lacks has none. */
function listedFacts(
  found: ReadonlySet<number>,
  listed: readonly number[],
): { facts: MaskFacts; warnings: readonly string[] } {
  const strangers = ascending(new Set([...found].filter((code) => !listed.includes(code))));
  const told = strangers.slice(0, 6).map(colourText);
  return {
    facts: {
      classes: [...listed.keys()].filter((label) => found.has(listed[label] as number)),
      codes: listed,
      isColoured: true,
      isListed: true,
    },
    warnings:
      strangers.length === 0
        ? []
        : [
            `masks have ${strangers.length} ${strangers.length === 1 ? 'colour' : 'colours'} that the list of classes lacks (${told.join(', ')}${strangers.length > 6 ? ', …' : ''}): such pixels have no class`,
          ],
  };
}

/** Colours become classes in the order of their numbers, black first. */
function coloured(
  colours: ReadonlySet<number>,
  greys: ReadonlySet<number>,
): { facts: MaskFacts; warnings: readonly string[] } {
  const codes = ascending(new Set([...colours, ...[...greys].map(greyCode)]));
  const told = codes.slice(0, 12).map((code, at) => `${at} ${colourText(code)}`);
  return {
    facts: { classes: codes.map((_, at) => at), codes, isColoured: true },
    warnings: [
      `masks are coloured: their ${codes.length} colours are numbered as classes, which may not be the model's: ${told.join(', ')}${codes.length > 12 ? ', …' : ''}`,
    ],
  };
}

/** `#804000` */
function colourText(code: number): string {
  return `#${code.toString(16).padStart(6, '0')}`;
}

function ascending(values: ReadonlySet<number>): readonly number[] {
  return [...values].sort((a, b) => a - b);
}

function requireSameAspect(
  mask: { readonly width: number; readonly height: number },
  maskName: string,
  image: { readonly width: number; readonly height: number } | null,
  imageName: string,
): void {
  if (image === null) return;
  const ratio = (mask.width * image.height) / (mask.height * image.width);
  const slack = ASPECT_TOLERANCE + 1 / Math.min(mask.width, mask.height);
  if (Math.abs(ratio - 1) <= slack) return;
  throw new InputError({
    code: 'mask-size',
    message: `${maskName} is ${mask.width} x ${mask.height}, its image ${imageName} ${image.width} x ${image.height}: other proportions, so their pixels do not belong together`,
    where: maskName,
    hint: 'Give each image the mask that was made for it; of the same size, or smaller or larger by the same factor both ways.',
  });
}
