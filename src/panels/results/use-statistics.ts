import { useEffect, useRef, useState } from 'react';
import { attempt, type Result } from '../../base/result.ts';
import type { Client } from '../../clients/spawn.ts';
import { openStatisticsClient } from '../../clients/statistics-client.ts';
import type { StatisticsApi } from '../../protocol/statistics-api.ts';
import { factsOf, type StrategyFacts } from '../../study/compare/strategy-facts.ts';
import type { Trial } from '../../study/trial.ts';

/** While a study runs, results come faster than they are worth being compared. */
const restMs = 1500;

/** Answers a question about facts. */
export type Question<T> = (api: StatisticsApi, facts: readonly StrategyFacts[]) => Promise<Result<T>>;

/**
 * What a worker tells of trials; the answer before stays until a new one is there, null until the first is.
 * @param question must stay the same function as long as it asks the same
 */
export function useStatistics<T>(trials: readonly Trial[], question: Question<T>): Result<T> | null {
  const client = useRef<Client<StatisticsApi> | null>(null);
  const lastMs = useRef(Number.NEGATIVE_INFINITY);
  const lastQuestion = useRef<Question<T> | null>(null);
  const [answer, setAnswer] = useState<Result<T> | null>(null);
  useEffect(
    () => () => {
      client.current?.terminate();
      client.current = null;
    },
    [],
  );
  useEffect(() => {
    let isWanted = true;
    const ask = async () => {
      const facts = await gathered(trials, () => isWanted);
      if (facts === null) return;
      client.current ??= openStatisticsClient();
      const { api } = client.current;
      const outcome = await attempt(() => question(api, facts));
      if (!isWanted) return;
      lastMs.current = performance.now();
      setAnswer(outcome.ok ? outcome.value : outcome);
    };
    // Another question is answered at once.
    const isNewQuestion = lastQuestion.current !== question;
    lastQuestion.current = question;
    const waitMs = isNewQuestion ? 0 : Math.max(0, lastMs.current + restMs - performance.now());
    const timer = setTimeout(() => void ask(), waitMs);
    return () => {
      isWanted = false;
      clearTimeout(timer);
    };
  }, [trials, question]);
  return answer;
}

/** Trial by trial, with turns for the page between; null if it was not wanted to its end. */
async function gathered(
  trials: readonly Trial[],
  isWanted: () => boolean,
): Promise<readonly StrategyFacts[] | null> {
  const facts: StrategyFacts[] = [];
  for (const trial of trials) {
    facts.push(factsOf(trial));
    await new Promise((resolve) => setTimeout(resolve, 0));
    if (!isWanted()) return null;
  }
  return facts;
}
