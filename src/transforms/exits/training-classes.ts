import { defined } from '../../base/assert.ts';
import { seededRandom, shuffled } from '../../base/random.ts';
import { InputError } from '../../base/result.ts';

/** What each training image shows. */
export interface TrainingTargets {
  /** The class of each image, in the model's numbering. */
  readonly targets: Int32Array;
  /** Of the model. */
  readonly classCount: number;
  /** What becomes of classes with some images but too few: a reason to refuse, or classes never chosen. */
  readonly fewImages: 'refuse' | 'leave-out';
  /** By class, for messages. */
  readonly classNames?: ReadonlyMap<number, string>;
}

/** So few images cannot be divided into training and validation in a way that says something. */
export const MIN_IMAGES_PER_CLASS = 4;

const MOST_LISTED = 5;

/**
 * The classes that have enough images, ascending; at least two.
 * @throws InputError `head-class-range`, `head-too-few-images`, `head-no-full-classes` or `head-one-class`
 */
export function classesToLearn(set: TrainingTargets): readonly number[] {
  const { targets, classCount, fewImages } = set;
  const counts = new Map<number, number>();
  for (const target of targets) counts.set(target, (counts.get(target) ?? 0) + 1);
  const present = [...counts].sort(([a], [b]) => a - b);
  const strange = present.filter(([each]) => each < 0 || each >= classCount);
  if (strange.length > 0) {
    const named = listed(strange.map(([each]) => nameOf(set, each)));
    throw new InputError({
      code: 'head-class-range',
      message: `Found training images of ${named}, wanted classes 0 to ${classCount - 1}: the model has ${classCount} classes`,
      hint: 'Check under Data how labels are mapped to classes, or let exits learn what the whole model predicts.',
    });
  }
  const few = present.filter(([, count]) => count < MIN_IMAGES_PER_CLASS);
  const learned = present.filter(([, count]) => count >= MIN_IMAGES_PER_CLASS).map(([each]) => each);
  if (few.length > 0 && (fewImages === 'refuse' || learned.length < 2))
    throw tooFewImages(set, few, learned.length);
  if (learned.length >= 2) return learned;
  const found = learned[0] === undefined ? 'no images' : `images of ${nameOf(set, learned[0])} only`;
  throw new InputError({
    code: 'head-one-class',
    message: `Found ${found} to train with, wanted at least two classes`,
    hint: 'Open images of several classes under Data.',
  });
}

/**
 * Divides the images of each class; both parts have at least one of every class.
 * @param seed of the division
 * @param validationShare in (0, 1)
 * @returns positions in `targets`, ascending
 */
export function divideByClass(
  targets: Int32Array,
  classes: readonly number[],
  seed: number,
  validationShare: number,
): { readonly training: readonly number[]; readonly validation: readonly number[] } {
  const random = seededRandom(seed);
  const imagesOf = new Map<number, number[]>(classes.map((each) => [each, []]));
  targets.forEach((target, image) => imagesOf.get(target)?.push(image));
  const training: number[] = [];
  const validation: number[] = [];
  for (const each of classes) {
    const images = shuffled(defined(imagesOf.get(each), `images of class ${each}`), random);
    const held = Math.min(images.length - 1, Math.max(1, Math.round(validationShare * images.length)));
    for (const image of images.slice(0, held)) validation.push(image);
    for (const image of images.slice(held)) training.push(image);
  }
  return { training: training.sort((a, b) => a - b), validation: validation.sort((a, b) => a - b) };
}

function tooFewImages(
  set: TrainingTargets,
  few: readonly (readonly [number, number])[],
  enough: number,
): InputError {
  const named = listed(few.map(([each, count]) => `${nameOf(set, each)} (${count})`));
  const canLeaveOut = enough >= 2;
  const others = canLeaveOut ? `, leave these classes out and train with the ${enough} others` : '';
  return new InputError({
    code: canLeaveOut ? 'head-too-few-images' : 'head-no-full-classes',
    message: `Found too few training images of ${named}, wanted at least ${MIN_IMAGES_PER_CLASS} of each class`,
    hint: `Half of the images train and half evaluate: open at least ${2 * MIN_IMAGES_PER_CLASS} of each class${others}, or let exits learn what the whole model predicts.`,
  });
}

function nameOf({ classNames }: TrainingTargets, each: number): string {
  const name = classNames?.get(each);
  return name === undefined ? `class ${each}` : `class ${each} ${JSON.stringify(name)}`;
}

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return `${names.slice(0, MOST_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}
