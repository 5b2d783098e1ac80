import { type RefObject, useLayoutEffect } from 'react';
import { type TagKind, tagShifts } from './tag-places.ts';

/**
 * Keeps the overlay's tags (elements with a `data-tag`, its kind) apart at any zoom: writes into `--dy` of each how far
 * it moves aside. What tags say decides how wide they are, so they are measured, before the frame in which they changed
 * or the viewport did is painted. A tag that is being dragged neither moves aside nor is avoided before it is dropped.
 */
export function useTagPlaces(overlay: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const root = overlay.current;
    if (!root) return;
    const place = (): void => {
      const elements = [...root.querySelectorAll<HTMLElement>('[data-tag]')].filter(
        (element) => element.closest('[data-moving]') === null,
      );
      const before = elements.map((element) => Number(element.style.getPropertyValue('--dy')));
      const tags = elements.map((element, at) => {
        const { left, right, top, bottom } = element.getBoundingClientRect();
        const shift = before[at] ?? 0;
        return {
          kind: element.dataset.tag as TagKind,
          left,
          right,
          top: top - shift,
          bottom: bottom - shift,
        };
      });
      for (const [at, shift] of tagShifts(tags).entries()) {
        // Half a pixel is nothing to look at.
        if (Math.abs(shift - (before[at] ?? 0)) > 0.5) elements[at]?.style.setProperty('--dy', String(shift));
      }
    };
    place();
    const observer = new MutationObserver(() => {
      place();
      // What was written here is no reason to look again.
      observer.takeRecords();
    });
    observer.observe(root, {
      subtree: true,
      childList: true,
      characterData: true,
      attributeFilter: ['style', 'data-moving', 'data-on'],
    });
    // In a tab that is not shown nothing has a place.
    const shown = new ResizeObserver(place);
    shown.observe(root);
    return () => {
      observer.disconnect();
      shown.disconnect();
    };
  }, [overlay]);
}
