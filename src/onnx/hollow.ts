import { mapModelTensors } from './map-tensors.ts';
import type { Model, Tensor } from './model.ts';
import { DataType } from './model.ts';

/** What `tools/hollow.py` of the zoo notes on a tensor it emptied. */
const MARK = /^hollow uniform mean=(\S+) std=(\S+)$/;
/** The refilled model says so itself, since its weights look like any others once they are written. */
const REFILLED = 'generated weights: noise with the mean and spread of the real ones';

/** Goes with everything that is made of such a model, in these words. */
export const RANDOM_WEIGHTS_NOTE = 'Random weights: size and latency only, no accuracy.';

/** True if weights are noise or were emptied: size and latency are real then, accuracy is not. */
export function isHollow(model: Model): boolean {
  return model.graph.docString === REFILLED || model.graph.initializers.some((t) => markOf(t) !== null);
}

/**
 * Gives emptied tensors their noise back: the same values for the same name on every device, generated when read.
 * A model without marks comes back as it is.
 */
export function refillHollow(model: Model): Model {
  const refilled = mapModelTensors(model, (tensor) => {
    const noise = markOf(tensor);
    return noise === null ? tensor : { ...tensor, data: { kind: 'hollow', ...noise }, docString: '' };
  });
  if (refilled === model) return model;
  return { ...refilled, graph: { ...refilled.graph, docString: REFILLED } };
}

function markOf(tensor: Tensor): { readonly mean: number; readonly std: number } | null {
  if (tensor.data.kind !== 'empty' || tensor.dataType !== DataType.float) return null;
  const match = MARK.exec(tensor.docString);
  if (match === null) return null;
  const [mean, std] = [Number(match[1]), Number(match[2])];
  return Number.isFinite(mean) && Number.isFinite(std) && std >= 0 ? { mean, std } : null;
}
