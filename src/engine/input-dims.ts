import { InputError } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { ValueView } from '../onnx/graph-view.ts';

/**
 * The dimensions under which preprocessed images are given to the model.
 * @param input the model's input; symbols and unknown dimensions take any size
 * @returns as preprocessed ([1, 3, 224, 224]), or the model's own dimensions where they hold the same elements
 *   otherwise arranged (a model that wants [1, 784] of images of 28 x 28)
 * @throws InputError `input-mismatch`
 */
export function inputDims(input: ValueView, preprocessing: Preprocessing): readonly number[] {
  const { layout, channels, height, width, dataType } = preprocessing;
  if (input.dataType !== dataType) {
    throw new InputError({
      code: 'input-mismatch',
      message: `The images become ${dataType}, but input ${input.name} wants ${input.dataType}.`,
      where: input.name,
      hint: 'Change the data type in the preprocessing.',
    });
  }
  const dims = layout === 'NCHW' ? [1, channels, height, width] : [1, height, width, channels];
  if (input.shape === null) return dims;
  const { shape } = input;
  const fits =
    shape.length === dims.length && shape.every((dim, i) => typeof dim !== 'number' || dim === dims[i]);
  if (fits) return dims;
  const single = shape.map((dim) => (typeof dim === 'number' ? dim : 1));
  const product = (list: readonly number[]) => list.reduce((a, b) => a * b, 1);
  // Only a different rank may be a rearrangement; 3 x 224 x 224 into 224 x 224 x 3 is a wrong layout.
  if (shape.length !== dims.length && product(single) === product(dims)) return single;
  throw new InputError({
    code: 'input-mismatch',
    message: `The images become [${dims.join(', ')}], but input ${input.name} wants [${shape.map((dim) => dim ?? '?').join(', ')}].`,
    where: input.name,
    hint: 'Change layout, size or channels in the preprocessing.',
  });
}
