import type { Tensor } from 'onnxruntime-web/wasm';
import { defined } from '../../base/assert.ts';
import { InputError } from '../../base/result.ts';
import type { DatasetItem, DecodedImage } from '../../data/dataset.ts';
import { preprocess } from '../../data/preprocess.ts';
import type { EngineLoad } from '../../protocol/engine-api.ts';
import { decodeImage } from '../decode-image.ts';
import type { LoadedStrategy } from './loaded-strategy.ts';

/** Inputs besides those of an image, by name. */
export type MoreInputs = readonly (readonly [string, Tensor])[];

/** An image of the loaded dataset, by its index there. */
export function itemAt(request: EngineLoad, imageIndex: number): DatasetItem {
  return defined(request.data.dataset.items[imageIndex], `image ${imageIndex}`);
}

/** Decodes an image; null where there is none, which is after the last one. */
export async function decodeAt(
  request: EngineLoad,
  imageIndex: number | undefined,
): Promise<DecodedImage | null> {
  if (imageIndex === undefined) return null;
  return decodeImage(request.data.pack, itemAt(request, imageIndex));
}

/** The tensor that a decoded image becomes. */
export function makeInput({ request, runtime, dims }: LoadedStrategy, image: DecodedImage): Tensor {
  const { data } = preprocess(image, request.preprocessing);
  return new runtime.ort.Tensor(request.preprocessing.dataType, data, dims);
}

/** All that a strategy is given where it gets random numbers. */
export function randomInput({ runtime, random }: LoadedStrategy): {
  readonly input: Tensor;
  readonly others: MoreInputs;
} {
  const [input, ...others] = defined(random, 'random inputs').map(
    ({ name, type, data, dims }) => [name, new runtime.ort.Tensor(type, data, dims)] as const,
  );
  return { input: defined(input, 'an input')[1], others };
}

/** What images say is asked for where there are only random numbers. */
export function requireImages({ random, request }: LoadedStrategy): void {
  if (random === null) return;
  throw new InputError({
    // As of models whose output scores no classes: what is left is latency.
    code: 'not-classification',
    message: `${request.plan.input.name} gets random numbers, whose answers mean nothing.`,
    hint: 'Latency and size are measured; accuracy, thresholds and training need a model that takes images.',
  });
}
