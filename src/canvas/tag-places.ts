import { defined } from '../base/assert.ts';

/** Who stays and who moves aside: exits of the model, then cuts, then other exits, then skips. */
const PRECEDENCE = ['exit', 'cut', 'tap', 'skip'] as const;

export type TagKind = (typeof PRECEDENCE)[number];

/** Where a tag would stand by itself, in screen pixels. */
export interface Tag {
  readonly kind: TagKind;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

const GAP_PX = 3;

/**
 * How far each tag moves up (negative) or down so that none covers another: those of each kind from top to bottom as
 * little as possible, staying in order, and the same wherever the whole graph is moved to.
 * @returns pixels, one for each tag
 */
export function tagShifts(tags: readonly Tag[]): readonly number[] {
  const shifts = tags.map(() => 0);
  const placed: Tag[] = [];
  const order = [...tags.entries()].toSorted(
    ([, a], [, b]) => PRECEDENCE.indexOf(a.kind) - PRECEDENCE.indexOf(b.kind) || a.top - b.top,
  );
  for (const [at, tag] of order) {
    const beside = placed.filter(({ left, right }) => left < tag.right && tag.left < right);
    const isFree = (shift: number): boolean =>
      beside.every(
        ({ kind, top, bottom }) =>
          bottom <= tag.top + shift || (kind !== tag.kind && tag.bottom + shift <= top),
      );
    // Right below or right above what is in the way; of equally near ones the one below.
    const possible = beside
      .flatMap(({ top, bottom }) => [bottom + GAP_PX - tag.top, top - GAP_PX - tag.bottom])
      .toSorted((a, b) => Math.abs(a) - Math.abs(b) || b - a);
    const shift = defined([0, ...possible].find(isFree), 'room below them all');
    shifts[at] = shift;
    placed.push({ ...tag, top: tag.top + shift, bottom: tag.bottom + shift });
  }
  return shifts;
}
