import { expect, test } from 'vitest';
import { copiedStudy } from '../../../src/study/new-study.ts';
import { parseStudy, serialiseStudy } from '../../../src/study/study-json.ts';
import { makeStudy, measuredTrial } from './trials.ts';

test('a copy has ids of its own and the same measurements, and is a whole study', () => {
  const study = makeStudy([measuredTrial('a', 1, 50), measuredTrial('b', 2, 60)]);
  const copy = copiedStudy(study, 5);
  expect(copy.id).not.toBe(study.id);
  expect(copiedStudy(study, 6).id).not.toBe(copy.id);
  expect(copy.name).not.toBe(study.name);
  for (const [at, trial] of copy.trials.entries()) {
    const { id, studyId, ...measured } = trial;
    expect(study.trials[at]).toMatchObject(measured);
    expect(id).not.toBe(study.trials[at]?.id);
    expect(studyId).toBe(copy.id);
  }
  expect(parseStudy(serialiseStudy(copy))).toEqual(copy);
});
