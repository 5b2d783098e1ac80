import type { Dataset } from '../../data/dataset.ts';
import type { Preprocessing } from '../../data/preprocessing.ts';
import { preprocessingAtSize } from '../../data/preprocessing-at-size.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import type { PreparedModel } from '../new-study.ts';
import type { Strategy } from '../trial.ts';
import type { StudyDesign } from './design.ts';

/** Every model and size that strategies of a plan are about, and how its images are prepared. */
export function preparedModels(
  { models }: StudyDesign,
  strategies: readonly Strategy[],
  known: ReadonlyMap<string, { readonly view: GraphView; readonly preprocessing: Preprocessing }>,
  dataset: Dataset,
): readonly PreparedModel[] {
  const prepared = new Map<string, PreparedModel>();
  for (const { modelId, inputSize } of strategies) {
    const key = JSON.stringify([modelId, inputSize]);
    const model = models.find((each) => each.modelId === modelId);
    const { view, preprocessing } = known.get(modelId) ?? {};
    if (prepared.has(key) || !model || !view || !preprocessing) continue;
    prepared.set(key, {
      ...model,
      ...(inputSize && { inputSize }),
      preprocessing: inputSize ? preprocessingAtSize(view, dataset, preprocessing, inputSize) : preprocessing,
    });
  }
  return [...prepared.values()];
}
