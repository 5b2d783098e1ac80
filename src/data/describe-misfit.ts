import type { Failure } from '../base/result.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { Dataset } from './dataset.ts';
import { classCount, imageMisfit } from './input-layout.ts';
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
  return dataset === null ? null : labelMisfit(view, dataset, preprocessing?.classOffset ?? 0);
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
