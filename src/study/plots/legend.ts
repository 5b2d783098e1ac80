import { type Ink, type Mark, TEXT_SIZE } from './drawing.ts';

/** A legend in as many lines as it needs. @returns its marks, and where it ends */
export function legendMarks(
  entries: readonly { readonly ink: Ink; readonly text: string; readonly opacity?: number }[],
  width: number,
  top: number,
): { readonly marks: readonly Mark[]; readonly bottom: number } {
  const lineHeight = 20;
  let [x, y] = [0, top];
  const marks = entries.flatMap(({ ink, text, opacity = 1 }): Mark[] => {
    const room = 16 + Array.from(text).length * 0.56 * TEXT_SIZE + 14;
    if (x > 0 && x + room > width) [x, y] = [0, y + lineHeight];
    const left = x;
    x += room;
    return [
      {
        kind: 'rect',
        box: { left, right: left + 10, top: y + 3, bottom: y + 13 },
        fill: ink,
        opacity,
      },
      { kind: 'text', x: left + 15, y: y + 12, text, ink: 'dim' },
    ];
  });
  return { marks, bottom: y + lineHeight };
}
