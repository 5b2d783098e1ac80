import type { Failure } from '../base/result.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Dataset, MaskFacts } from './dataset.ts';
import { classCount, imageMisfit, mapClassCount } from './input-layout.ts';
import type { Preprocessing } from './preprocessing.ts';
import { takesRandomInputs } from './random-inputs.ts';

/**
 * Why a model and images do not go together, or null if they do: inputs that neither images nor random numbers can
 * feed, or labels that the model has no class for.
 */
export function describeMisfit(
  view: GraphView,
  dataset: Dataset | null,
  preprocessing: Preprocessing | null,
): Failure | null {
  const misfit = imageMisfit(view);
  // Labels say nothing about random numbers.
  if (misfit !== null) return takesRandomInputs(view) ? null : misfit;
  if (dataset === null) return null;
  return dataset.masks
    ? maskMisfit(view, dataset.masks, preprocessing)
    : labelMisfit(view, dataset, preprocessing?.classOffset ?? 0);
}

/** Masks none of whose classes can be asked about. */
function maskMisfit(
  view: GraphView,
  { classes }: MaskFacts,
  preprocessing: Preprocessing | null,
): Failure | null {
  const { classOffset = 0, ignoredLabel } = preprocessing ?? {};
  const known = mapClassCount(view) ?? Infinity;
  const isKnown = (label: number): boolean => label + classOffset >= 0 && label + classOffset < known;
  if (classes.some((label) => label !== ignoredLabel && isKnown(label))) return null;
  const [first, last] = [classes[0], classes.at(-1)];
  const held = first === undefined ? 'none' : first === last ? `${first}` : `${first} to ${last}`;
  const isIgnored = classes.every((label) => label === ignoredLabel);
  return {
    code: 'masks-beyond-classes',
    message: isIgnored
      ? `no pixel of the masks has a class: they hold ${held}, which is ignored`
      : `the masks hold the classes ${held}, but ${view.fileName} has 0 to ${known - 1}`,
    hint: 'Choose masks for this model, or correct the ignored class or the class offset. Without masks the lab measures agreement instead.',
  };
}

function labelMisfit(view: GraphView, dataset: Dataset, classOffset: number): Failure | null {
  const classes = classCount(view);
  if (classes === null) return null;
  const stranger = dataset.items.find(
    ({ label }) => label !== null && (label + classOffset >= classes || label + classOffset < 0),
  );
  if (stranger === undefined) return null;
  const shift = classOffset === 0 ? '' : ` plus the class offset ${classOffset}`;
  return {
    code: 'labels-beyond-classes',
    message: `${stranger.name} has label ${stranger.label}${shift}, but ${view.fileName} has the classes 0 to ${classes - 1}`,
    where: stranger.name,
    hint: 'Choose images for this model, or correct the class offset. Without labels the lab measures agreement instead.',
  };
}
