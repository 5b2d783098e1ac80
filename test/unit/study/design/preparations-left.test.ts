import { describe, expect, it } from 'vitest';
import { preparationsLeft } from '../../../../src/study/design/preparations-left.ts';
import type { StudyProgress } from '../../../../src/study/progress.ts';
import { makeStrategy } from '../../../../src/study/strategy-id.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { nothingLearnt } from './planned.ts';

describe('preparations that a running study has still to make', () => {
  const strategy = (name: string, recipe: Recipe) => makeStrategy('a', { name, recipe }, 'wasm', 2);
  const whole = strategy('whole', [{ op: 'identity' }]);
  const calibrated: Recipe = [{ op: 'quantize', mode: 'static', format: 'qdq' }];
  const Q = strategy('Q', calibrated);
  const QP = strategy('QP', [...calibrated, { op: 'partition', cut: 'equal-size' }]);
  const exit: Recipe = [{ op: 'early-exit', kind: 'trained', at: ['x'], threshold: 0.8 }];
  const QE = strategy('QE', [...exit, ...calibrated]);
  const all = [whole, Q, QP, QE];
  const at = (current: typeof whole, step: StudyProgress['step'], prepared: readonly (typeof whole)[]) =>
    preparationsLeft(
      { current, step },
      all.filter((each) => each !== current && !prepared.includes(each)),
      prepared,
      () => 2,
      nothingLearnt,
    );
  const calibratingMs = 7 + 100 * 6 * 2;

  it('are those of all at the beginning, what is shared once', () => {
    const { othersMs, stepMs, laterMs } = at(whole, 'measuring', []);
    // Those of the exits' model, whose heads are calibrated with it, are its own.
    expect(othersMs).toBeGreaterThan(2 * calibratingMs);
    expect([stepMs, laterMs]).toEqual([0, 0]);
  });

  it('belong to the first that needs them while it is prepared', () => {
    const [before, during] = [at(whole, 'measuring', []), at(Q, 'calibrating', [whole])];
    expect(during.stepMs).toBe(calibratingMs);
    expect(during.stepMs + during.othersMs).toBeCloseTo(before.othersMs);
    expect(at(Q, 'building', [whole])).toEqual({ ...during, stepMs: 0 });
    expect(at(QP, 'calibrating', [whole, Q]).stepMs, 'Q calibrated for both').toBe(0);
  });

  it('come one after the other, and are all left of a strategy before which a study is paused', () => {
    const prepared = [whole, Q, QP];
    const training = at(QE, 'training-exits', prepared);
    expect(training.stepMs).toBeGreaterThan(0);
    expect(training.laterMs).toBeGreaterThan(0);
    expect(at(QE, 'calibrating', prepared)).toEqual({ othersMs: 0, stepMs: training.laterMs, laterMs: 0 });
    const { stepMs, laterMs } = at(QE, 'paused', prepared);
    expect(stepMs + laterMs).toBeCloseTo(training.stepMs + training.laterMs);
    expect(at(QE, 'paused', all)).toEqual({ othersMs: 0, stepMs: 0, laterMs: 0 });
  });
});
