import { formatBytes, formatMs } from '../../base/units.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import type { Link, LinkName, TierSetup } from '../placement/tiers.ts';
import type { Tier } from '../../transforms/variant.ts';
import { type Candidate, candidatesOf, emulatedUnder, withLink } from './candidates.ts';
import { ranked } from './choose.ts';
import { type Limits, type Wish, WISHES } from './wishes.ts';

/** Another world in which another strategy is the best. */
export interface MindChanger {
  /** A sentence: `A link above 12 Mbit/s makes "cut after block 3" the best.` */
  readonly text: string;
  readonly what: 'bandwidth' | 'round-trip' | 'tier-speed' | 'limit' | 'wish';
  /** Where it turns, in the unit of what is changed: Mbit/s, ms, times, share, bytes; null for wishes, or if nowhere. */
  readonly threshold: number | null;
  /** What is the best there; null: nothing fits any more. */
  readonly trialId: string | null;
}

/** The best of some facts; null if nothing fits. */
function bestOf(facts: readonly StrategyFacts[], limits: Limits, wish: Wish): Candidate | null {
  return ranked(candidatesOf(facts).candidates, limits, wish)[0] ?? null;
}

/** More tell no better where a latency crosses another's. */
const MOST_SAMPLES = 400;

/** Facts with every so-many-th sample, for sweeps that recompute all latencies many times. */
function thinned(facts: StrategyFacts): StrategyFacts {
  const { loads, latencyMs, exit, round } = facts;
  const step = Math.ceil(latencyMs.length / MOST_SAMPLES);
  if (step <= 1) return facts;
  const every = <T extends Float64Array | Uint8Array | Uint32Array | Int16Array>(all: T): T =>
    all.filter((_, at) => at % step === 0) as T;
  const thinLink = (name: LinkName) =>
    loads && { bytes: every(loads.links[name].bytes), crossings: every(loads.links[name].crossings) };
  const [near, far] = [thinLink('mobile-edge'), thinLink('edge-cloud')];
  return {
    ...facts,
    latencyMs: every(latencyMs),
    round: every(round),
    exit: every(exit),
    loads:
      loads && near && far
        ? { ...loads, tierMs: loads.tierMs.map(every), links: { 'mobile-edge': near, 'edge-cloud': far } }
        : loads,
  };
}

/**
 * What would make another strategy the best: other links, other speeds of tiers, other limits, another wish. For each
 * the nearest change in either direction.
 * @param facts of one device, with latencies on the user's link
 * @param winner what is best now
 */
export function mindChangers(
  facts: readonly StrategyFacts[],
  winner: Candidate,
  limits: Limits,
  wish: Wish,
): readonly MindChanger[] {
  const thin = facts.map(thinned);
  return [
    ...placementChangers(thin, winner, limits, wish),
    ...limitChangers(facts, winner, limits, wish),
    ...wishChangers(facts, winner, limits, wish),
  ];
}

interface Sweep {
  readonly what: 'bandwidth' | 'round-trip' | 'tier-speed';
  /** The setup with the changed number in place. */
  readonly change: (setup: TierSetup, value: number) => TierSetup;
  readonly now: (setup: TierSetup) => number;
  readonly from: number;
  readonly to: number;
  readonly say: (value: string, isAbove: boolean) => string;
  readonly format: (value: number) => string;
}

function placementChangers(
  facts: readonly StrategyFacts[],
  winner: Candidate,
  limits: Limits,
  wish: Wish,
): readonly MindChanger[] {
  const setups = facts.flatMap(({ loads }) => (loads ? [loads.placement.setup] : []));
  const [setup] = setups;
  if (!setup) return [];
  const changers = SWEEPS.flatMap((sweep): readonly MindChanger[] => {
    const { change, now } = sweep;
    // The user's own link stands for the near one.
    const here =
      sweep === SWEEPS[0] && limits.link
        ? limits.link.bandwidthMbps
        : sweep === SWEEPS[1] && limits.link
          ? limits.link.rttMs
          : now(setup);
    const at = (value: number): Candidate | null =>
      bestOf(
        facts.map((each) => emulatedUnder(each, (own) => change(withLink(own, limits), value))),
        limits,
        wish,
      );
    if (at(here)?.facts.trialId !== winner.facts.trialId) return [];
    return ([1, -1] as const).flatMap((direction) => {
      const turn = turnOf(at, here, direction === 1 ? sweep.to : sweep.from, winner.facts.trialId);
      if (turn === null) return [];
      const said = sweep.say(sweep.format(turn.threshold), direction === 1);
      return [
        {
          what: sweep.what,
          threshold: turn.threshold,
          trialId: turn.best?.facts.trialId ?? null,
          text: turn.best
            ? `${said} makes ${turn.best.facts.name} the best.`
            : `${said} leaves nothing that fits.`,
        },
      ];
    });
  });
  const isLinkOfNoUse =
    winner.facts.loads === null &&
    !changers.some(({ what }) => what === 'bandwidth' || what === 'round-trip');
  return isLinkOfNoUse ? [...changers, noLinkHelps(winner)] : changers;
}

function noLinkHelps({ facts }: Candidate): MindChanger {
  return {
    what: 'bandwidth',
    threshold: null,
    trialId: facts.trialId,
    text: `However fast the links, none of the placements measured becomes better than ${facts.name}.`,
  };
}

/**
 * The value nearest to `here`, on the way to `end`, from which on another is the best: found on a grid by powers, then
 * by bisection to a thousandth.
 */
function turnOf(
  at: (value: number) => Candidate | null,
  here: number,
  end: number,
  winnerId: string,
): { readonly threshold: number; readonly best: Candidate | null } | null {
  const steps = 24;
  let known = Math.max(here, 1e-3);
  const ratio = (end / known) ** (1 / steps);
  if (!Number.isFinite(ratio) || ratio === 1 || ratio > 1 !== end > here) return null;
  for (let step = 0; step < steps; step++) {
    let beyond = known * ratio;
    let best = at(beyond);
    if (best?.facts.trialId === winnerId) {
      known = beyond;
      continue;
    }
    while (Math.abs(beyond / known - 1) > 1e-3) {
      const middle = Math.sqrt(beyond * known);
      const there = at(middle);
      if (there?.facts.trialId === winnerId) known = middle;
      else [beyond, best] = [middle, there];
    }
    return { threshold: beyond, best };
  }
  return null;
}

const twoDigits = (value: number): string => Number(value.toPrecision(2)).toString();

function linkSweeps(name: LinkName, of: string): readonly Sweep[] {
  const changed = (setup: TierSetup, link: Partial<Link>): TierSetup => ({
    ...setup,
    links: { ...setup.links, [name]: { ...setup.links[name], ...link } },
  });
  return [
    {
      what: 'bandwidth',
      change: (setup, bandwidthMbps) => changed(setup, { bandwidthMbps }),
      now: (setup) => setup.links[name].bandwidthMbps,
      from: 0.05,
      to: 10_000,
      format: (value) => `${twoDigits(value)} Mbit/s`,
      say: (value, isAbove) => `A link ${of} ${isAbove ? 'above' : 'below'} ${value}`,
    },
    {
      what: 'round-trip',
      change: (setup, rttMs) => changed(setup, { rttMs, jitterMs: 0 }),
      now: (setup) => setup.links[name].rttMs,
      from: 0.1,
      to: 2000,
      format: (value) => `${twoDigits(value)} ms`,
      say: (value, isAbove) => `A round trip ${of} ${isAbove ? 'above' : 'below'} ${value}`,
    },
  ];
}

function speedSweep(tier: Tier): Sweep {
  return {
    what: 'tier-speed',
    change: (setup, speedFactor) => ({
      ...setup,
      tiers: { ...setup.tiers, [tier]: { ...setup.tiers[tier], speedFactor } },
    }),
    now: (setup) => setup.tiers[tier].speedFactor,
    from: 0.1,
    to: 1000,
    format: (value) => `${twoDigits(value)} ×`,
    say: (value, isAbove) =>
      `A${tier === 'edge' ? 'n' : ''} ${tier} device ${isAbove ? 'more' : 'less'} than ${value} as fast as this one`,
  };
}

const SWEEPS: readonly Sweep[] = [
  ...linkSweeps('mobile-edge', 'to the edge'),
  ...linkSweeps('edge-cloud', 'from edge to cloud'),
  speedSweep('edge'),
  speedSweep('cloud'),
];

type NumericLimit = 'accuracyLoss' | 'latencyP90Ms' | 'rawBytes' | 'heapBytes';

const NUMERIC_LIMITS: readonly {
  readonly id: NumericLimit;
  readonly of: (candidate: Candidate) => number | null;
  readonly relaxed: (text: string) => string;
  readonly tightened: (text: string) => string;
  readonly format: (value: number) => string;
}[] = [
  {
    id: 'accuracyLoss',
    of: (candidate) => candidate.qualityLoss,
    relaxed: (text) => `Allowing a loss of ${text}`,
    tightened: (text) => `Allowing a loss of less than ${text}`,
    format: (share) => `${(100 * Math.max(0, share)).toFixed(1)} points`,
  },
  {
    id: 'latencyP90Ms',
    of: (candidate) => candidate.latencyP90Ms,
    relaxed: (text) => `Allowing a p90 of ${text}`,
    tightened: (text) => `Allowing a p90 of less than ${text}`,
    format: formatMs,
  },
  {
    id: 'rawBytes',
    of: (candidate) => candidate.rawBytes,
    relaxed: (text) => `Allowing ${text} of files`,
    tightened: (text) => `Allowing less than ${text} of files`,
    format: formatBytes,
  },
  {
    id: 'heapBytes',
    of: (candidate) => candidate.heapBytes,
    relaxed: (text) => `Allowing ${text} of memory`,
    tightened: (text) => `Allowing less than ${text} of memory`,
    format: formatBytes,
  },
];

function limitChangers(
  facts: readonly StrategyFacts[],
  winner: Candidate,
  limits: Limits,
  wish: Wish,
): readonly MindChanger[] {
  const { candidates } = candidatesOf(facts);
  return NUMERIC_LIMITS.flatMap(({ id, of, relaxed, tightened, format }) => {
    const now = limits[id];
    const values = candidates.flatMap((candidate) => of(candidate) ?? []).toSorted((a, b) => a - b);
    const changers: MindChanger[] = [];
    const changer = (threshold: number, said: string, best: Candidate | null): MindChanger => ({
      what: 'limit',
      threshold,
      trialId: best?.facts.trialId ?? null,
      text: best ? `${said} makes ${best.facts.name} the best.` : `${said} leaves nothing that fits.`,
    });
    const under = (limit: number): Candidate | null =>
      ranked(candidates, { ...limits, [id]: limit }, wish)[0] ?? null;
    // A wider limit changes something only where there is one.
    for (const value of now === null ? [] : values.filter((each) => each > now)) {
      const best = under(value);
      if (!best || best.facts.trialId === winner.facts.trialId) continue;
      changers.push(changer(value, relaxed(format(value)), best));
      break;
    }
    const own = of(winner);
    if (own !== null && (id !== 'accuracyLoss' || own > 0)) {
      const best = under(own - Math.max(1e-6 * Math.abs(own), 1e-8));
      if (best || now !== null) changers.push(changer(own, tightened(format(own)), best));
    }
    return changers;
  });
}

function wishChangers(
  facts: readonly StrategyFacts[],
  winner: Candidate,
  limits: Limits,
  wish: Wish,
): readonly MindChanger[] {
  return WISHES.flatMap(({ id, label }): MindChanger[] => {
    if (id === wish) return [];
    const best = bestOf(facts, limits, id);
    if (!best || best.facts.trialId === winner.facts.trialId) return [];
    return [
      {
        what: 'wish',
        threshold: null,
        trialId: best.facts.trialId,
        text: `Wishing "${label.toLowerCase()}" instead makes ${best.facts.name} the best.`,
      },
    ];
  });
}
