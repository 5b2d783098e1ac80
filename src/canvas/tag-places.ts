import { defined } from '../base/assert.ts';

/** Where a tag would stand by itself, in screen pixels. */
export interface TagRect {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const GAP_PX = 3;

/**
 * How far each tag moves up (negative) or down so that none covers another: as little as possible, and the same
 * wherever the whole graph is moved to.
 * @param tags in order of precedence: the first stays, each one avoids those before it
 * @returns pixels, one for each tag
 */
export function tagShifts(tags: readonly TagRect[]): readonly number[] {
  const placed: TagRect[] = [];
  return tags.map((tag) => {
    const beside = placed.filter(({ left, right }) => left < tag.right && tag.left < right);
    const isFree = (shift: number): boolean =>
      beside.every(({ top, bottom }) => tag.bottom + shift <= top || bottom <= tag.top + shift);
    // Right below or right above what is in the way; of equally near ones the one below.
    const shifts = beside
      .flatMap(({ top, bottom }) => [bottom + GAP_PX - tag.top, top - GAP_PX - tag.bottom])
      .toSorted((a, b) => Math.abs(a) - Math.abs(b) || b - a);
    const shift = defined([0, ...shifts].find(isFree), 'room below them all');
    placed.push({ ...tag, top: tag.top + shift, bottom: tag.bottom + shift });
    return shift;
  });
}
