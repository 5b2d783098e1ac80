import { describe, expect, it } from 'vitest';
import { extendedStudy, newStudy, withMoreRounds } from '../../../src/study/new-study.ts';
import { makeStrategy } from '../../../src/study/strategy-id.ts';
import { parseStudy, serialiseStudy } from '../../../src/study/study-json.ts';
import { nextVisit, planRounds } from '../../../src/study/plan.ts';
import type { Trial } from '../../../src/study/trial.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { makeSample, makeTrial } from './trials.ts';

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

describe('a study of several models and sizes', () => {
  const small = { ...preprocessing, height: 96, width: 96 };
  const models = [
    { modelId: 'm', modelName, preprocessing },
    { modelId: 'm', modelName, inputSize: { height: 96, width: 96 }, preprocessing: small },
    { modelId: 'n', modelName: 'n.onnx', source: 'zoo:n', preprocessing },
  ];
  const identity = { name: 'identity', recipe: [{ op: 'identity' }] } as const;
  const strategies = [
    makeStrategy('m', identity, 'wasm', 1),
    makeStrategy('m', identity, 'wasm', 1, null, { height: 96, width: 96 }),
    makeStrategy('n', identity, 'wasm', 1),
  ];

  it('gives each trial its model and preprocessing, names models once, and is read as it was written', () => {
    const study = newStudy({ ...subject, models }, strategies, 0);
    expect(study.models).toEqual([
      { modelId: 'm', modelName },
      { modelId: 'n', modelName: 'n.onnx', source: 'zoo:n' },
    ]);
    expect(study.trials.map(({ modelName: of, preprocessing: { height } }) => [of, height])).toEqual([
      [modelName, preprocessing.height],
      [modelName, 96],
      ['n.onnx', preprocessing.height],
    ]);
    expect(parseStudy(serialiseStudy(study))).toEqual(study);
  });

  it('is like any other where there is one model: no list, and the same ids as ever', () => {
    expect(newStudy({ ...subject, models: models.slice(0, 1) }, strategies.slice(0, 1), 0)).toEqual(
      newStudy(subject, strategies.slice(0, 1), 0),
    );
    expect(new Set(strategies.map(({ id }) => id)).size).toBe(3);
  });
});

describe('more rounds', () => {
  const stopping = { halfWidth: 0.03, leastRounds: 2, budgetMs: 1 };
  const planned = newStudy(
    { ...subject, protocol: { ...protocol, rounds: 9, stopping } },
    [strategy('E', 0.1), strategy('Q', 0.2)],
    0,
  );
  const trials = planned.trials.map((trial, at): Trial => {
    const samples = [0, 1, 2, 3, 4]
      .slice(2 * at)
      .map((_, round) => makeSample({ round, sequence: 10 * at + round }));
    return { ...trial, samples, state: { kind: 'done' }, finishedAtMs: 1 };
  });
  const before = { ...planned, trials };

  it('are planned for all that was measured, where each left off, and nothing ends them early', () => {
    const longer = withMoreRounds(before, 4);
    expect(longer.protocol).toEqual({ ...protocol, rounds: 9 });
    expect(longer.trials.map(({ state }) => state)).toEqual([
      { kind: 'running', roundsDone: 5 },
      { kind: 'running', roundsDone: 3 },
    ]);
    const ids = longer.trials.map((trial) => trial.strategy.id);
    const visit = nextVisit(longer.protocol, planRounds(longer.protocol, ids, [0]), [0], {
      trials: longer.trials,
      reference: null,
      visitsSinceReference: 0,
    });
    expect(visit).toMatchObject({ round: 3, strategyId: ids[1] });
    expect(parseStudy(serialiseStudy(longer))).toEqual(longer);
  });

  it('are not measured of what failed', () => {
    const state = { kind: 'failed', code: 'x', message: 'no' } as const;
    const longer = withMoreRounds({ ...before, trials: trials.map((trial) => ({ ...trial, state })) }, 1);
    expect(longer.trials.map((trial) => trial.state)).toEqual([state, state]);
  });
});
