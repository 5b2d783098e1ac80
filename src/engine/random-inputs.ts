import type { Tensor } from 'onnxruntime-web/wasm';
import { seededRandom } from '../base/random.ts';
import { InputError } from '../base/result.ts';
import { randomDims, type RandomNumbers, randomNumbers } from '../data/random-inputs.ts';
import type { ValueView } from '../onnx/graph-view.ts';
import type { VariantPlan } from '../transforms/variant.ts';

/** What an input gets in place of an image; the same in every inference. */
export interface RandomInput {
  readonly name: string;
  readonly type: Tensor.Type;
  readonly data: RandomNumbers;
  readonly dims: readonly number[];
}

/**
 * Random numbers for all that a variant is given from outside, its first input first.
 * @throws InputError `input-mismatch` if an input holds no numbers, or is of unknown size
 */
export function randomInputsOf({ input, segments }: VariantPlan): readonly RandomInput[] {
  const made = new Set(segments.flatMap(({ outputs }) => outputs.map(({ name }) => name)));
  const given = new Map<string, ValueView>([[input.name, input]]);
  for (const value of segments.flatMap(({ inputs }) => inputs))
    if (!made.has(value.name) && !given.has(value.name)) given.set(value.name, value);
  const random = seededRandom(1);
  return [...given.values()].map((value): RandomInput => {
    const dims = randomDims(value);
    const count = dims?.reduce((product, dim) => product * dim, 1) ?? 0;
    const data = dims && randomNumbers(value.dataType, count, random);
    if (dims !== null && data !== null)
      return { name: value.name, type: value.dataType as Tensor.Type, data, dims };
    throw new InputError({
      code: 'input-mismatch',
      message: `No random numbers can be made for input ${value.name}: it is ${value.dataType} [${value.shape?.map((dim) => dim ?? '?').join(', ') ?? '?'}].`,
      where: value.name,
    });
  });
}
