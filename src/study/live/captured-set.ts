import { csvText } from '../csv-text.ts';

/** A frame that was kept. */
export interface Shot {
  readonly id: string;
  /** Unix time. */
  readonly takenAtMs: number;
  /** Class in the dataset's numbering; null: only to calibrate with. */
  readonly label: number | null;
  readonly png: Blob;
}

/** File of a captured image: `shot-0001.png`. */
function nameOfShot(at: number): string {
  return `shot-${String(at + 1).padStart(4, '0')}.png`;
}

/**
 * The files of captured images as an ordinary dataset: PNGs in order, and `labels.csv` where any has a label.
 * @param classNames by label; what has none is named by its number
 */
export function filesOfShots(
  shots: readonly Shot[],
  classNames: readonly string[],
): {
  readonly images: readonly { readonly name: string; readonly blob: Blob }[];
  /** null where no image has a label */
  readonly labelsCsv: string | null;
} {
  const rows = shots.flatMap(({ label }, at) =>
    label === null ? [] : [[nameOfShot(at), label, classNames[label] ?? String(label)]],
  );
  return {
    images: shots.map(({ png }, at) => ({ name: nameOfShot(at), blob: png })),
    labelsCsv: rows.length === 0 ? null : csvText([['filename', 'label', 'name'], ...rows]),
  };
}

/** How many images there are of each class, in order of the classes; null last. */
export function countLabels(
  shots: readonly Shot[],
): readonly (readonly [label: number | null, count: number])[] {
  const counts = new Map<number | null, number>();
  for (const { label } of shots) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a ?? Infinity) - (b ?? Infinity));
}
