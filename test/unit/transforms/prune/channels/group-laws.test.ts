import { describe, expect, test } from 'vitest';
import { seededRandom } from '../../../../../src/base/random.ts';
import { type Model, type Tensor, valueName } from '../../../../../src/onnx/model.ts';
import { inferFacts } from '../../../../../src/onnx/shape-inference.ts';
import { floatTensor, tensorFloats } from '../../../../../src/onnx/tensor.ts';
import { type AnalysedModel, analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import type { ChannelGroups } from '../../../../../src/transforms/prune/channels/channel-group.ts';
import { channelGroups } from '../../../../../src/transforms/prune/channels/channel-groups.ts';
import { removeChannels } from '../../../../../src/transforms/prune/channels/remove-channels.ts';
import { randomNetwork } from '../../../../fixtures/prune/random-network.ts';
import { scrambled } from '../../../../fixtures/prune/scrambled-network.ts';
import { feed, runModel } from '../../../../fixtures/run-onnx.ts';

/** Units that stay: of every group that may lose some about half, and of every axis something. */
function randomlyKept({ groups, places, unitCount }: ChannelGroups, seed: number): Uint8Array {
  const random = seededRandom(seed);
  const kept = Uint8Array.from({ length: unitCount }, () => (random() < 0.5 ? 1 : 0));
  for (const { firstUnit, unitCount: count, kept: reason } of groups) {
    if (reason) kept.fill(1, firstUnit, firstUnit + count);
  }
  for (const { units } of places) {
    if (!units.some((unit) => unit < 0 || kept[unit] === 1)) kept[units[0] as number] = 1;
  }
  return kept;
}

/** The model with every weight zero that a layer reads channels with that go. */
function withoutReaders(analysed: AnalysedModel, { places }: ChannelGroups, kept: Uint8Array): Model {
  const { model } = analysed;
  const initializers = model.graph.initializers.map((tensor): Tensor => {
    const reading = places.filter(({ name, role }) => name === tensor.name && role === 'reads');
    if (reading.length === 0) return tensor;
    const values = Float32Array.from(tensorFloats(tensor));
    for (const { axis, units } of reading) {
      const inner = tensor.dims.slice(axis + 1).reduce((product, size) => product * size, 1);
      values.forEach((_, at) => {
        const unit = units[Math.floor(at / inner) % units.length] as number;
        if (unit >= 0 && kept[unit] === 0) values[at] = 0;
      });
    }
    return floatTensor(tensor.name, tensor.dims, values);
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

async function classesOf(model: Model): Promise<number[]> {
  const image = feed([1, 3, 4, 4], (at) => Math.sin(at));
  const outputs = await runModel(model, { image });
  return Array.from(outputs.get('classes')?.data as Float32Array);
}

describe('groups of random networks', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    'seed %i: every index of every axis is in one unit of one group at most',
    (seed) => {
      const analysed = analyseModel(randomNetwork(seed, 60, 'all'));
      const { groups, places, unitCount } = channelGroups(analysed);
      const unitsOf = new Map<string, readonly number[]>();
      for (const { kind, name, axis, units } of places) {
        const key = JSON.stringify([kind, name, axis]);
        expect(unitsOf.get(key) ?? [...units], key).toEqual([...units]);
        unitsOf.set(key, [...units]);
        const dims = analysed.counted.get(valueName(name))?.shape;
        expect(units.length, key).toBe(dims?.[axis]);
      }
      let next = 0;
      for (const group of groups) {
        expect(group.firstUnit).toBe(next);
        expect(group.unitCount).toBeGreaterThan(0);
        next += group.unitCount;
        const isOwn = (unit: number) => unit >= group.firstUnit && unit < next;
        expect(group.places).toEqual(places.filter(({ units }) => units.some(isOwn)));
        expect(new Set(group.places.flatMap(({ units }) => [...units].filter(isOwn))).size).toBe(
          group.unitCount,
        );
      }
      expect(next).toBe(unitCount);
    },
  );

  test.each([11, 12, 13, 14, 15, 16])(
    'seed %i: what is left without any of their units is consistent, and runs',
    async (seed) => {
      const analysed = analyseModel(randomNetwork(seed, 40, 'all'));
      const groups = channelGroups(analysed);
      const left = removeChannels(analysed, groups, randomlyKept(groups, seed));
      const { facts, warnings } = inferFacts(left.model);
      expect(warnings).toEqual([]);
      for (const [name, { shape }] of left.shapes) {
        if (facts.has(name)) expect([name, facts.get(name)?.shape]).toEqual([name, shape]);
      }
      const classes = await classesOf(left.model);
      expect(classes.filter(Number.isFinite)).toHaveLength(5);
    },
  );

  test.each([21, 22, 23, 24, 25, 26, 27, 28])(
    'seed %i: channels that no layer reads can go, and nothing changes',
    async (seed) => {
      const analysed = analyseModel(randomNetwork(seed, 25, 'carrying'));
      const groups = channelGroups(analysed);
      const kept = randomlyKept(groups, seed);
      const deaf = withoutReaders(analysed, groups, kept);
      const before = await classesOf(deaf);
      const after = await classesOf(removeChannels(analyseModel(deaf), groups, kept).model);
      expect(kept).toContain(0);
      const scale = Math.max(...before.map(Math.abs));
      for (const [at, score] of after.entries())
        expect(Math.abs(score - (before[at] ?? 0)) / scale).toBeLessThan(1e-4);
    },
  );

  test('files that contradict themselves have groups, too: as long as their axes are', () => {
    for (let seed = 1; seed <= 40; seed++) {
      const model = scrambled(randomNetwork(seed, 15, 'all'), seededRandom(seed));
      const analysed = analyseModel(model);
      for (const { name, axis, units } of channelGroups(analysed).places) {
        expect(analysed.counted.get(valueName(name))?.shape?.[axis]).toBe(units.length);
      }
    }
  });
});
