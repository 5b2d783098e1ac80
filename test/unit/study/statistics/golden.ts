import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import type { Result } from '../../../../src/base/result.ts';

/** A sample as the Python script and `drawn` draw it: seed, place of the family, size, shift, scale. */
export type Spec = readonly [seed: number, family: number, n: number, shift: number, scale: number];

type Pair = readonly [a: number, b: number, t: number, p: number];

/** Written by `make_statistics.py`. */
interface Golden {
  readonly families: readonly string[];
  readonly tails: Readonly<
    Record<'normal' | 'chiSquared' | 'studentT' | 'binomial' | 'fisherF', readonly number[][]>
  >;
  readonly quantiles: Readonly<Record<'normal' | 'studentT' | 'beta', readonly number[][]>>;
  readonly shapiro: readonly { sample: Spec; w: number; p: number }[];
  readonly groups: readonly { groups: Spec[]; h: number; p: number; pairs: Pair[] | null }[];
  readonly mannWhitney: readonly {
    a: Spec;
    b: Spec;
    u: number;
    auto: number;
    normal: [number, number];
    exact: number | null;
  }[];
  readonly cliffsDelta: readonly { a: Spec; b: Spec; delta: number; interval: [number, number] }[];
  readonly wilcoxon: readonly {
    sample: Spec;
    cases: ['auto' | 'normal', 'wilcox' | 'pratt' | 'zsplit', boolean, number, number][];
  }[];
  readonly agreement: readonly {
    a: Spec;
    b: Spec;
    mix: number;
    tau: [number, number, number];
    rho: [number, number];
  }[];
  readonly friedman: readonly { groups: Spec[]; chiSquared: number; p: number }[];
  readonly mcnemar: readonly {
    onlyA: number;
    onlyB: number;
    exact: number;
    plain: [number, number];
    corrected: [number, number];
  }[];
  readonly shares: readonly {
    successes: number;
    trials: number;
    confidence: number;
    exact: [number, number];
    wilson: [number, number];
  }[];
  readonly adjusted: readonly Readonly<
    Record<'ps' | 'holm' | 'bonferroni' | 'benjamini-hochberg', number[]>
  >[];
  readonly bootstrap: readonly {
    statistic: string;
    samples: Spec[];
    paired: boolean;
    seed: number;
    percentile: [number, number];
    bca: [number, number];
  }[];
}

const file = new URL('../../../fixtures/statistics/golden/tests.json', import.meta.url);

export const golden = JSON.parse(readFileSync(file, 'utf8')) as Golden;

/** The sample that the Python script drew: additions, products and divisions alone, so equal to the last bit. */
export function drawn([seed, family, n, shift, scale]: Spec): Float64Array {
  const random = seededRandom(seed);
  const value = valueOf(golden.families[family] as string);
  return Float64Array.from({ length: n }, () => value(random) * scale + shift);
}

function valueOf(family: string): (random: () => number) => number {
  switch (family) {
    case 'uniform':
      return (random) => random();
    case 'bell':
      return (random) => {
        let total = 0;
        for (let i = 0; i < 12; i++) total += random();
        return total - 6;
      };
    case 'skewed':
      return (random) => 1 / (0.02 + random());
    case 'ties':
      return (random) => Math.floor(random() * 5);
    case 'coarse':
      return (random) => Math.floor((3 + random() + random()) * 10) / 10;
    case 'half-constant':
      return (random) => {
        const x = random();
        return x < 0.6 ? 3 : x * 10;
      };
    default:
      throw new Error(`No family of samples is called ${family}`);
  }
}

/** Asserts equality to 1e-10 of the wanted value; of what a double cannot hold with all digits, that it is as small. */
export function expectClose(found: number, wanted: number, what: string): void {
  const off = Math.abs(found - wanted) / Math.max(Math.abs(wanted), 1e-300);
  if (!(off <= 1e-10)) expect.fail(`${what}: found ${found}, wanted ${wanted}, off by ${off}`);
}

/** The value of a success, or a failed test that tells its failure. */
export function valueIn<T>(result: Result<T>): T {
  if (!result.ok) expect.fail(`${result.failure.code}: ${result.failure.message}`);
  return result.value;
}

/** The code of a failure, or a failed test. */
export function codeOf(result: Result<unknown>): string {
  if (result.ok) expect.fail(`expected a failure, found ${JSON.stringify(result.value)}`);
  return result.failure.code;
}
