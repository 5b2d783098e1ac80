import { describe, expect, it } from 'vitest';
import { speedFactorFrom } from '../../../../src/study/placement/speed-from-study.ts';
import { DEFAULT_SETUP } from '../../../../src/study/placement/tiers.ts';
import { makeTrial, measuredTrial } from '../trials.ts';

const withExit = (latencyMs: number, exit: number) => {
  const trial = measuredTrial(`exit ${exit}`, latencyMs, 50);
  return {
    ...trial,
    strategy: { ...trial.strategy, recipe: [{ op: 'early-exit', kind: 'existing', exit } as const] },
  };
};

describe("another device's speed", () => {
  it('is the mean ratio over what both measured', () => {
    const here = [measuredTrial('identity', 8, 90), withExit(4, 0), withExit(3, 1)];
    const there = [measuredTrial('other name', 2, 90), withExit(4, 0), withExit(1, 2)];
    const { speedFactor, strategies } = speedFactorFrom(there, here);
    expect(strategies).toBe(2);
    // Four times and once.
    expect(speedFactor).toBeCloseTo(2, 9);
  });
  it('is not told by emulated numbers, or by nothing in common', () => {
    const placement = { name: 'cloud', sends: 'encoded-image', setup: DEFAULT_SETUP } as const;
    const measured = measuredTrial('identity', 8, 90);
    const emulated = { ...measured, strategy: { ...measured.strategy, placement } };
    expect(() => speedFactorFrom([emulated], [measured])).toThrow('no strategy was measured both');
    expect(() => speedFactorFrom([makeTrial('unmeasured')], [measured])).toThrow('no strategy');
  });
});
