import { describe, expect, it } from 'vitest';
import { openModelArgument } from '../../../../../src/cli/open-model-argument.ts';
import { analyseModel } from '../../../../../src/transforms/analyse-model.ts';
import { untilChannelsGo } from '../../../../../src/transforms/order-of-effect.ts';
import {
  choiceForGroup,
  type GroupChoice,
  type GroupView,
  groupViews,
  withGroupChoice,
} from '../../../../../src/transforms/prune/channels/group-view.ts';
import { pruneChannels } from '../../../../../src/transforms/prune/channels/prune-channels.ts';
import type { StructuredPruneOperator } from '../../../../../src/transforms/prune/prune-operator.ts';
import type { Recipe } from '../../../../../src/transforms/recipe.ts';

const analysed = analyseModel(openModelArgument('sample').model);
const half: StructuredPruneOperator = { op: 'prune', kind: 'structured', ratio: 0.5 };
const views = (operator: StructuredPruneOperator | null): readonly GroupView[] =>
  groupViews(analysed, operator);
const [first, second] = views(half).filter(({ plan }) => plan !== null) as [GroupView, GroupView];
const idOf = (all: readonly GroupView[], { id }: GroupView) =>
  all.find((each) => each.id === id) as GroupView;

describe('a group as people see it', () => {
  it('tells every node by a value of the model, its layer among them, and has an id of its own', () => {
    const made = new Set(analysed.model.graph.nodes.flatMap(({ outputs }) => outputs));
    const all = views(null);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { nodes, plan } of all) {
      expect([...nodes.keys()].filter((name) => !made.has(name))).toEqual([]);
      expect([...nodes.values()]).toContain('makes');
      expect(plan).toBeNull();
    }
  });

  it('loses as many units as the model that is made', () => {
    const after = groupViews(pruneChannels(analysed, half, 'build').analysed, null);
    for (const before of views(half)) {
      const left = before.plan?.kind === 'pruned' ? before.plan.unitsLeft : before.unitCount;
      expect(idOf(after, before).unitCount).toBe(left);
    }
  });

  it('says why it is kept, and has no plan then', () => {
    const kept = views(half).filter((group) => group.kept !== null);
    expect(kept.length).toBeGreaterThan(0);
    for (const { plan, kept: reason } of kept) {
      expect(plan).toBeNull();
      expect(reason?.message).not.toBe('');
    }
  });

  it('is protected where a layer of it is', () => {
    const all = views({ ...half, protect: ['first'] });
    expect(idOf(all, first).plan).toEqual({ kind: 'protected' });
    expect(choiceForGroup(idOf(all, first).plan)).toBeNull();
  });
});

describe('a choice for a group', () => {
  it.each<GroupChoice>(['usual', 0, 0.25])(
    '%s is there once it is made, and going back leaves nothing',
    (choice) => {
      const chosen = withGroupChoice(half, views(half), second, choice);
      expect(choiceForGroup(idOf(views(chosen), second).plan)).toBe(choice);
      expect(choiceForGroup(idOf(views(chosen), first).plan)).toBe('usual');
      const again = withGroupChoice(chosen, views(chosen), idOf(views(chosen), second), 'usual');
      expect(again).toEqual(half);
    },
  );

  it('wins over a pattern that means others, too, which keep what it says', () => {
    const ruling = { ...half, groups: [{ at: 'Conv', ratio: 0.1 }] };
    const chosen = withGroupChoice(ruling, views(ruling), idOf(views(ruling), second), 'usual');
    expect(choiceForGroup(idOf(views(chosen), second).plan)).toBe(0.5);
    expect(choiceForGroup(idOf(views(chosen), first).plan)).toBe(0.1);
  });
});

it('channels go after blocks are skipped and before exits are trained, whatever the order', () => {
  const skip = { op: 'early-exit', kind: 'skip', blocks: 1 } as const;
  const recipe: Recipe = [
    { op: 'early-exit', kind: 'trained', at: ['a'], threshold: 0.5 } as Recipe[number],
    { op: 'prune', kind: 'unstructured', ratio: 0.5 },
    half,
    skip,
  ];
  expect(untilChannelsGo(recipe)).toEqual({ before: [skip, recipe[1]], operator: half });
  expect(untilChannelsGo([{ ...half, ratio: 0 }]).operator?.ratio).toBe(0);
});
