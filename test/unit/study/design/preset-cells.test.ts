import { expect, it } from 'vitest';
import { defined } from '../../../../src/base/assert.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { buildVariant } from '../../../../src/transforms/build-variant.ts';
import { NO_HEADS } from '../../../../src/transforms/exits/trained-head.ts';
import { calibrationModel } from '../../../../src/transforms/quantize/calibrate/calibration-model.ts';
import { extremesIn, extremesModel } from '../../../../src/transforms/quantize/calibrate/extremes-model.ts';
import { staticOperatorOf } from '../../../../src/transforms/quantize/calibrate/calibration.ts';
import type { Ranges } from '../../../../src/transforms/quantize/quantization.ts';
import type { Recipe } from '../../../../src/transforms/recipe.ts';
import { designFromPreset } from '../../../../src/study/design/design-from-preset.ts';
import { plannedCells } from '../../../../src/study/design/excluded-cells.ts';
import { PRESETS } from '../../../../src/study/design/presets.ts';
import { cosine, floatsOf, noise, runVariant } from '../../transforms/run-variant.ts';
import { runModel } from '../../../fixtures/run-onnx.ts';
import { digits, factsOf, subjectOf } from './planned.ts';

const { model, view } = digits;
const input = defined(view.values.get(defined(view.inputs[0], 'an input')), 'its shape');
const image = noise(input, 5);

/** What static quantization needs, from one image. */
async function rangesFor(recipe: Recipe): Promise<Ranges | null> {
  if (staticOperatorOf(recipe) === null) return null;
  const shown = calibrationModel(analyseModel(model), recipe, NO_HEADS);
  const { model: looking, values, inputs } = extremesModel(shown);
  const [found] = (await runModel(looking, { [input.name]: image })).values();
  return extremesIn(defined(found, 'the extremes').data as Float32Array, [...inputs, ...values]);
}

/** Presets have recipes in common. */
const known = new Map<string, Promise<Float32Array>>();

function scoresOf(recipe: Recipe): Promise<Float32Array> {
  const key = JSON.stringify(recipe);
  const scores = known.get(key) ?? computeScores(recipe);
  known.set(key, scores);
  return scores;
}

async function computeScores(recipe: Recipe): Promise<Float32Array> {
  const ranges = await rangesFor(recipe);
  const variant = buildVariant(model, recipe, { baseName: 'm', now: () => 0, ranges });
  const values = await runVariant(variant, image);
  return floatsOf(values, defined(variant.plan.segments.at(-1)?.outputs.at(-1), 'an output').name);
}

it.each(PRESETS.map((preset) => [preset.id, preset] as const))(
  'every cell of %s runs with the bundled model',
  async (_, preset) => {
    const { design } = designFromPreset(preset, subjectOf(digits));
    const cells = plannedCells(design, factsOf(digits));
    const measured = cells.flatMap(({ cell, state }) => (state.kind === 'measured' ? [cell] : []));
    const recipes = new Map(measured.map(({ recipe: { name, recipe } }) => [name, recipe]));
    expect([...recipes.keys()], 'none of the recipes is impossible everywhere').toEqual(
      design.recipes.map(({ name }) => name),
    );
    const whole = await scoresOf([{ op: 'identity' }]);
    for (const [name, recipe] of recipes) {
      const scores = await scoresOf(recipe);
      expect(scores.length, name).toBe(whole.length);
      expect(scores.every(Number.isFinite), name).toBe(true);
      // What only computes otherwise answers alike.
      if (recipe.every(({ op }) => op === 'quantize' || op === 'partition'))
        expect(cosine(scores, whole), name).toBeGreaterThan(0.9);
    }
  },
);
