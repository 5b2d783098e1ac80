import type { GraphView } from '../onnx/graph-view.ts';
import type { Dataset } from './dataset.ts';

/** Keys of `metadata_props` that hold names of classes, this project's first. */
const NAME_KEYS = ['paretoscope.classes', 'names', 'classes', 'class_names', 'labels'];

/**
 * Names of classes by label: those of the images, or what the model itself says where they have none.
 * @param classOffset see `Preprocessing.classOffset`
 * @source Ultralytics' exporter, whose `names` is a Python dictionary of number and name
 */
export function classNamesOf(
  { classNames }: Pick<Dataset, 'classNames'>,
  view: Pick<GraphView, 'metadata'> | null | undefined,
  classOffset: number,
): readonly string[] {
  if (classNames.length > 0) return classNames;
  const texts = new Map((view?.metadata ?? []).map(({ key, value }) => [key, value]));
  for (const key of NAME_KEYS) {
    const names = namesIn(texts.get(key) ?? '');
    if (names !== null) return names.slice(Math.max(0, classOffset));
  }
  return [];
}

/** A JSON list, an object or dictionary of number and name, or names between commas or line breaks. */
function namesIn(text: string): readonly string[] | null {
  const trimmed = text.trim();
  try {
    const json: unknown = JSON.parse(trimmed);
    if (Array.isArray(json)) return json.every((each) => typeof each === 'string') ? json : null;
  } catch {
    // Not JSON: one of the others.
  }
  const entries = [...trimmed.matchAll(/["']?(\d{1,4})["']?\s*:\s*(?:'([^']*)'|"([^"]*)")/g)];
  if (trimmed.startsWith('{')) {
    const names: string[] = [];
    for (const [, number, single, double] of entries) names[Number(number)] = single ?? double ?? '';
    return names.length > 0 ? Array.from(names, (name) => name ?? '') : null;
  }
  const parts = trimmed.split(/[,\n;]/).map((part) => part.trim());
  return parts.length > 1 && parts.every((part) => part !== '') ? parts : null;
}
