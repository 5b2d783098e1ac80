import { formatMs } from '../../base/units.ts';
import { INDISTINCT_SHARE } from '../compare/paired-difference.ts';
import { qualityDifference, qualityMarks } from '../compare/quality-difference.ts';
import { pairedLevels, roundLevels } from '../compare/round-levels.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { z95 } from '../statistics/binomial.ts';
import { normalQuantile } from '../statistics/distributions.ts';
import { type Candidate, lossText } from './candidates.ts';
import { ranked } from './choose.ts';
import type { Limits, Wish } from './wishes.ts';

/** Studies are usually planned to find four of five differences. */
const POWER = 0.8;
const LEVEL = 0.05;

/** Beyond this nobody measures on. */
const MOST_ROUNDS = 1000;
const MOST_IMAGES = 100_000;

/**
 * Rounds that a latency difference as large as the one seen would take to be found in four of five studies; more than
 * there are, since those did not find it.
 * @param pairs that are adjusted for
 * @returns null for fewer than three rounds in common, Infinity where it is too small to count as one
 * @source Guenther 1981, Sample size formulas for normal theory t tests (half a squared quantile for few rounds)
 */
export function roundsNeeded(a: StrategyFacts, b: StrategyFacts, pairs = 1): number | null {
  const logs = pairedLevels(roundLevels(a), roundLevels(b)).map(([one, other]) => Math.log(other / one));
  if (logs.length < 3) return null;
  const mean = logs.reduce((sum, log) => sum + log, 0) / logs.length;
  const variance = logs.reduce((sum, log) => sum + (log - mean) ** 2, 0) / (logs.length - 1);
  const beyond = Math.abs(mean) - Math.log1p(INDISTINCT_SHARE);
  if (beyond <= 0) return Infinity;
  const quantile = alarmQuantile(pairs);
  const planned = ((quantile + normalQuantile(POWER)) ** 2 * variance) / beyond ** 2 + quantile ** 2 / 2;
  return Math.ceil(Math.max(planned, 1.5 * logs.length));
}

/** The same of images, for a difference in accuracy; Infinity where none was seen, null where it is not known. */
export function imagesNeeded(a: StrategyFacts, b: StrategyFacts, pairs = 1): number | null {
  const found = qualityDifference(a, b, qualityMarks([a, b]));
  if (typeof found === 'string') return null;
  const { measure, difference, low, high, onlyA, onlyB, images } = found;
  if (difference === 0) return Infinity;
  // Of one image: of marks that differ, or as the interval has it.
  const variance =
    measure === 'accuracy' || measure === 'agreement'
      ? (onlyA + onlyB) / images
      : images * ((high - low) / 2 / z95) ** 2;
  const planned = (alarmQuantile(pairs) + normalQuantile(POWER)) ** 2;
  return Math.ceil(Math.max((planned * variance) / difference ** 2, 1.5 * images));
}

/** Of a difference that is called real although it is none, on both sides, with all pairs adjusted for. */
function alarmQuantile(pairs: number): number {
  return normalQuantile(1 - LEVEL / 2 / Math.max(1, pairs));
}

/** A rival that is not told from the winner. */
export interface Undecided {
  readonly rival: Candidate;
  readonly by: 'latency' | 'quality';
  /** Comparisons that p-values were adjusted over. */
  readonly pairs: number;
}

/**
 * What would tell most: rivals not told apart, combinations not measured, trials not finished.
 * @param undecided the winner and rivals that the study does not tell apart from it, by latency or by answers
 */
export function measureNext(
  all: readonly StrategyFacts[],
  candidates: readonly Candidate[],
  winner: Candidate | null,
  undecided: readonly Undecided[],
  limits: Limits,
  wish: Wish,
): readonly string[] {
  const texts: string[] = [];
  for (const { rival, by, pairs } of winner ? undecided : []) {
    const text = winner && moreNeeded(winner.facts, rival.facts, by, pairs);
    if (text) texts.push(text);
  }
  texts.push(...combinations(candidates, limits, wish));
  const unfinished = all.filter(({ state }) => state === 'queued' || state === 'running');
  if (unfinished.length > 0) texts.push(`Finish the study: ${namesOf(unfinished)} not measured to the end.`);
  const failed = all.filter(({ state }) => state === 'failed');
  if (failed.length > 0)
    texts.push(`Look at what failed: ${failed.map(({ name }) => name).join(', ')} took no part in this.`);
  // One that failed is told already.
  if (!all.some(({ isIdentity }) => isIdentity))
    texts.push('Measure the unchanged model, too: nothing tells yet what a recipe gains or loses.');
  if (
    candidates.every(({ facts }) => facts.loads === null) &&
    limits.tiers?.some((tier) => tier !== 'mobile')
  )
    texts.push('Measure placements on edge or cloud: none is in this study.');
  return texts;
}

function namesOf(facts: readonly StrategyFacts[]): string {
  const names = facts.slice(0, 3).map(({ name }) => name);
  const others = facts.length - names.length;
  return `${names.join(', ')}${others > 0 ? ` and ${others} more` : ''} ${facts.length === 1 ? 'was' : 'were'}`;
}

function moreNeeded(a: StrategyFacts, b: StrategyFacts, by: Undecided['by'], pairs: number): string | null {
  switch (by) {
    case 'latency': {
      const rounds = roundsNeeded(a, b, pairs);
      if (rounds === null)
        return `Measure ${a.name} and ${b.name} in more rounds: there are too few to tell them apart.`;
      if (rounds > MOST_ROUNDS)
        return `${a.name} and ${b.name} are as fast as each other for all that counts; more rounds would not tell them apart.`;
      return `${rounds} rounds would probably tell ${a.name} from ${b.name} by latency.`;
    }
    case 'quality': {
      const images = imagesNeeded(a, b, pairs);
      if (images === null || images === Infinity) return null;
      if (images > MOST_IMAGES)
        return `${a.name} and ${b.name} answer equally well for all that counts; more images would not tell them apart.`;
      return `${images} images would probably tell ${a.name} from ${b.name} by their answers.`;
    }
  }
}

/** Combinations told at most. */
const MOST_COMBINATIONS = 3;

/**
 * Recipes that change different things and were not measured together, where their gains, multiplied, and their losses,
 * added, would make them the best.
 */
function combinations(candidates: readonly Candidate[], limits: Limits, wish: Wish): readonly string[] {
  const here = candidates.filter(({ facts }) => !facts.isEmulated);
  const original = here.find(({ facts }) => facts.isIdentity);
  if (!original) return [];
  const measured = new Set(here.map(({ facts }) => kindsOf(facts).join(' ')));
  const recipes = here.filter(
    ({ facts }) => !facts.isIdentity && facts.strategy.modelId === original.facts.strategy.modelId,
  );
  return recipes
    .flatMap((a, at) => recipes.slice(at + 1).map((b) => [a, b] as const))
    .filter(([a, b]) => {
      const [kindsA, kindsB] = [kindsOf(a.facts), kindsOf(b.facts)];
      const together = [...kindsA, ...kindsB].toSorted().join(' ');
      return !kindsA.some((kind) => kindsB.includes(kind)) && !measured.has(together);
    })
    .map(([a, b]) => ({ a, b, both: togetherOf(a, b, original) }))
    .filter(({ both }) => ranked([...candidates, both], limits, wish)[0] === both)
    .toSorted((one, other) => one.both.latencyMs - other.both.latencyMs)
    .slice(0, MOST_COMBINATIONS)
    .map(
      ({ a, b, both: { latencyMs, qualityLoss } }) =>
        `${a.facts.name} and ${b.facts.name} together were not measured: if their gains multiply, ${formatMs(latencyMs)}${qualityLoss === null ? '' : ` with ${lossText(Math.max(0, qualityLoss), a)} lost`}.`,
    );
}

/** What two recipes may come to together. */
function togetherOf(a: Candidate, b: Candidate, original: Candidate): Candidate {
  const multiplied = (of: (candidate: Candidate) => number | null): number | null => {
    const [one, other, base] = [of(a), of(b), of(original)];
    return one === null || other === null || base === null || base === 0 ? null : (one * other) / base;
  };
  const qualityLoss = a.qualityLoss === null || b.qualityLoss === null ? null : a.qualityLoss + b.qualityLoss;
  return {
    facts: { ...a.facts, isIdentity: false },
    tiers: a.tiers,
    latencyMs: multiplied(({ latencyMs }) => latencyMs) ?? Infinity,
    latencyP90Ms: multiplied(({ latencyP90Ms }) => latencyP90Ms) ?? Infinity,
    quality:
      qualityLoss === null || original.quality === null
        ? null
        : original.quality + (original.qualityLoss ?? 0) - qualityLoss,
    qualityLoss,
    rawBytes: multiplied(({ rawBytes }) => rawBytes),
    heapBytes: multiplied(({ heapBytes }) => heapBytes),
  };
}

/** The kinds of operators of a recipe, in one order. */
function kindsOf({ strategy }: StrategyFacts): readonly string[] {
  return [...new Set(strategy.recipe.map(({ op }) => op))].toSorted();
}
