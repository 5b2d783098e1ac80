import { describe, expect, it } from 'vitest';
import { extendedStudy, newStudy } from '../../../src/study/new-study.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { makeTrial } from './trials.ts';

const { preprocessing, protocol, environment, datasetId, datasetName, modelName } = makeTrial('any');
const subject = {
  name: 'a study',
  modelId: 'm',
  modelName,
  datasetId,
  datasetName,
  classNames: [],
  preprocessing,
  protocol,
  environment,
};
const strategy = (name: string, ratio: number) => {
  const recipe: Recipe = [{ op: 'prune', kind: 'unstructured', ratio }];
  return makeStrategy('m', { name, recipe }, 'wasm', 1);
};
const namesOf = ({ trials }: ReturnType<typeof newStudy>) => trials.map((trial) => trial.strategy.name);

describe('names in a study', () => {
  it('are there once, whatever the strategies are called', () => {
    const study = newStudy(subject, [strategy('E', 0.1), strategy('E', 0.2), strategy('Q', 0.3)], 0);
    expect(namesOf(study)).toEqual(['E', 'E (2)', 'Q']);
    const trials = study.trials.map((trial) => ({ ...trial, state: { kind: 'done' } as const }));
    const more = extendedStudy({ ...study, trials }, subject, [strategy('Q', 0.4)], 1);
    expect(namesOf(more)).toEqual(['E', 'E (2)', 'Q', 'Q (2)']);
  });
  it('follow those of the strategies, and nothing is measured anew for that', () => {
    const study = newStudy(subject, [strategy('E', 0.1)], 0);
    const trials = study.trials.map((trial) => ({ ...trial, state: { kind: 'done' } as const }));
    const renamed = extendedStudy({ ...study, trials }, subject, [strategy('mine', 0.1)], 1);
    expect(namesOf(renamed)).toEqual(['mine']);
    expect(renamed.trials[0]?.state.kind).toBe('done');
    expect(renamed.trials[0]?.id).toBe(study.trials[0]?.id);
  });
});
