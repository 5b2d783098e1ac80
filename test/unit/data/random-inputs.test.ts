import { Tensor } from 'onnxruntime-node';
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { randomDims, randomNumbers, takesRandomInputs } from '../../../src/data/random-inputs.ts';
import { type ValueName, valueName } from '../../../src/onnx/model.ts';

const x = valueName('x');

const types = 'float32 float64 float16 uint8 int8 uint16 int16 int32 uint32 int64 uint64 bool'.split(' ');

test.each(types as Tensor.Type[])(
  'numbers of type %s are what the runtime takes, the same each time',
  (type) => {
    const data = randomNumbers(type, 6, seededRandom(3));
    if (data === null) throw new Error(`none for ${type}`);
    expect(new Tensor(type, data, [2, 3]).size).toBe(6);
    expect(randomNumbers(type, 6, seededRandom(3))).toEqual(data);
    expect(new Set(Array.from(data as ArrayLike<number | bigint>, Number)).size).toBeGreaterThan(1);
  },
);

test('text has none, nor has what is of unknown or unreasonable size', () => {
  expect(randomNumbers('string', 6, seededRandom(3))).toBeNull();
  const takes = (dataType: string, shape: readonly (number | null)[] | null) =>
    takesRandomInputs({
      inputs: [x],
      values: new Map<ValueName, { name: ValueName; dataType: string; shape: typeof shape; bytes: null }>([
        [x, { name: x, dataType, shape, bytes: null }],
      ]),
    });
  expect(takes('float32', [1, 4])).toBe(true);
  expect(takes('int64', [])).toBe(true);
  expect(takes('string', [1, 4])).toBe(false);
  expect(takes('float32', [1, null])).toBe(false);
  expect(takes('float32', null)).toBe(false);
  expect(takes('float32', [1e6, 1e6])).toBe(false);
  expect(takesRandomInputs({ inputs: [], values: new Map() })).toBe(false);
  expect(randomDims({ name: x, dataType: 'int64', shape: ['N', 'n'], counted: [1, 9], bytes: 72 })).toEqual([
    1, 9,
  ]);
});
