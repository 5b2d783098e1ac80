import { describe, expect, it } from 'vitest';
import { adviceFiles } from '../../../../src/study/recommend/advice-text.ts';
import { readAsked } from '../../../../src/study/recommend/read-asked.ts';
import { NO_LIMITS } from '../../../../src/study/recommend/wishes.ts';
import { simulatedFacts } from '../compare/evaluated.ts';

describe('limits and a wish as text', () => {
  it('are read, and what is left out is not limited', () => {
    expect(readAsked('')).toEqual({ limits: NO_LIMITS, wish: 'balanced' });
    expect(readAsked('wish=fastest, accuracyLoss=0.01,p90Ms=20,rawBytes=1e6,tiers=mobile+edge')).toEqual({
      wish: 'fastest',
      limits: {
        ...NO_LIMITS,
        accuracyLoss: 0.01,
        latencyP90Ms: 20,
        rawBytes: 1e6,
        tiers: ['mobile', 'edge'],
      },
    });
    for (const text of ['rttMs=3,bandwidthMbps=50', 'bandwidthMbps=50,rttMs=3'])
      expect(readAsked(text).limits.link).toEqual({ bandwidthMbps: 50, rttMs: 3 });
  });

  it.each([
    ['p90=20', 'found "p90", wanted wish, tiers, accuracyLoss, p90Ms'],
    ['p90Ms=fast', 'found "p90Ms=fast", wanted a number from 0 up'],
    ['p90Ms', 'found "p90Ms=", wanted a number'],
    ['bandwidthMbps=0', 'found "bandwidthMbps=0", wanted a number'],
    ['rttMs=5', 'found "rttMs alone", wanted bandwidthMbps beside it'],
    ['wish=best', 'found "wish=best", wanted wish=fastest or smallest'],
    ['tiers=fog', 'found "tiers=fog", wanted tiers=mobile+edge+cloud'],
  ])('are refused in words: %s', (text, words) => {
    expect(() => readAsked(text)).toThrow(words);
  });
});

describe('advice in files', () => {
  const facts = simulatedFacts([10, 12]);

  it('says the same as text and as JSON', () => {
    const { text, json } = adviceFiles(facts, readAsked('wish=fastest,p90Ms=1000'));
    expect(text).toMatch(/^Fastest \(the least latency\), within a p90 of 1\.00 s\n/);
    const { advised } = JSON.parse(json);
    expect(advised).toHaveLength(1);
    expect(advised[0]).toMatchObject({ wish: 'fastest', limits: { latencyP90Ms: 1000 } });
    const [{ outcome, evidence }] = advised[0].devices;
    expect(outcome).toMatchObject({ kind: 'chosen', winner: { name: 'S0' }, runnerUp: { name: 'S1' } });
    expect(text).toContain(`Use ${outcome.winner.name} (`);
    for (const sentence of evidence) expect(text).toContain(sentence);
  });

  it('answers every wish where nothing is asked', () => {
    const { advised } = JSON.parse(adviceFiles(facts, null).json);
    expect(advised.map(({ wish }: { wish: string }) => wish)).toEqual([
      'fastest',
      'smallest',
      'most-accurate',
      'balanced',
    ]);
  });
});
