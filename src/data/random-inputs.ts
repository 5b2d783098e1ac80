import type { Random } from '../base/random.ts';
import type { GraphView, ValueView } from '../onnx/graph-view.ts';

/** What somebody who reads the numbers should know. */
export const RANDOM_INPUTS_NOTE = 'Measured with random inputs: latency and size only, no accuracy.';

/** Numbers of an input's type; float16 as its bits. */
export type RandomNumbers =
  | Float32Array<ArrayBuffer>
  | Float64Array<ArrayBuffer>
  | Uint16Array<ArrayBuffer>
  | Int16Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | BigInt64Array<ArrayBuffer>
  | BigUint64Array<ArrayBuffer>;

/** More than any device has memory for. */
const mostElements = 2 ** 28;

/** Whether random numbers can stand in for all that a model wants: tensors of numbers, of sizes that are counted. */
export function takesRandomInputs({ inputs, values }: Pick<GraphView, 'inputs' | 'values'>): boolean {
  return (
    inputs.length > 0 &&
    inputs.every((name) => {
      const value = values.get(name);
      return value !== undefined && makers.has(value.dataType) && randomDims(value) !== null;
    })
  );
}

/** The dimensions that an input is given; null if some are not known. */
export function randomDims({ shape, counted = shape }: ValueView): readonly number[] | null {
  const dims = counted?.flatMap((dim) => (typeof dim === 'number' ? [dim] : [])) ?? null;
  if (dims === null || dims.length !== counted?.length) return null;
  return dims.reduce((product, dim) => product * dim, 1) <= mostElements ? dims : null;
}

/**
 * Random numbers for an input: floats from -1 to 1, and 0 or 1 where they are integers, for these may be positions in
 * a table.
 * @returns null if the type holds no numbers
 */
export function randomNumbers(dataType: string, count: number, random: Random): RandomNumbers | null {
  return makers.get(dataType)?.(count, random) ?? null;
}

const bit = (random: Random): number => (random() < 0.5 ? 0 : 1);
const real = (random: Random): number => 2 * random() - 1;
const halfOne = 0x3c00;
const signBit = 0x8000;

const makers: ReadonlyMap<string, (length: number, random: Random) => RandomNumbers> = new Map<
  string,
  (length: number, random: Random) => RandomNumbers
>([
  ['float32', (length, random) => Float32Array.from({ length }, () => real(random))],
  ['float64', (length, random) => Float64Array.from({ length }, () => real(random))],
  // 1 or -1: nothing else is gained by other halves.
  ['float16', (length, random) => Uint16Array.from({ length }, () => halfOne + signBit * bit(random))],
  ['uint8', (length, random) => Uint8Array.from({ length }, () => bit(random))],
  ['int8', (length, random) => Int8Array.from({ length }, () => bit(random))],
  ['uint16', (length, random) => Uint16Array.from({ length }, () => bit(random))],
  ['int16', (length, random) => Int16Array.from({ length }, () => bit(random))],
  ['int32', (length, random) => Int32Array.from({ length }, () => bit(random))],
  ['uint32', (length, random) => Uint32Array.from({ length }, () => bit(random))],
  ['int64', (length, random) => BigInt64Array.from({ length }, () => BigInt(bit(random)))],
  ['uint64', (length, random) => BigUint64Array.from({ length }, () => BigInt(bit(random)))],
  ['bool', (length, random) => Uint8Array.from({ length }, () => bit(random))],
]);
