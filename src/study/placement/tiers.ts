import type { Tier } from '../../transforms/variant.ts';

/** A device that runs a part of the model. */
export interface TierSpec {
  /** How many times as fast as the device that measures. */
  readonly speedFactor: number;
  /** Memory for sessions; null: no limit known. */
  readonly memoryLimitBytes: number | null;
  /** What the tier itself took for the very strategy that is placed; counts instead of the speed factor. */
  readonly measured?: MeasuredThere;
}

/** Times of one strategy on another device: medians, in milliseconds. */
export interface MeasuredThere {
  /** For people: what device that was. */
  readonly device: string;
  /** `recipe`: it ran there; `nodes`: summed up from what the model's nodes took there. */
  readonly source: 'recipe' | 'nodes';
  /** Of each segment of the strategy, in order. */
  readonly segmentMs: readonly number[];
  readonly decodeMs: number;
  readonly preprocessMs: number;
  readonly postprocessMs: number;
}

export interface Link {
  readonly bandwidthMbps: number;
  /** Request and answer together; paid once whenever something is sent. */
  readonly rttMs: number;
  /** The round trip varies by at most this much in either direction. */
  readonly jitterMs: number;
}

/** Cloud is reached through edge, so mobile to cloud takes both. */
export type LinkName = 'mobile-edge' | 'edge-cloud';

export interface TierSetup {
  readonly tiers: Readonly<Record<Tier, TierSpec>>;
  readonly links: Readonly<Record<LinkName, Link>>;
}

/** Which tiers run the parts of a model, in order: one for each part, or one for all. */
export type PlacementName = (typeof PLACEMENT_NAMES)[number];

export const PLACEMENT_NAMES = [
  'mobile',
  'edge',
  'cloud',
  'mobile-edge',
  'edge-cloud',
  'mobile-cloud',
  'mobile-edge-cloud',
] as const;

/** Where a strategy's parts run. The image is always taken on the mobile tier, and the answer is wanted there. */
export interface TierPlacement {
  readonly name: PlacementName;
  /**
   * What is sent if the first part is not on the mobile tier: the image file, which is decoded and prepared there,
   * or the input tensor, prepared on the mobile tier.
   */
  readonly sends: 'encoded-image' | 'input-tensor';
  readonly setup: TierSetup;
}

export const TIERS: readonly Tier[] = ['mobile', 'edge', 'cloud'];

export const LINK_NAMES: readonly LinkName[] = ['mobile-edge', 'edge-cloud'];

/** Links as in Singh et al., with round trips that are usual for them. */
export const LINK_PRESETS: readonly (Link & { readonly label: string })[] = [
  { label: '200 Mbit/s, local', bandwidthMbps: 200, rttMs: 5, jitterMs: 1 },
  { label: '1 Mbit/s, wide area', bandwidthMbps: 1, rttMs: 50, jitterMs: 5 },
];

/** This device, an edge server four times as fast, and a cloud four times as fast as that. */
export const DEFAULT_SETUP: TierSetup = {
  tiers: {
    mobile: { speedFactor: 1, memoryLimitBytes: null },
    edge: { speedFactor: 4, memoryLimitBytes: null },
    cloud: { speedFactor: 16, memoryLimitBytes: null },
  },
  links: {
    'mobile-edge': { bandwidthMbps: 200, rttMs: 5, jitterMs: 1 },
    'edge-cloud': { bandwidthMbps: 1, rttMs: 50, jitterMs: 5 },
  },
};

/** The tiers of a placement, in order of the parts. */
export function tiersOfPlacement(name: PlacementName): readonly Tier[] {
  const names = name.split('-');
  return TIERS.filter((tier) => names.includes(tier));
}

/** Whether a placement can hold a model of so many parts: a single tier takes any number. */
export function canHold(name: PlacementName, parts: number): boolean {
  const { length } = tiersOfPlacement(name);
  return length === 1 || length === parts;
}

/** The links between two tiers, in order of the way; none between a tier and itself. */
export function linksBetween(from: Tier, to: Tier): readonly LinkName[] {
  const [first, last] = [TIERS.indexOf(from), TIERS.indexOf(to)].toSorted((a, b) => a - b) as [
    number,
    number,
  ];
  return LINK_NAMES.slice(first, last);
}

/**
 * Time to send something over links, one after the other.
 * @param roundTrip of each link; the mean when left out
 */
export function sendMs(
  setup: TierSetup,
  links: readonly LinkName[],
  bytes: number,
  roundTrip: (link: Link) => number = meanRoundTripMs,
): number {
  return links.reduce((sum, name) => {
    const link = setup.links[name];
    return sum + roundTrip(link) + (8 * bytes) / (1000 * link.bandwidthMbps);
  }, 0);
}

/**
 * A link's round trip at one time: anywhere within its jitter with equal chance, and never below zero.
 * @param random in [0, 1)
 */
export function roundTripMs({ rttMs, jitterMs }: Link, random: () => number): number {
  return Math.max(0, rttMs + (2 * random() - 1) * jitterMs);
}

/** The mean of `roundTripMs`: above the link's figure where the jitter is cut off at zero. */
export function meanRoundTripMs({ rttMs, jitterMs }: Link): number {
  return jitterMs > rttMs ? rttMs + (jitterMs - rttMs) ** 2 / (4 * jitterMs) : rttMs;
}

/** Whether any number of this placement is computed instead of measured on this device. */
export function isEmulated({ name, setup }: TierPlacement): boolean {
  const { speedFactor, measured } = setup.tiers.mobile;
  return name !== 'mobile' || speedFactor !== 1 || measured !== undefined;
}
