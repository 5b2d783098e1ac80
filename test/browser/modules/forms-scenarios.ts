// Runs in the page: everything here uses the real client, worker and runtime.
import { probeForms } from '../../../src/clients/probe-forms.ts';
import { detectEnvironment } from '../../../src/clients/capabilities.ts';
import { figureSentences } from '../../../src/study/forms/form-figures.ts';
import { withFormChosen } from '../../../src/study/forms/choose-form.ts';
import { openModelClient } from '../../../src/clients/model-client.ts';

/** Compares forms in a few rounds, and chooses one for a model of the gallery. */
export async function compareForms(rounds: number, url: string) {
  const place = { environment: await detectEnvironment(), provider: 'wasm' as const, threads: 1 };
  const effort = { budgetMs: Infinity, rounds };
  const shares: number[] = [];
  const probed = await probeForms(place, (share) => shares.push(share), new AbortController().signal, effort);
  if (!probed.ok) throw new Error(probed.failure.message);
  const control = new AbortController();
  const cancelled = await probeForms(place, () => control.abort(), control.signal, effort);
  const model = openModelClient();
  const opened = await model.api.open(await (await fetch(url)).blob(), 'model.onnx', []);
  model.terminate();
  if (!opened.ok) throw new Error(opened.failure.message);
  const recipe = [{ op: 'quantize', mode: 'static', format: 'auto' }] as const;
  return {
    shares,
    cancelled: cancelled.ok ? 'finished' : cancelled.failure.code,
    figures: probed.value,
    sentences: figureSentences(probed.value),
    ...withFormChosen(recipe, opened.value, probed.value),
  };
}
