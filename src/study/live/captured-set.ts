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

/** File of a captured image, in a folder of its class: `3 cat/shot-0001.png`. */
function pathOfShot(label: number | null, at: number, classNames: readonly string[]): string {
  const file = `shot-${String(at + 1).padStart(4, '0')}.png`;
  if (label === null) return file;
  const name = classNames[label] ?? '';
  // The number keeps classes of one name apart, and in order.
  const folder = name === '' || name === String(label) ? String(label) : `${label} ${name}`;
  return `${folder.replace(UNFIT_FOR_FOLDERS, '_').trim()}/${file}`;
}

/** What some file system refuses in a name, or takes for a path. */
const UNFIT_FOR_FOLDERS = /[\p{Cc}<>:"/\\|?*]|\.+$/gu;

/**
 * The files of captured images as an ordinary dataset: PNGs in order, those of a class in its folder, and `labels.csv`,
 * which tells the classes' numbers, where any has a label.
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
  const images = shots.map(({ png, label }, at) => ({ name: pathOfShot(label, at, classNames), blob: png }));
  const rows = shots.flatMap(({ label }, at) =>
    label === null ? [] : [[images[at]?.name ?? '', label, classNames[label] || String(label)]],
  );
  return {
    images,
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
