import { InputError } from '../base/result.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Preprocessing } from './preprocessing.ts';

/** This project's key in a model's `metadata_props`: a JSON object with fields of `Preprocessing`, all optional. */
export const PREPROCESSING_KEY = 'paretoscope.preprocessing';

/**
 * What the model itself says about its input: this project's key, or Windows ML's image metadata.
 * @param base fills what the metadata leave out
 * @returns null if the model says nothing that can be used
 * @source github.com/onnx/onnx, docs/MetadataProps.md (Image.BitmapPixelFormat, Image.NominalPixelRange)
 */
export function preprocessingFromMetadata(
  view: GraphView,
  base: Preprocessing,
): { preprocessing: Preprocessing; reason: string } | null {
  const entries = new Map((view.metadata ?? []).map(({ key, value }) => [key, value]));
  const own = entries.get(PREPROCESSING_KEY);
  if (own !== undefined) {
    const fields = checkedFields(own, base);
    if (fields !== null) {
      return {
        preprocessing: { ...base, ...fields },
        reason: `the model says so itself (${PREPROCESSING_KEY})`,
      };
    }
  }
  const range = RANGES.get(entries.get('Image.NominalPixelRange') ?? '');
  if (range === undefined) return null;
  const channelOrder = entries.get('Image.BitmapPixelFormat')?.startsWith('Bgr') ? 'BGR' : 'RGB';
  const fill = (value: number) => Array.from({ length: base.channels }, () => value);
  return {
    preprocessing: {
      ...base,
      channelOrder,
      scale: range.scale,
      mean: fill(range.mean),
      std: fill(1),
    },
    reason: `the model says so itself (Image.NominalPixelRange: ${entries.get('Image.NominalPixelRange')})`,
  };
}

/**
 * The preprocessing that someone asks for, as JSON with fields as `PREPROCESSING_KEY` takes them.
 * @param base fills what is left out; fields that only repeat it may be any
 * @throws InputError `preprocessing-broken`
 */
export function givenPreprocessing(json: string, base: Preprocessing): Preprocessing {
  const fields = checkedFields(json, base);
  if (fields === null) {
    throw new InputError({
      code: 'preprocessing-broken',
      message: 'preprocessing: found no JSON object',
      hint: 'Write for example {"channelOrder":"BGR","scale":1,"mean":[104,117,124]}.',
    });
  }
  const known = new Map<string, unknown>(Object.entries(base));
  const wrong = Object.entries(JSON.parse(json) as object).find(
    ([name, value]) =>
      !Object.hasOwn(fields, name) && JSON.stringify(known.get(name)) !== JSON.stringify(value),
  );
  if (wrong !== undefined) {
    const [name, value] = wrong;
    throw new InputError({
      code: 'preprocessing-broken',
      message: `preprocessing: found ${JSON.stringify(value)} as "${name}"${known.has(name) ? `, where ${JSON.stringify(known.get(name))} fits the model` : ''}`,
      where: name,
      hint: `Fields are channelOrder (RGB or BGR), scale, mean and std (a number for each of ${base.channels} channels, std not 0), invert, classOffset, ignoredLabel and fit ({"kind":"stretch"} or {"kind":"crop","shorterSide":256}).`,
    });
  }
  return { ...base, ...fields };
}

const RANGES: ReadonlyMap<string, { scale: number; mean: number }> = new Map([
  ['NominalRange_0_255', { scale: 1, mean: 0 }],
  ['Normalized_0_1', { scale: 1 / 255, mean: 0 }],
  ['Normalized_1_1', { scale: 2 / 255, mean: 1 }],
]);

/** The fields that have the right type; null if the text is no JSON object. Shape and type stay the model's own. */
function checkedFields(json: string, base: Preprocessing): Partial<Preprocessing> | null {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const given = new Map<string, unknown>(Object.entries(value));
  const isFinite = (field: unknown): field is number => typeof field === 'number' && Number.isFinite(field);
  const isList = (field: unknown): field is number[] =>
    Array.isArray(field) && field.length === base.channels && field.every(isFinite);
  const fields: { -readonly [K in keyof Preprocessing]?: Preprocessing[K] } = {};
  const channelOrder = given.get('channelOrder');
  if (channelOrder === 'RGB' || channelOrder === 'BGR') fields.channelOrder = channelOrder;
  const scale = given.get('scale');
  if (isFinite(scale)) fields.scale = scale;
  const mean = given.get('mean');
  if (isList(mean)) fields.mean = mean;
  const std = given.get('std');
  if (isList(std) && std.every((deviation) => deviation !== 0)) fields.std = std;
  const invert = given.get('invert');
  if (typeof invert === 'boolean') fields.invert = invert;
  const classOffset = given.get('classOffset');
  if (Number.isInteger(classOffset)) fields.classOffset = classOffset as number;
  const ignoredLabel = given.get('ignoredLabel');
  if (Number.isInteger(ignoredLabel) && (ignoredLabel as number) >= 0)
    fields.ignoredLabel = ignoredLabel as number;
  const fit = fitOf(given.get('fit'));
  if (fit !== null) fields.fit = fit;
  return fields;
}

function fitOf(field: unknown): Preprocessing['fit'] | null {
  if (typeof field !== 'object' || field === null || !('kind' in field)) return null;
  if (field.kind === 'stretch') return { kind: 'stretch' };
  const side = 'shorterSide' in field ? field.shorterSide : null;
  if (field.kind !== 'crop' || !Number.isInteger(side) || (side as number) < 1) return null;
  return { kind: 'crop', shorterSide: side as number };
}
