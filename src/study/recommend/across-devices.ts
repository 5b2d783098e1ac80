import { grouped } from '../../base/grouped.ts';
import { distinctlyNamed } from '../../transforms/recipe-name.ts';
import type { StrategyFacts } from '../compare/strategy-facts.ts';
import { type Candidate, candidatesOf, onUsersLink } from './candidates.ts';
import { ranked } from './choose.ts';
import { type Advice, recommend } from './recommend.ts';
import type { Limits, Wish } from './wishes.ts';

/** One strategy for all devices. */
export interface SharedChoice {
  readonly name: string;
  /** How much more latency than each device's own best it takes there at most: 1.2 for a fifth more. */
  readonly worstRatio: number;
  /** On which device that is. */
  readonly worstDevice: string;
}

/** What is recommended for several devices. */
export interface AdviceForAll {
  readonly devices: readonly Advice[];
  /** Null for one device, and where no strategy measured on all of them keeps within the limits on all. */
  readonly shared: SharedChoice | null;
  /** Why there is none, or what it costs; null for one device. */
  readonly sharedText: string | null;
}

/**
 * The best strategy of each device, and one for all: the one whose latency is at most the smallest multiple of the best
 * one's on the device where it does worst (least greatest regret). Strategies of different devices are the same where
 * model, recipe and placement are; each device may run them with what is best for it.
 */
export function recommendForAll(all: readonly StrategyFacts[], limits: Limits, wish: Wish): AdviceForAll {
  const everywhere = placesOf(all);
  const advices = everywhere.map(({ id, name, facts }) => ({
    ...recommend(facts, limits, wish),
    deviceId: id,
    deviceName: name,
  }));
  // Only where the numbers mean the same can one be the best for all.
  const [own] = everywhere;
  const alike = everywhere.filter(({ facts }) => facts[0]?.conditions === own?.facts[0]?.conditions);
  const apart = everywhere.filter((place) => !alike.includes(place)).map(({ name }) => name);
  const apartText =
    apart.length === 0
      ? ''
      : ` ${apart.join('; ')} took other images or another protocol, and ${apart.length === 1 ? 'is' : 'are'} advised on alone.`;
  if (alike.length < 2)
    return { devices: advices, shared: null, sharedText: apartText === '' ? null : apartText.trim() };
  const devices = alike.map(({ facts }) => facts);
  const fitting = devices.map((facts) => fittingByWork(facts, limits, wish));
  const [first, ...others] = fitting;
  const common = [...(first?.keys() ?? [])].filter((work) => others.every((each) => each.has(work)));
  const choices = common.map((work): SharedChoice => {
    const regrets = fitting.map((each, at) => {
      const least = Math.min(...[...each.values()].map(({ latencyMs }) => latencyMs));
      const ratio = (each.get(work)?.latencyMs ?? Infinity) / least;
      return { ratio, device: alike[at]?.name ?? '' };
    });
    const worst = regrets.reduce((most, each) => (each.ratio > most.ratio ? each : most));
    return { name: first?.get(work)?.facts.name ?? '', worstRatio: worst.ratio, worstDevice: worst.device };
  });
  const [best] = choices.toSorted((a, b) => a.worstRatio - b.worstRatio);
  const sharedText = textOf(best ?? null, devices.length, limits) + apartText;
  return { devices: advices, shared: best ?? null, sharedText };
}

/** Strategies that may be ranked together: of one device, the same images and meaning of the protocol. */
function placesOf(all: readonly StrategyFacts[]) {
  const groups = [...grouped(all, ({ deviceId, conditions }) => `${deviceId}\n${conditions}`)];
  const deviceIds = groups.map(([, facts]) => facts[0]?.deviceId);
  return distinctlyNamed(
    groups.map(([id, facts]) => {
      const { deviceName, deviceId, datasetName } = facts[0] as StrategyFacts;
      const isRepeated = deviceIds.filter((each) => each === deviceId).length > 1;
      return { id, facts, name: isRepeated ? `${deviceName}, ${datasetName}` : deviceName };
    }),
  );
}

function textOf(best: SharedChoice | null, devices: number, limits: Limits): string {
  if (best === null)
    return Object.values(limits).every((limit) => limit === null)
      ? `No strategy was measured on all ${devices} devices: measure the same recipes on each.`
      : `No strategy that was measured on all ${devices} devices keeps within the limits on each of them.`;
  const more = Math.round(100 * (best.worstRatio - 1));
  return more === 0
    ? `One for all ${devices} devices: ${best.name}, as fast as the best on each.`
    : `One for all ${devices} devices: ${best.name}; it takes at most ${more} % longer than the fastest that fits, on ${best.worstDevice}.`;
}

/** What keeps within the limits, by what ran; of several ways to run it the best. */
function fittingByWork(
  facts: readonly StrategyFacts[],
  limits: Limits,
  wish: Wish,
): ReadonlyMap<string, Candidate> {
  const best = new Map<string, Candidate>();
  for (const candidate of ranked(candidatesOf(onUsersLink(facts, limits)).candidates, limits, wish)) {
    const { modelId, recipe, placement, inputSize } = candidate.facts.strategy;
    const work = JSON.stringify([modelId, recipe, placement?.name ?? null, inputSize ?? null]);
    if (!best.has(work)) best.set(work, candidate);
  }
  return best;
}
