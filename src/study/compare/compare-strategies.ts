import { type Adjustment, adjustPValues } from '../statistics/adjust.ts';
import { type PairedDifference, pairedDifference } from './paired-difference.ts';
import { qualityDifference, type QualityDifference, qualityMarks } from './quality-difference.ts';
import { pairedLevels, roundLevels } from './round-levels.ts';
import type { StrategyFacts } from './strategy-facts.ts';

/** A question that the study cannot answer, and why. */
interface Unknown {
  readonly kind: 'unknown';
  /** Ends a sentence: `were measured on different devices`. */
  readonly reason: string;
}

export type LatencyComparison =
  | Unknown
  | ({
      readonly kind: 'compared';
      readonly adjustedP: number;
      readonly isDifferent: boolean;
    } & PairedDifference);

export type QualityComparison =
  | Unknown
  | ({
      readonly kind: 'compared';
      readonly adjustedP: number;
      readonly isDifferent: boolean;
    } & QualityDifference);

/** What a study tells of two of its strategies. The first is the faster one, where that is known. */
export interface Comparison {
  readonly a: { readonly trialId: string; readonly name: string };
  readonly b: { readonly trialId: string; readonly name: string };
  readonly latency: LatencyComparison;
  readonly quality: QualityComparison;
  /** What to know about it, as sentences. */
  readonly caveats: readonly string[];
}

export interface Comparisons {
  readonly comparisons: readonly Comparison[];
  readonly adjustment: Adjustment;
  readonly level: number;
  /** The strategy that all others are compared with; null: all are compared with each other. */
  readonly comparedWith: string | null;
  /** How many latencies and how many qualities were adjusted for together. */
  readonly latencies: number;
  readonly qualities: number;
}

export interface ComparisonOptions {
  readonly adjustment?: Adjustment;
  /** The chance of calling any difference real that is none. */
  readonly level?: number;
}

/**
 * Which differences between a study's strategies are real: latency round by round (see `pairedDifference`), accuracy,
 * or agreement with the original where there are no labels, image by image; each adjusted over all pairs.
 * Failed trials and those without a timed inference are left out.
 */
export function compareStrategies(
  all: readonly StrategyFacts[],
  { adjustment = 'holm', level = 0.05 }: ComparisonOptions = {},
): Comparisons {
  const facts = all.filter(({ state, latencyMs }) => state !== 'failed' && latencyMs.length > 0);
  const levels = new Map(facts.map((each) => [each, roundLevels(each)] as const));
  const marks = qualityMarks(facts);
  const pairs = facts.flatMap((a, at) => facts.slice(at + 1).map((b) => [a, b] as const));
  const found = pairs.map(([a, b]) => {
    const problem = latencyProblem(a, b);
    const both = pairedLevels(levels.get(a) ?? new Map(), levels.get(b) ?? new Map());
    const difference = problem === null ? pairedDifference(both) : null;
    const isSwapped = difference !== null && difference.ratio < 1;
    const [first, second] = isSwapped ? [b, a] : [a, b];
    return {
      first,
      second,
      latency: difference && (isSwapped ? reversed(difference) : difference),
      problem: problem ?? (both.length < 2 ? tooFewRounds(both.length, [a, b]) : ''),
      quality: qualityDifference(first, second, marks),
    };
  });
  const comparisons = found.map(
    ({ first, second, latency, problem, quality }): Comparison => ({
      a: { trialId: first.trialId, name: first.name },
      b: { trialId: second.trialId, name: second.name },
      latency:
        latency === null
          ? { kind: 'unknown', reason: problem }
          : { kind: 'compared', ...latency, adjustedP: latency.p, isDifferent: false },
      quality:
        typeof quality === 'string'
          ? { kind: 'unknown', reason: quality }
          : { kind: 'compared', ...quality, adjustedP: quality.p, isDifferent: false },
      caveats: latency === null ? [] : caveatsOf(first, second, latency.rounds),
    }),
  );
  return judged(comparisons, { adjustment, level, comparedWith: null });
}

/**
 * Only the comparisons with one strategy, adjusted among each other: who asks fewer questions needs less to be sure.
 * Whoever looks at one strategy after the other asks all of them, and `of` is what answers that.
 * @param of comparisons of all pairs
 */
export function comparisonsWith(of: Comparisons, trialId: string): Comparisons {
  const some = of.comparisons.filter(({ a, b }) => a.trialId === trialId || b.trialId === trialId);
  const named = some.flatMap(({ a, b }) => [a, b]).find((each) => each.trialId === trialId);
  return judged(some, { ...of, comparedWith: named?.name ?? null });
}

/** P-values adjusted over these comparisons, and what that makes of each. */
function judged(
  comparisons: readonly Comparison[],
  { adjustment, level, comparedWith }: Pick<Comparisons, 'adjustment' | 'level' | 'comparedWith'>,
): Comparisons {
  const psOf = (of: 'latency' | 'quality') =>
    comparisons.map((each) => (each[of].kind === 'compared' ? each[of].p : null));
  const [latencyPs, qualityPs] = [psOf('latency'), psOf('quality')];
  const [latencies, qualities] = [adjusted(latencyPs, adjustment), adjusted(qualityPs, adjustment)];
  const judge = <T extends LatencyComparison | QualityComparison>(one: T, adjustedP = 1): T =>
    one.kind === 'compared' ? { ...one, adjustedP, isDifferent: adjustedP < level } : one;
  return {
    adjustment,
    level,
    comparedWith,
    latencies: latencyPs.filter((p) => p !== null).length,
    qualities: qualityPs.filter((p) => p !== null).length,
    comparisons: comparisons.map((each, at) => ({
      ...each,
      latency: judge(each.latency, latencies[at] ?? 1),
      quality: judge(each.quality, qualities[at] ?? 1),
    })),
  };
}

/** What a comparison comes to: a difference that is real, one that only seems so, or none that can be told. */
export type Verdict = 'different' | 'seems-different' | 'not-told-apart';

/** The nearer end of the interval of a ratio must be so far from one for it to be worth more rounds. */
const SEEMING_SHARE = 0.05;

/**
 * A latency seems different where its own interval lies far from one, and only the number of comparisons, for so few
 * rounds, leaves it uncertain. Small differences do not: of many pairs some always look like that.
 */
export function latencyVerdict({
  isDifferent,
  low,
  high,
}: LatencyComparison & { kind: 'compared' }): Verdict {
  if (isDifferent) return 'different';
  const isFar = low > 1 + SEEMING_SHARE || high < 1 / (1 + SEEMING_SHARE);
  return isFar ? 'seems-different' : 'not-told-apart';
}

function reversed(difference: PairedDifference): PairedDifference {
  const { ratio, low, high } = difference;
  return { ...difference, ratio: 1 / ratio, low: 1 / high, high: 1 / low };
}

/** P values that are known, adjusted among each other; null where there is none. */
function adjusted(ps: readonly (number | null)[], adjustment: Adjustment): readonly (number | null)[] {
  const known = ps.filter((p) => p !== null);
  const result = [...adjustPValues(known, adjustment)];
  return ps.map((p) => (p === null ? null : (result.shift() ?? null)));
}

/** Rounds of different studies have nothing in common but their numbers. */
function latencyProblem(a: StrategyFacts, b: StrategyFacts): string | null {
  if (a.deviceId !== b.deviceId)
    return `were measured on different devices (${a.deviceName}; ${b.deviceName})`;
  return a.studyId === b.studyId ? null : 'were measured in different studies';
}

function tooFewRounds(rounds: number, pair: readonly StrategyFacts[]): string {
  if (pair.some(({ latencyMs }) => latencyMs.every((ms) => ms === 0)))
    return 'took less time than this browser’s clock tells';
  return rounds === 0 ? 'have no round in common' : 'have one round in common, and differences need two';
}

/** Fewer say little, whatever the test. */
const FEW_ROUNDS = 5;

function caveatsOf(a: StrategyFacts, b: StrategyFacts, rounds: number): readonly string[] {
  const caveats: string[] = [];
  if (a.sequences && b.sequences && (a.sequences[1] < b.sequences[0] || b.sequences[1] < a.sequences[0]))
    caveats.push(
      'Measured one after the other: what changed on the device in between counts as a difference.',
    );
  if (rounds < FEW_ROUNDS) caveats.push(`Rests on ${rounds} rounds: a small difference would not be found.`);
  const emulated = [a, b].filter(({ isEmulated }) => isEmulated);
  if (emulated.length === 1) caveats.push(`The latency of ${emulated[0]?.name ?? ''} is emulated.`);
  if (emulated.length === 2) caveats.push('Both latencies are emulated.');
  return caveats;
}
