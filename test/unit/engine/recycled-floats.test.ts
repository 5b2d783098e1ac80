import { describe, expect, test } from 'vitest';
import { recycledFloats } from '../../../src/engine/recycled-floats.ts';

describe('recycled floats', () => {
  const made = (lengths: readonly number[]) => () =>
    Promise.resolve(lengths.map((length) => new Float32Array(length)));

  test('what was given back is made again, each once, and nothing else', async () => {
    const floats = recycledFloats();
    const first = await floats.during(made([3, 3, 5]));
    expect(first.map(({ length }) => length)).toEqual([3, 3, 5]);
    first[0]?.fill(7);
    floats.giveBack(first);
    const second = await floats.during(made([5, 3, 3, 3, 4]));
    expect(new Set(second.slice(0, 3))).toEqual(new Set(first));
    expect(second.slice(3)).toEqual([new Float32Array(3), new Float32Array(4)]);
    expect(second.every((each) => each instanceof Float32Array)).toBe(true);
    floats.giveBack(first);
    floats.giveBack([]);
    const [third] = await floats.during(made([3]));
    expect(first, 'what found no use is let go').not.toContain(third);
  });

  test('other ways to make arrays, and other times, are left alone', async () => {
    const Native = Float32Array;
    const floats = recycledFloats();
    const used = new Float32Array(2);
    floats.giveBack([used]);
    const made = await floats.during(() =>
      Promise.resolve([new Float32Array([2]), new Float32Array(used.buffer)]),
    );
    expect(made.some((each) => each === used)).toBe(false);
    expect(made.map((each) => [...each])).toEqual([[2], [0, 0]]);
    expect(globalThis.Float32Array).toBe(Native);
    await expect(floats.during(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
    expect(globalThis.Float32Array).toBe(Native);
    expect(new Float32Array(2)).not.toBe(used);
  });
});
