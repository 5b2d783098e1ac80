// Runs in the page: the real workers and runtime, on noise.
import type { Result } from '../../src/base/result.ts';
import { shuffled, seededRandom } from '../../src/base/random.ts';
import { detectEnvironment } from '../../src/clients/capabilities.ts';
import { type EngineClient, openEngineClient } from '../../src/clients/engine-client.ts';
import { openModelClient } from '../../src/clients/model-client.ts';
import { probeForms } from '../../src/clients/probe-forms.ts';
import { createCalibrator } from '../../src/clients/study-calibration.ts';
import { timeForms } from '../../src/clients/time-forms.ts';
import { guessPreprocessing } from '../../src/data/guess-preprocessing.ts';
import { noiseDataset } from '../../src/data/noise-dataset.ts';
import { expectedForm, layerMix, withFormChosen } from '../../src/study/forms/choose-form.ts';
import { figureSentences, type FormFigures } from '../../src/study/forms/form-figures.ts';
import { FORMS, type FormId, STATIC_FORMS } from '../../src/study/forms/forms.ts';
import { withModelTimes } from '../../src/study/forms/model-times.ts';
import { summarise } from '../../src/study/statistics/summary.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';

const provider = 'wasm';

function value<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.failure.code}: ${result.failure.message}`);
}

/** Compares forms on this device as the lab does, and tells how long that took. */
export async function compareForms(threads: number) {
  const place = { environment: await detectEnvironment(), provider, threads } as const;
  const startedMs = performance.now();
  const figures = value(await probeForms(place, () => {}, new AbortController().signal));
  return { figures, sentences: figureSentences(figures), elapsedMs: performance.now() - startedMs };
}

/**
 * Lets the lab decide what `auto` is for a model, then times the model in all forms, in rounds of random order, each
 * in a worker of its own.
 * @returns medians by form, and the one that `auto` becomes
 */
export async function timeAllForms(task: {
  readonly url: string;
  readonly size: number;
  readonly rounds: number;
  readonly figures: FormFigures;
}) {
  const { size, figures } = task;
  const { threads } = figures;
  const client = openModelClient();
  const view = value(await client.api.open(await (await fetch(task.url)).blob(), 'model.onnx', []));
  const noise = noiseDataset({ width: size, height: size, channels: 3 }, 8);
  const data = { dataset: noise.dataset, pack: new Blob([noise.pack]) };
  const { preprocessing } = guessPreprocessing(view, noise.dataset, noise.dataset.imageSize ?? null);
  const recipeOf = new Map<FormId, Recipe>(
    FORMS.map(({ id, operator }) => [id, operator === null ? [{ op: 'identity' }] : [{ ...operator }]]),
  );
  const { signal } = new AbortController();
  const open: Recipe = [{ op: 'quantize', mode: 'static', format: 'auto' }];
  const decidedFromMs = performance.now();
  value(await client.api.useForms(figures));
  const trial = value(await client.api.formTrial(open));
  if (trial === null) throw new Error('nothing to time');
  const place = { data, preprocessing, provider, threads } as const;
  const known = withModelTimes(figures, value(await timeForms(client.api, trial, place, () => {}, signal)));
  const decidedMs = performance.now() - decidedFromMs;
  const calibrator = createCalibrator(
    { modelId: view.modelId, data, preprocessing, threads },
    [],
    [...recipeOf.values()],
    () => {},
  );
  const engines = new Map<FormId, EngineClient>();
  const timesMs = new Map<FormId, number[]>();
  for (const [id, recipe] of recipeOf) {
    value(await calibrator.prepare(client.api, recipe, () => {}, signal));
    const { plan, files } = value(await client.api.build(recipe));
    const engine = openEngineClient();
    value(await engine.api.load({ plan, files, provider, threads, data, preprocessing }));
    engines.set(id, engine);
    timesMs.set(id, []);
  }
  const random = seededRandom(3);
  for (let round = -2; round < task.rounds; round++) {
    for (const [id, engine] of shuffled([...engines], random)) {
      const batch = { imageIndices: [0], round: 0, warmUp: false, firstSequence: 0 };
      const [sample] = value(await engine.api.measure(batch));
      if (round >= 0 && sample) timesMs.get(id)?.push(sample.computeMs);
    }
  }
  for (const engine of engines.values()) engine.terminate();
  client.terminate();
  const { choice } = withFormChosen(open, view, known);
  return {
    decidedMs,
    expected: expectedForm(layerMix(view.nodes), figures).relative,
    medianMs: [...timesMs].map(([id, times]) => [id, summarise(times)?.median ?? Number.NaN] as const),
    staticForms: STATIC_FORMS.map(({ id }) => id),
    chosen: choice?.form.id ?? null,
    relative: choice?.relative ?? null,
    reason: choice?.reason ?? '',
  };
}
