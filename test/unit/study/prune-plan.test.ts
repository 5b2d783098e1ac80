import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { makeNode } from '../../../src/onnx/attributes.ts';
import type { NodeCost } from '../../../src/onnx/cost.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { PruneCosts } from '../../../src/study/prune-costs.ts';
import { type PruneCurve, SCANNED_RATIOS } from '../../../src/study/prune-curves.ts';
import { planPruning, pruneQuestions } from '../../../src/study/prune-plan.ts';
import { type PruneSubjects, pruneSubjects, ratiosInRecipe } from '../../../src/study/prune-subjects.ts';
import { type AnalysedModel, analyseModel } from '../../../src/transforms/analyse-model.ts';
import { chooseUnits } from '../../../src/transforms/prune/channels/choose-units.ts';
import { planGroups } from '../../../src/transforms/prune/channels/group-plans.ts';
import { unitImportance } from '../../../src/transforms/prune/channels/importance.ts';
import { pruneChannels } from '../../../src/transforms/prune/channels/prune-channels.ts';
import { costsWithout } from '../../../src/transforms/prune/channels/remove-channels.ts';
import type { StructuredPruneOperator } from '../../../src/transforms/prune/prune-operator.ts';
import { randomNetwork } from '../../fixtures/prune/random-network.ts';
import { modelOf, tensorInfo } from '../../fixtures/run-onnx.ts';

const OPERATOR: StructuredPruneOperator = { op: 'prune', kind: 'structured', ratio: 0.5 };

function subjectsOf(analysed: AnalysedModel, operator = OPERATOR): PruneSubjects {
  return pruneSubjects(analysed, operator, (groups) => unitImportance(analysed, groups, 'l1', 1).scores);
}

const sumOf = (costs: readonly NodeCost[], what: 'macs' | 'params'): number =>
  costs.reduce((sum, cost) => sum + cost[what], 0);

/** Curves where what is lost grows with the share, at a pace of each subject's own. */
function curvesOf({ subjects, unitsLeft }: PruneSubjects): readonly PruneCurve[] {
  return subjects.map((subject, at) => ({
    subject,
    points: SCANNED_RATIOS.toSorted((a, b) => a - b).map((ratio) => {
      const left = unitsLeft(at, ratio);
      const scoresNoise = Math.min(0.9, (1 - left / subject.unitCount) ** 2 * (0.1 + 0.2 * (at % 4)));
      return { unitsLeft: left, macs: 0, params: 0, scoresNoise, scoresDb: 0, agreement: 1, accuracy: null };
    }),
  }));
}

describe('what pruned models cost', () => {
  it.each([1, 2, 3, 4])('seed %i: what the groups tell together, at any levels', (seed) => {
    const analysed = analyseModel(randomNetwork(seed, 24, 'all'));
    const found = subjectsOf(analysed);
    const { groups, subjects, scores } = found;
    expect(subjects.length).toBeGreaterThan(1);
    const ratios = subjects.map(() => [0, 0.25, 0.5, 0.75]);
    const prices = ['macs', 'params'] as const;
    const [macs, params] = prices.map(
      (what) => new PruneCosts(analysed, found, ratios, (_, left) => left[what]),
    );
    const random = seededRandom(seed);
    for (let round = 0; round < 5; round++) {
      const levels = subjects.map(() => Math.floor(4 * random()));
      const own = subjects.map(({ at }, subject) => ({ at, ratio: 0.25 * (levels[subject] ?? 0) }));
      const { plans } = planGroups(analysed, groups, { ...OPERATOR, ratio: 0, groups: own });
      const left = costsWithout(analysed, groups, chooseUnits(groups, plans, scores, 0));
      expect(macs?.total(levels)).toBe(sumOf(left, 'macs'));
      expect(params?.total(levels)).toBe(sumOf(left, 'params'));
      const subject = Math.floor(subjects.length * random());
      const moved = levels.with(subject, 3 - (levels[subject] as number));
      const change = macs?.change(levels, subject, moved[subject] as number);
      expect(change).toBe((macs?.total(moved) ?? 0) - (macs?.total(levels) ?? 0));
    }
  });

  it.each([1, 2, 3])('seed %i: what a scan asks costs what the model does without these channels', (seed) => {
    const analysed = analyseModel(randomNetwork(seed, 24, 'all'));
    const found = subjectsOf(analysed);
    const { questions, whole } = pruneQuestions(analysed, found);
    expect(whole).toEqual({ macs: sumOf(analysed.costs, 'macs'), params: sumOf(analysed.costs, 'params') });
    expect(new Set(questions.map(({ subject, unitsLeft }) => `${subject} ${unitsLeft}`)).size).toBe(
      questions.length,
    );
    for (const { subject, ratio, unitsLeft, macs, params } of questions) {
      const kept = found.keptWithout(subject, ratio);
      const left = costsWithout(analysed, found.groups, kept);
      expect([macs, params]).toEqual([sumOf(left, 'macs'), sumOf(left, 'params')]);
      expect(kept.filter((stays) => stays === 0).length).toBe(
        (found.subjects[subject]?.unitCount ?? 0) - unitsLeft,
      );
    }
  });
});

describe('a plan', () => {
  it.each([
    [1, 'macs', {}],
    [2, 'params', {}],
    [3, 'bytes', { roundTo: 4 }],
    [4, 'latency', { minChannels: 3 }],
  ] as const)(
    'seed %i: is a recipe that comes to what the plan says, within its target of %s',
    (seed, kind, more) => {
      const analysed = analyseModel(randomNetwork(seed, 24, 'all'));
      const operator = { ...OPERATOR, ...more };
      const found = subjectsOf(analysed, operator);
      const nodeMs = new Map(
        analysed.model.graph.nodes.map(({ outputs }, at) => [outputs[0] as string, 1 + (at % 3)]),
      );
      const plan = planPruning(analysed, found, operator, curvesOf(found), { kind, share: 0.7 }, nodeMs);
      expect(plan.isReached).toBe(true);
      const of = kind === 'latency' ? 'ms' : kind;
      expect((plan.left[of] ?? 0) / (plan.whole[of] ?? 1)).toBeLessThanOrEqual(0.7);
      expect((plan.left[of] ?? 0) / (plan.whole[of] ?? 1)).toBeGreaterThan(0.4);
      const { costs } = pruneChannels(analysed, plan.operator, 'build').analysed;
      expect(sumOf(costs, 'macs')).toBe(plan.left.macs);
      expect(sumOf(costs, 'params')).toBe(plan.left.params);
    },
  );

  it('leaves whole what was not looked at, and does what it can', () => {
    const analysed = analyseModel(randomNetwork(1, 24, 'all'));
    const found = subjectsOf(analysed);
    const [first] = curvesOf(found);
    const plan = planPruning(
      analysed,
      found,
      OPERATOR,
      first ? [first] : [],
      { kind: 'macs', share: 0.1 },
      null,
    );
    expect(plan.isReached).toBe(false);
    expect(plan.operator.groups?.map(({ at }) => at)).toEqual([first?.subject.at]);
    expect(plan.left.ms).toBeNull();
  });

  it('names groups so that no other is meant', () => {
    const weights = (count: number) => Float32Array.from({ length: count }, (_, at) => Math.sin(at));
    const model = modelOf({
      inputs: [tensorInfo('image', [1, 3, 4, 4])],
      outputs: [tensorInfo('classes', [1, 2, 4, 4])],
      initializers: [
        floatTensor('w1', [8, 3, 1, 1], weights(24)),
        floatTensor('w2', [16, 8, 1, 1], weights(128)),
        floatTensor('w3', [4, 16, 1, 1], weights(64)),
        floatTensor('w4', [2, 4, 1, 1], weights(8)),
      ],
      nodes: [
        makeNode('Conv', ['image', 'w1'], ['a'], [], { name: 'Conv' }),
        makeNode('Conv', ['a', 'w2'], ['b'], [], { name: 'b*' }),
        makeNode('Conv', ['b', 'w3'], ['b3'], [], { name: 'third' }),
        makeNode('Conv', ['b3', 'w4'], ['classes'], [], { name: 'last' }),
      ],
    });
    const analysed = analyseModel(model);
    const found = subjectsOf(analysed);
    expect(found.subjects.map(({ at, unitCount }) => [at, unitCount])).toEqual([
      ['a', 8],
      ['b', 16],
      ['third', 4],
    ]);
    const groups = ratiosInRecipe(found.subjects, [2, 11, 0]);
    expect(groups.map(({ ratio }) => ratio)).toEqual([0.25, 0.68]);
    const { plans } = planGroups(analysed, found.groups, { ...OPERATOR, ratio: 0, groups });
    expect(plans.map(({ ratio }) => ratio)).toEqual([0.25, 0.68, 0]);
  });
});
