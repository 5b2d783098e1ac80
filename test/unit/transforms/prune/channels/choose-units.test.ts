import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseUnits } from '../../../../../src/transforms/prune/channels/choose-units.ts';
import type { GroupPlan } from '../../../../../src/transforms/prune/channels/group-plans.ts';

function plansOf(parts: readonly (Partial<GroupPlan> & { readonly units: number })[]): GroupPlan[] {
  let firstUnit = 0;
  return parts.map(({ units, ...plan }, at) => {
    const group = { name: `g${at}`, firstUnit, unitCount: units, places: [], kept: null };
    firstUnit += units;
    return { ratio: 0.5, channelsPerUnit: 1, minUnits: 1, multipleOf: 1, ...plan, group };
  });
}
const leftOf = ({ group }: GroupPlan, kept: Uint8Array): number =>
  kept.subarray(group.firstUnit, group.firstUnit + group.unitCount).reduce((sum, stays) => sum + stays, 0);
const choose = (plans: readonly GroupPlan[], scores: readonly number[], ratio = 0.5): Uint8Array =>
  chooseUnits({ places: [], unitCount: scores.length }, plans, Float64Array.from(scores), ratio);

describe('choosing channels', () => {
  it('removes of each group the share asked for, the least worth first, of equal ones the earlier', () => {
    const kept = choose(plansOf([{ units: 4 }, { units: 5, ratio: 0.25 }]), [3, 1, 2, 4, 1, 1, 1, 1, 1]);
    expect([...kept]).toEqual([1, 0, 0, 1, 0, 0, 1, 1, 1]);
  });

  it('never empties a group, and rounds what is left up to multiples', () => {
    const scores = [1, 2, 3];
    expect([...choose(plansOf([{ units: 3, ratio: 0.99 }]), scores)]).toEqual([0, 0, 1]);
    expect([...choose(plansOf([{ units: 3, ratio: 0.99, minUnits: 2 }]), scores)]).toEqual([0, 1, 1]);
    expect([...choose(plansOf([{ units: 3, ratio: 0.5, multipleOf: 2 }]), scores)]).toEqual([0, 1, 1]);
    // There is no smaller multiple.
    expect([...choose(plansOf([{ units: 3, ratio: 0.5, multipleOf: 8 }]), scores)]).toEqual([1, 1, 1]);
  });

  it('means whole numbers where shares are not exact', () => {
    const [plan] = plansOf([{ units: 10, ratio: 0.9 }]) as [GroupPlan];
    expect(leftOf(plan, choose([plan], [...Array(10).keys()]))).toBe(1);
  });

  it('ranks groups together, down to the least of each, beside groups with a ratio of their own', () => {
    const plans = plansOf([{ units: 4, ratio: null }, { units: 4, ratio: null, minUnits: 2 }, { units: 2 }]);
    const kept = choose(plans, [5, 6, 7, 8, 1, 2, 3, 4, 0, 0]);
    expect([...kept]).toEqual([0, 0, 1, 1, 0, 0, 1, 1, 0, 1]);
  });

  it('counts channels, of which some units hold several', () => {
    const plans = plansOf([
      { units: 2, ratio: null, channelsPerUnit: 4 },
      { units: 8, ratio: null },
    ]);
    // Eight of sixteen channels: the first unit is four, and four others follow.
    expect([...choose(plans, [1, 3, 2, 2, 2, 2, 2, 2, 2, 2])]).toEqual([0, 1, 0, 0, 0, 0, 1, 1, 1, 1]);
  });

  it('takes as much of each layer, though some hold but a part of a group', () => {
    const [plan] = plansOf([{ units: 8 }]) as [GroupPlan];
    const weight = { kind: 'weight', name: 'w', axis: 0, role: 'makes', node: 0 } as const;
    const places = [
      { ...weight, units: Int32Array.from([0, 1, 2, 3, 4, 5, 6, 7]) },
      { ...weight, units: Int32Array.from([0, 1, 2, 3]) },
    ];
    const scores = Float64Array.of(1, 2, 3, 4, 5, 6, 7, 8);
    const group = { places, unitCount: 8 };
    const half = { ...plan, group: { ...plan.group, places } };
    expect([...chooseUnits(group, [half], scores, 0.5)]).toEqual([0, 0, 1, 1, 0, 0, 1, 1]);
    // Two of each layer by three quarters, but two remain in multiples of two.
    const most = { ...half, ratio: 0.75, multipleOf: 2 };
    expect([...chooseUnits(group, [most], scores, 0.75)]).toEqual([0, 0, 1, 1, 0, 0, 0, 0]);
  });

  it('leaves something of each axis, though it holds but a part of a group', () => {
    const plans = plansOf([{ units: 6 }]);
    const scores = Float64Array.of(1, 2, 0, 3, 4, 5);
    const place = { kind: 'value', name: 'half', axis: 1, role: 'makes', node: 0 } as const;
    const places = [{ ...place, units: Int32Array.of(0, 1, 2) }];
    expect([...chooseUnits({ places, unitCount: 6 }, plans, scores, 0.5)]).toEqual([0, 1, 0, 1, 1, 1]);
    const open = [{ ...place, units: Int32Array.of(0, 1, -1) }];
    expect([...chooseUnits({ places: open, unitCount: 6 }, plans, scores, 0.5)]).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it('goes on in steps from what there was at first', () => {
    const [plan] = plansOf([{ units: 6, ratio: 0.5 }]) as [GroupPlan];
    const kept = chooseUnits({ places: [], unitCount: 6 }, [plan], new Float64Array(6), 0.5, () => 8);
    expect(leftOf(plan, kept)).toBe(4);
  });

  it('leaves as many as wanted, whatever the scores', () => {
    const groups = fc.array(
      fc.record({
        units: fc.integer({ min: 1, max: 20 }),
        ratio: fc.double({ min: 0, max: 0.99, noNaN: true }),
        minUnits: fc.integer({ min: 1, max: 4 }),
        multipleOf: fc.integer({ min: 1, max: 8 }),
        isRankedWithOthers: fc.boolean(),
      }),
      { minLength: 1, maxLength: 5 },
    );
    fc.assert(
      fc.property(groups, fc.array(fc.double(), { minLength: 100, maxLength: 100 }), (parts, scores) => {
        const plans = plansOf(
          parts.map(({ isRankedWithOthers, ...part }) => ({
            ...part,
            ratio: isRankedWithOthers ? null : part.ratio,
          })),
        );
        const safe = scores.map((score) => (Number.isNaN(score) ? 0 : score));
        const kept = choose(plans, safe);
        for (const plan of plans) {
          const left = leftOf(plan, kept);
          const { unitCount } = plan.group;
          expect(left).toBeGreaterThanOrEqual(Math.min(unitCount, plan.minUnits));
          expect(left === unitCount || left % plan.multipleOf === 0).toBe(true);
          const scoreOf = (unit: number): number => safe[plan.group.firstUnit + unit] as number;
          const units = [...Array(unitCount).keys()];
          const [stay, go] = [1, 0].map((state) =>
            units.filter((unit) => kept[plan.group.firstUnit + unit] === state).map(scoreOf),
          ) as [number[], number[]];
          expect(Math.max(...go, -Infinity)).toBeLessThanOrEqual(Math.min(...stay));
        }
      }),
    );
  });
});
