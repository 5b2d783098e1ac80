import { type RefObject, useLayoutEffect } from 'react';
import { tagShifts } from './tag-places.ts';

/** Who stays and who moves aside, in `data-tag`: exits of the model, then cuts, then other exits, then skips. */
export type TagKind = 'exit' | 'cut' | 'tap' | 'skip';

const PRECEDENCE: readonly TagKind[] = ['exit', 'cut', 'tap', 'skip'];

/**
 * Keeps the overlay's tags apart at any zoom: writes into `--dy` of each how far it moves aside. What tags say decides
 * how wide they are, so they are measured, before the frame in which they changed or the viewport did is painted. A tag
 * that is being dragged neither moves aside nor is avoided before it is dropped.
 */
export function useTagPlaces(overlay: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const root = overlay.current;
    if (!root) return;
    const place = (): void => {
      const tags = [...root.querySelectorAll<HTMLElement>('[data-tag]')]
        .filter((tag) => tag.closest('[data-moving]') === null)
        .toSorted((a, b) => precedenceOf(a) - precedenceOf(b));
      const before = tags.map((tag) => Number(tag.style.getPropertyValue('--dy')));
      const rects = tags.map((tag, at) => {
        const { left, right, top, bottom } = tag.getBoundingClientRect();
        const shift = before[at] ?? 0;
        return { left, right, top: top - shift, bottom: bottom - shift };
      });
      for (const [at, shift] of tagShifts(rects).entries()) {
        // Half a pixel is nothing to look at, and a change would be followed by another round.
        if (Math.abs(shift - (before[at] ?? 0)) > 0.5) tags[at]?.style.setProperty('--dy', String(shift));
      }
    };
    place();
    const observer = new MutationObserver(place);
    observer.observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      attributeFilter: ['style', 'data-moving', 'data-on'],
    });
    return () => observer.disconnect();
  }, [overlay]);
}

function precedenceOf(tag: HTMLElement): number {
  return PRECEDENCE.indexOf(tag.dataset.tag as TagKind);
}
