import type { Tier } from '../../transforms/variant.ts';

/** As much accuracy, as a share, is given for half the latency or half the size where they are balanced. */
export const ACCURACY_STEP = 0.03;

/** What the user wants most of a strategy that keeps within the limits. */
export type Wish = (typeof WISHES)[number]['id'];

export const WISHES = [
  { id: 'fastest', label: 'Fastest', meaning: 'the least latency' },
  { id: 'smallest', label: 'Smallest', meaning: 'the smallest files' },
  { id: 'most-accurate', label: 'Most accurate', meaning: 'the most right answers' },
  {
    id: 'balanced',
    label: 'Balanced',
    meaning: `twice the least latency, twice the smallest size and ${100 * ACCURACY_STEP} points below the best accuracy weigh the same`,
  },
] as const;

/** What a strategy must keep within; null: no limit. */
export interface Limits {
  /** Share of right answers that may be lost against the original. */
  readonly accuracyLoss: number | null;
  readonly latencyP90Ms: number | null;
  /** Of the files. */
  readonly rawBytes: number | null;
  /** Of the memory that the runtime takes. */
  readonly heapBytes: number | null;
  /** Tiers that may compute; null: any. */
  readonly tiers: readonly Tier[] | null;
  /** The link from the mobile tier; null: as each strategy was emulated. */
  readonly link: { readonly bandwidthMbps: number; readonly rttMs: number } | null;
}

export const NO_LIMITS: Limits = {
  accuracyLoss: null,
  latencyP90Ms: null,
  rawBytes: null,
  heapBytes: null,
  tiers: null,
  link: null,
};

/** What a user asks advice for. */
export interface Asked {
  readonly limits: Limits;
  readonly wish: Wish;
}
