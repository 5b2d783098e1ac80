import type { Browser } from '@playwright/test';

export interface BenchContext {
  readonly browser: Browser;
  /** The built app, isolated, on this machine. */
  readonly url: string;
  readonly projectRoot: string;
}

export interface BenchRow {
  readonly name: string;
  /** With unit, e.g. `312 ms` or `1.4 % slower`. */
  readonly value: string;
  /** What the design asks for, e.g. `< 600 ms`. */
  readonly target: string;
  readonly ok: boolean;
}

/** What a `*.bench.ts` file exports as `bench`. */
export type Bench = (context: BenchContext) => Promise<readonly BenchRow[]>;

/** The p-quantile (0..1) of samples, by the nearest rank. */
export function quantile(samples: readonly number[], p: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))] ?? Number.NaN;
}
