import { describe, expect, it } from 'vitest';
import { makeInts, makeNode } from '../../../../../src/onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../../../../src/onnx/make-model.ts';
import type { Model } from '../../../../../src/onnx/model.ts';
import { floatTensor } from '../../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import type {
  ChannelGroups,
  ChannelPlace,
} from '../../../../../src/transforms/prune/channels/channel-group.ts';
import { distancesToOthers } from '../../../../../src/transforms/prune/channels/filter-distances.ts';
import {
  unitImportance,
  type WeightImportance,
} from '../../../../../src/transforms/prune/channels/importance.ts';

const wave = (name: string, dims: readonly number[], phase: number) =>
  floatTensor(
    name,
    dims,
    Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, (_, at) => Math.sin(7 * at + phase)),
  );

/** Conv [3, 2, 3, 3] with a bias, batch normalization, Conv [4, 3, 1, 1]; one group of three channels. */
const weights = [wave('w', [3, 2, 3, 3], 1), wave('b', [3], 2), wave('v', [4, 3, 1, 1], 3)];
const scale = floatTensor('scale', [3], Float32Array.of(-0.5, 2, 0.25));
const model: Model = makeModel({
  name: 'two layers',
  nodes: [
    makeNode('Conv', ['x', 'w', 'b'], ['a'], [makeInts('pads', [1, 1, 1, 1])]),
    makeNode('BatchNormalization', ['a', 'scale', 'b', 'b', 'var'], ['n']),
    makeNode('Conv', ['n', 'v'], ['y']),
  ],
  initializers: [...weights, scale, floatTensor('var', [3], Float32Array.of(1, 1, 1))],
  inputs: [tensorInfo('x', [1, 2, 5, 5])],
  outputs: [tensorInfo('y', [1, 4, 5, 5])],
});
const units = Int32Array.of(0, 1, 2);
const weight = (name: string, axis: number, role: ChannelPlace['role'], node: number): ChannelPlace => ({
  kind: 'weight',
  name,
  axis,
  units,
  role,
  node,
});
const places = [
  weight('w', 0, 'makes', 0),
  weight('b', 0, 'follows', 0),
  weight('scale', 0, 'follows', 1),
  weight('b', 0, 'follows', 1),
  weight('v', 1, 'reads', 2),
];
const groupsOf = (own: readonly ChannelPlace[]): ChannelGroups => ({
  groups: [{ name: 'first', firstUnit: 0, unitCount: 3, places: own, kept: null }],
  places: own,
  unitCount: 3,
});

const analysed = analyseModel(model);
const scoresBy = (importance: WeightImportance, own = places, seed = 1): number[] => [
  ...unitImportance(analysed, groupsOf(own), importance, seed).scores,
];
const relative = (values: readonly number[]): number[] => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value / mean);
};
const expectNear = (found: readonly number[], wanted: readonly number[]): void => {
  expect(found).toHaveLength(wanted.length);
  wanted.forEach((value, at) => expect(found[at]).toBeCloseTo(value, 6));
};

/** The values of a channel, along an axis of a tensor made by `wave`. */
function channelOf(dims: readonly number[], axis: number, phase: number, channel: number): number[] {
  const stride = dims.slice(axis + 1).reduce((a, b) => a * b, 1);
  const count = dims.reduce((a, b) => a * b, 1);
  return Array.from({ length: count }, (_, at) => at)
    .filter((at) => Math.floor(at / stride) % (dims[axis] as number) === channel)
    .map((at) => Math.fround(Math.sin(7 * at + phase)));
}
const filters = [0, 1, 2].map((channel) => channelOf([3, 2, 3, 3], 0, 1, channel));
const columns = [0, 1, 2].map((channel) => channelOf([4, 3, 1, 1], 1, 3, channel));
const gammas = [0.5, 2, 0.25];
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe("channels' importance", () => {
  it.each([
    ['l1', (value: number) => Math.abs(value)],
    ['l2', (value: number) => value * value],
  ] as const)(
    'by %s: filters, inputs of the next layer and scales, the mean of these; no biases',
    (name, power) => {
      const wanted = [0, 1, 2].map(
        (at) =>
          (sum((filters[at] as number[]).map(power)) +
            sum((columns[at] as number[]).map(power)) +
            power(gammas[at] as number)) /
          3,
      );
      expectNear(scoresBy(name), relative(wanted));
    },
  );

  it('by scales of batch normalizations, whatever their sign', () => {
    expectNear(scoresBy('batch-norm'), relative(gammas));
  });

  it('by absolute weights where there is no batch normalization, and says so', () => {
    const folded = places.filter(({ node }) => node !== 1);
    const { scores, without } = unitImportance(analysed, groupsOf(folded), 'batch-norm', 1);
    expect(without.map(({ name }) => name)).toEqual(['first']);
    expectNear([...scores], scoresBy('l1', folded));
  });

  it('by distance to the other filters', () => {
    const distance = (one: readonly number[], other: readonly number[]): number =>
      Math.hypot(...one.map((value, at) => value - (other[at] as number)));
    expectNear(
      scoresBy('geometric-median'),
      relative(filters.map((one) => sum(filters.map((other) => distance(one, other))))),
    );
    const made = [weight('v', 1, 'makes', 2)];
    expectNear(
      scoresBy('geometric-median', made),
      relative(columns.map((one) => sum(columns.map((other) => distance(one, other))))),
    );
  });

  it('by distance, in wide layers to some of the others: those in the middle are near them', () => {
    const width = 600;
    // Filters along a line: the sum of distances is least in its middle.
    const line = Float32Array.from({ length: 3 * width }, (_, at) => Math.floor(at / 3) + (at % 3));
    const sums = distancesToOthers(line, 1, width, 3);
    expect(Math.abs(sums.indexOf(Math.min(...sums)) - width / 2)).toBeLessThan(5);
    expect([...sums.subarray(width / 2 + 5)]).toEqual(
      [...sums.subarray(width / 2 + 5)].toSorted((a, b) => a - b),
    );
  });

  it('by chance: the same for a seed, another for another', () => {
    expect(scoresBy('random')).toEqual(scoresBy('random'));
    expect(scoresBy('random', places, 2)).not.toEqual(scoresBy('random'));
  });

  it('adds what a unit has several of, as heads and flattened channels do', () => {
    const flat: ChannelPlace = { ...weight('w', 2, 'reads', 2), units: Int32Array.of(0, 0, 1) };
    const rows = [0, 1, 2].map((row) => sum(channelOf([3, 2, 3, 3], 2, 1, row).map(Math.abs)));
    const [first = 0, second = 0, third = 0] = rows;
    expectNear(scoresBy('l1', [flat]), relative([first + second, third, 0]));
  });

  it('ranks channels without finite weights as the last to go', () => {
    const broken = floatTensor('v', [4, 3, 1, 1], new Float32Array(12).fill(1));
    new Float32Array((broken.data as { bytes: Uint8Array<ArrayBuffer> }).bytes.buffer)[1] = Number.NaN;
    const initializers = model.graph.initializers.map((tensor) => (tensor.name === 'v' ? broken : tensor));
    const bad = analyseModel({ ...model, graph: { ...model.graph, initializers } });
    const { scores } = unitImportance(bad, groupsOf([weight('v', 1, 'reads', 2)]), 'l1', 1);
    expect([...scores]).toEqual([1, Number.POSITIVE_INFINITY, 1]);
  });
});
