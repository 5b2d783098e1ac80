import { expect, it } from 'vitest';
import { NEVER, type ThresholdOutcome } from '../../../src/study/thresholds.ts';
import { thresholdsCsv } from '../../../src/study/thresholds-csv.ts';

const outcome: ThresholdOutcome = {
  thresholds: [0.5, NEVER],
  images: 4,
  judged: 4,
  correct: 3,
  accuracy: 0.75,
  latencyMs: 1.25,
  shares: [0.25, 0, 0.75],
};

it('thresholds.csv has a row for each outcome, exits counted from 1, nothing where nothing leaves', () => {
  const learned = {
    thresholds: outcome.thresholds,
    validation: outcome,
    test: { ...outcome, accuracy: NaN },
  };
  expect(thresholdsCsv([outcome], [learned]).split('\r\n')).toEqual([
    'origin,set,threshold_1,threshold_2,images,accuracy,latency_mean_ms,share_1,share_2,share_3',
    'one for all exits,all,0.5,,4,0.75,1.25,0.25,0,0.75',
    'learned,validation,0.5,,4,0.75,1.25,0.25,0,0.75',
    'learned,test,0.5,,4,,1.25,0.25,0,0.75',
    '',
  ]);
});
