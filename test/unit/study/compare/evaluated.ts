import { factsOf, type StrategyFacts } from '../../../../src/study/compare/strategy-facts.ts';
import { PROTOCOLS } from '../../../../src/study/plan.ts';
import type { Protocol } from '../../../../src/study/trial.ts';
import { NOISY_DEVICE, simulateStudy } from '../../../fixtures/simulated-study.ts';

/** As many timed inferences as the Standard protocol takes at least. */
export const STANDARD_LENGTH: Protocol = { ...PROTOCOLS.standard, rounds: 20, samplesPerRound: 15 };

/** Facts of strategies `S0`, `S1`, … of these latencies, measured on a noisy device; the first is unchanged. */
export function simulatedFacts(latenciesMs: readonly number[], seed = 1): readonly StrategyFacts[] {
  const strategies = latenciesMs.map((latencyMs, at) => ({ name: `S${at}`, latencyMs }));
  return simulateStudy(strategies, STANDARD_LENGTH, NOISY_DEVICE, seed).trials.map(factsOf);
}

/** Facts with an accuracy pass: which of the images it gets right. */
export function withRight(facts: StrategyFacts, right: readonly boolean[]): StrategyFacts {
  const top1 = Int32Array.from(right, (isRight) => (isRight ? 1 : 0));
  return {
    ...facts,
    answers: {
      datasetId: 'd',
      modelId: facts.strategy.modelId,
      image: Uint32Array.from(right.keys()),
      top1,
      right: Int8Array.from(top1),
    },
    values: new Map([...facts.values, ['accuracyTop1', right.filter(Boolean).length / right.length]]),
  };
}
