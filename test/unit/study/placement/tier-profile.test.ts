import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defined } from '../../../../src/base/assert.ts';
import { InputError } from '../../../../src/base/result.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { deviceProfile, measuredThere, tierProfileOf } from '../../../../src/study/placement/tier-profile.ts';
import { costProfileByMacs } from '../../../../src/study/profile/cost-profile.ts';
import { parseStudy, serialiseStudy } from '../../../../src/study/study-json.ts';
import type { Study, Trial } from '../../../../src/study/trial.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { makeSample, makeStudy, makeTrial } from '../trials.ts';

const file = 'public/samples/digits.onnx';
const view = buildGraphView(parseModel(memorySource(readFileSync(file)), file), {
  modelId: 'abc',
  fileName: 'digits.onnx',
  fileBytes: 0,
});
const legal = view.frontiers.filter((frontier) => frontier.legal);
const middle = defined(legal[Math.floor(legal.length / 2)], 'a cut');
const cut: Recipe = [{ op: 'partition', cut: middle.crossing }];

function ranThere(recipe: Recipe, segmentMs: readonly (readonly number[])[]): Trial {
  const trial = makeTrial('there');
  const samples = segmentMs.map((segments, sequence) => makeSample({ sequence, segmentMs: segments }));
  return { ...trial, strategy: { ...trial.strategy, recipe }, samples };
}

/** As it would come from the other device: through its file. */
function study(trials: readonly Trial[], extra: Partial<Study> = {}): Study {
  return parseStudy(serialiseStudy({ ...makeStudy(trials), ...extra }));
}

const nodes = defined(
  deviceProfile(
    { ...costProfileByMacs(view, 60, 900), source: 'measured', decodeMs: 7 },
    { provider: 'wasm', threads: 4, arithmetic: '' },
  ),
  'a profile',
);

function refusal(given: Study) {
  try {
    tierProfileOf(given, view);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  return null;
}

describe('another device that stands for a tier', () => {
  it('counts with the medians of each segment of a recipe that ran there', () => {
    const trial = ranThere(cut, [
      [10, 20],
      [12, 26],
      // An exit was taken: the second segment did not run.
      [11],
    ]);
    const profile = tierProfileOf(study([trial]), view);
    expect(measuredThere(profile, view, cut)).toEqual({
      device: 'Linux, 2 cores, wasm × 2',
      source: 'recipe',
      segmentMs: [11, 23],
      decodeMs: 1,
      preprocessMs: 0.5,
      postprocessMs: 0.25,
    });
    expect(measuredThere(profile, view, [{ op: 'identity' }])).toBeNull();
  });
  it('counts with the sum of its nodes for all other recipes, in the same arithmetic', () => {
    const profile = tierProfileOf(study([makeTrial('none')], { profiles: [nodes] }), view);
    const found = measuredThere(profile, view, cut);
    expect(found?.source).toBe('nodes');
    expect(found?.decodeMs).toBe(7);
    const [head = 0, tail = 0] = found?.segmentMs ?? [];
    expect(head + tail).toBeCloseTo(60, 6);
    // The heads of exits go with what they hang on.
    expect(head).toBeCloseTo((60 * middle.macsBefore) / view.totals.macs, 1);
    expect(measuredThere(profile, view, [...cut, { op: 'quantize', mode: 'dynamic' }])).toBeNull();
    expect(measuredThere({ ...profile, modelId: 'other' }, view, cut)).toBeNull();
  });
  it('is refused if its study is about another model, or nothing ran', () => {
    const other = refusal({ ...study([ranThere(cut, [[1, 2]])]), modelId: 'other', modelName: 'cats.onnx' });
    expect(other?.code).toBe('tier-other-model');
    expect(other?.message).toBe(
      'found a study about cats.onnx, wanted one about digits.onnx, the model that is open',
    );
    expect(other?.hint).toContain('type a speed factor');
    expect(refusal(study([makeTrial('none')]))?.code).toBe('tier-nothing-measured');
    // Nodes of another version of the lab, which saw the graph otherwise.
    const strange = { ...nodes, nodeMs: nodes.nodeMs.slice(1) };
    expect(refusal(study([makeTrial('none')], { profiles: [strange] }))?.code).toBe('tier-nothing-measured');
  });
});
