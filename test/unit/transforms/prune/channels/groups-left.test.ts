import { expect, it } from 'vitest';
import { makeInt, makeInts, makeNode } from '../../../../../src/onnx/attributes.ts';
import { elementCount, floatTensor } from '../../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import { channelGroups } from '../../../../../src/transforms/prune/channels/channel-groups.ts';
import { groupsLeft } from '../../../../../src/transforms/prune/channels/groups-left.ts';
import { pruneChannels } from '../../../../../src/transforms/prune/channels/prune-channels.ts';
import { removeChannels } from '../../../../../src/transforms/prune/channels/remove-channels.ts';
import type { StructuredPruneOperator } from '../../../../../src/transforms/prune/prune-operator.ts';
import { keptShare } from '../../../../fixtures/planted-channels.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../../fixtures/run-onnx.ts';

/** Four groups of five channels become thinner; of three channels they would go as a whole. */
const grouped = analyseModel(
  modelOf({
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['a']),
      makeNode('Conv', ['a', 'w2'], ['b'], [makeInt('group', 4), makeInts('pads', [1, 1, 1, 1])]),
      makeNode('Concat', ['b', 'a'], ['c'], [makeInt('axis', 1)]),
      makeNode('Conv', ['c', 'w3'], ['y']),
    ],
    initializers: (
      [
        ['w1', [20, 3, 1, 1]],
        ['w2', [20, 5, 3, 3]],
        ['w3', [6, 40, 1, 1]],
      ] as const
    ).map(([name, dims]) =>
      floatTensor(
        name,
        dims,
        Float32Array.from({ length: elementCount(dims) }, (_, at) => Math.sin(3 * at)),
      ),
    ),
    inputs: [tensorInfo('x', [1, 3, 4, 4])],
    outputs: [tensorInfo('y', null)],
    opset: 17,
  }),
);

it('are those of what is left: every axis has as many indices as its units', () => {
  const groups = channelGroups(grouped);
  const kept = keptShare(groups, 0.6);
  const left = groupsLeft(groups, kept);
  const removed = removeChannels(grouped, groups, kept);
  expect(left.groups.map(({ unitCount }) => unitCount)).toEqual([3, 3, 6]);
  for (const { kind, name, axis, units } of left.places) {
    const known = kind === 'weight' ? removed.index.initializers.get(name)?.dims : undefined;
    const dims = known ?? removed.counted.get(name as never)?.shape;
    expect([name, axis, dims?.[axis]]).toEqual([name, axis, units.length]);
    expect(units.every((unit) => unit < left.unitCount)).toBe(true);
  }
});

it('lose in steps what they lose at once, though found anew they would be others', async () => {
  const operator: StructuredPruneOperator = { op: 'prune', kind: 'structured', ratio: 0.6 };
  const paramsOf = (steps: number): number =>
    pruneChannels(grouped, { ...operator, steps }, 'build').analysed.costs.reduce(
      (sum, { params }) => sum + params,
      0,
    );
  expect(paramsOf(3)).toBe(paramsOf(1));
  const { analysed } = pruneChannels(grouped, { ...operator, steps: 3 }, 'build');
  const found = await runModel(analysed.model, { x: feed([1, 3, 4, 4]) });
  expect(found.get('y')?.dims).toEqual([1, 6, 4, 4]);
});
