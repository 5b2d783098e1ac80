import { InputError } from '../base/result.ts';
import { type CountedSize, countedDims } from '../onnx/counted-size.ts';
import type { Model } from '../onnx/model.ts';
import { shapeText } from '../onnx/shape-inference.ts';

/** For usage texts. */
export const INPUT_SIZE_HELP =
  '--input-size HxW counts inputs of open height and width as this large (N: sequences of N, too; default 224x224)';

/**
 * Reads `--input-size`: `HxW` for images, or one number for every open size.
 * @returns null if it is neither
 */
export function readInputSize(text: string): CountedSize | null {
  const [, first, second] = /^(\d{1,5})(?:x(\d{1,5}))?$/i.exec(text) ?? [];
  const [height, width] = [Number(first), Number(second ?? first)];
  if (!(height > 0 && width > 0)) return null;
  return second === undefined ? { height, width, length: height } : { height, width };
}

/** What to say where `readInputSize` gives nothing. */
export function inputSizeProblem(text: string): string {
  return `--input-size: found "${text}", wanted HxW such as 224x320, or one number`;
}

/**
 * Whether a size can be chosen at all.
 * @throws InputError `input-size-fixed` if the model's inputs have sizes of their own, and others
 */
export function checkInputSize({ graph }: Model, size: CountedSize): void {
  const weights = new Set(graph.initializers.map(({ name }) => name));
  const shapes = graph.inputs
    .filter(({ name }) => !weights.has(name))
    .map(({ name, type }) => ({ name, shape: type.kind === 'tensor' ? type.shape : null }));
  const open = ({ shape }: (typeof shapes)[number]) =>
    countedDims(shape, size).join() !== countedDims(shape, doubled(size)).join();
  if (shapes.some(open)) return;
  const found = shapes.map(({ name, shape }) => `${name} ${shapeText(shape)}`).join(', ');
  throw new InputError({
    code: 'input-size-fixed',
    message: `--input-size: found the inputs ${found}, wanted one whose ${size.length === undefined ? 'height or width' : 'size'} is open`,
    hint: 'Leave --input-size out: this model says itself how large its inputs are.',
  });
}

function doubled({ height = 1, width = 1, length = 1 }: CountedSize): CountedSize {
  return { height: 2 * height, width: 2 * width, length: 2 * length };
}
