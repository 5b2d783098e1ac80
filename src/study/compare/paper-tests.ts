import { ok, type Result } from '../../base/result.ts';
import { type Adjustment, adjustPValues } from '../statistics/adjust.ts';
import { cliffsDelta, type CliffsDelta } from '../statistics/cliffs-delta.ts';
import { conover } from '../statistics/conover.ts';
import { kruskalWallis, type KruskalWallis } from '../statistics/kruskal-wallis.ts';
import { shapiroWilk } from '../statistics/shapiro-wilk.ts';
import type { StrategyFacts } from './strategy-facts.ts';

/** The tests that the papers print, on raw latencies. */
export interface PaperTests {
  /** Whether the latencies of each strategy look normal. */
  readonly normality: readonly {
    readonly name: string;
    readonly test: Result<{ readonly w: number; readonly p: number }>;
  }[];
  readonly kruskal: Result<KruskalWallis>;
  readonly pairs: Result<readonly PaperPair[]>;
}

export interface PaperPair {
  /** Trials. */
  readonly a: string;
  readonly b: string;
  readonly t: number;
  readonly p: number;
  readonly adjustedP: number;
  /** Above 0 where latencies of `a` are larger; null where it says nothing. */
  readonly cliff: CliffsDelta | null;
}

/**
 * Shapiro-Wilk, Kruskal-Wallis, Conover's post-hoc test and Cliff's delta, as Singh et al. report them. They take every
 * inference as independent of all others, which inferences in a row are not: of strategies that are the same they find
 * differences far more often than the level says. `compareStrategies` does not.
 */
export function paperTests(all: readonly StrategyFacts[], adjustment: Adjustment): PaperTests {
  const facts = all.filter(({ state, latencyMs }) => state !== 'failed' && latencyMs.length > 0);
  const groups = facts.map(({ latencyMs }) => latencyMs);
  const pairs = conover(groups);
  return {
    normality: facts.map(({ name, latencyMs }) => ({ name, test: shapiroWilk(latencyMs) })),
    kruskal: kruskalWallis(groups),
    pairs: pairs.ok ? ok(described(pairs.value, facts, adjustment)) : pairs,
  };
}

function described(
  pairs: readonly { readonly a: number; readonly b: number; readonly t: number; readonly p: number }[],
  facts: readonly StrategyFacts[],
  adjustment: Adjustment,
): readonly PaperPair[] {
  const adjusted = adjustPValues(
    pairs.map(({ p }) => p),
    adjustment,
  );
  return pairs.map(({ a, b, t, p }, at) => {
    const [first, second] = [facts[a], facts[b]];
    const cliff = cliffsDelta(first?.latencyMs ?? [], second?.latencyMs ?? []);
    return {
      a: first?.trialId ?? '',
      b: second?.trialId ?? '',
      t,
      p,
      adjustedP: adjusted[at] ?? 1,
      cliff: cliff.ok ? cliff.value : null,
    };
  });
}
