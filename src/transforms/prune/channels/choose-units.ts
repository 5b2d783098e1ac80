import type { ChannelGroup, ChannelGroups } from './channel-group.ts';
import type { GroupPlan } from './group-plans.ts';

/** Guards shares such as 10 x (1 - 0.9) against falling below the whole number that is meant. */
const ROUNDING = 1e-9;

/**
 * Which units stay: of each group those with the highest scores, of equal ones the later, so that the result is the
 * same everywhere. Layers that hold but a part of their group's units lose the same share of them. Groups without a
 * ratio of their own are ranked together: of all their channels the share `ratio` goes, and no group gets below its
 * least. What is left is rounded up to the multiple wanted, up to all there are. No axis is emptied.
 * @param scores by unit
 * @param unitsBefore how many units a group had before earlier steps, which shares are of; now if left out
 * @returns 1 for each unit that stays; units of groups without a plan do
 */
export function chooseUnits(
  { places, unitCount }: Pick<ChannelGroups, 'places' | 'unitCount'>,
  plans: readonly GroupPlan[],
  scores: Float64Array,
  ratio: number,
  unitsBefore: (plan: GroupPlan) => number = ({ group }) => group.unitCount,
): Uint8Array {
  const kept = new Uint8Array(unitCount).fill(1);
  const together = plans.filter((plan) => plan.ratio === null);
  const left = unitsLeftTogether(together, scores, ratio, unitsBefore);
  for (const plan of plans) {
    const { firstUnit, unitCount: count } = plan.group;
    const wanted =
      plan.ratio === null ? (left.get(plan) ?? count) : unitsWanted(unitsBefore(plan), plan.ratio);
    const toRemove = count - unitsThatStay(plan, wanted);
    const order = ranked(plan, scores);
    const removed = plan.ratio === null ? order.slice(0, toRemove) : removedEvenly(plan, order, toRemove);
    for (const unit of removed) kept[firstUnit + unit] = 0;
  }
  keepOfEachAxis(places, scores, kept);
  return kept;
}

/**
 * The first units in order that can go while each layer keeps its share of those it holds; where that leaves too
 * many, layers lose one more than their share, and so on.
 * @param order the group's units, counted within it
 */
function removedEvenly(plan: GroupPlan, order: readonly number[], toRemove: number): readonly number[] {
  const layers = partialLayers(plan);
  if (layers.length === 0 || toRemove === 0) return order.slice(0, toRemove);
  const share = toRemove / plan.group.unitCount;
  const layersOf = order.map((): number[] => []);
  const quotas = layers.map((units, layer) => {
    for (const unit of units) layersOf[unit]?.push(layer);
    const stay = Math.ceil((units.size - Math.round(units.size * share)) / plan.multipleOf) * plan.multipleOf;
    return Math.max(0, units.size - Math.max(1, stay));
  });
  const removed = new Set<number>();
  // In multiples nothing is given up: one more than its share would leave a layer with an odd number.
  const rounds = plan.multipleOf === 1 ? toRemove : 0;
  for (let more = 0; more <= rounds && removed.size < toRemove; more++) {
    for (const unit of order) {
      if (removed.size === toRemove) break;
      const own = layersOf[unit] as number[];
      if (removed.has(unit) || own.some((layer) => (quotas[layer] as number) + more <= 0)) continue;
      removed.add(unit);
      for (const layer of own) quotas[layer] = (quotas[layer] as number) - 1;
    }
  }
  return [...removed];
}

/** The units of weights' axes that hold but some of the group's, each set once. */
function partialLayers({ group }: GroupPlan): readonly ReadonlySet<number>[] {
  const known = knownPartialLayers.get(group);
  if (known !== undefined) return known;
  const { firstUnit, unitCount, places } = group;
  const found = new Map<string, ReadonlySet<number>>();
  for (const { kind, units } of places) {
    if (kind === 'value') continue;
    const own = new Set<number>();
    for (const unit of units)
      if (unit >= firstUnit && unit < firstUnit + unitCount) own.add(unit - firstUnit);
    if (own.size < unitCount) found.set([...own].join(), own);
  }
  const layers = [...found.values()];
  knownPartialLayers.set(group, layers);
  return layers;
}

/** Those who look for ratios ask about the same group again and again. */
const knownPartialLayers = new WeakMap<ChannelGroup, readonly ReadonlySet<number>[]>();

/** Where all indices of an axis would go (a slice of a value, say), the unit worth most stays after all. */
export function keepOfEachAxis(
  places: ChannelGroups['places'],
  scores: Float64Array,
  kept: Uint8Array,
): void {
  for (const { units } of places) {
    if (units.some((unit) => unit < 0 || kept[unit] === 1)) continue;
    const best = units.reduce((one, other) =>
      (scores[other] as number) > (scores[one] as number) ? other : one,
    );
    kept[best] = 1;
  }
}

/** How many of so many units a ratio leaves, whatever else is wanted of them. */
export function unitsWanted(units: number, ratio: number): number {
  return Math.floor(units * (1 - ratio) + ROUNDING);
}

/** How many units of a group stay if so many are wanted: at least its least, rounded up, at most all. */
function unitsThatStay({ group: { unitCount }, minUnits, multipleOf }: GroupPlan, wanted: number): number {
  const least = Math.max(1, minUnits, wanted);
  return Math.min(unitCount, Math.ceil(least / multipleOf) * multipleOf);
}

/** A group's units from the least worth on, counted within the group; of equal ones the earlier first. */
function ranked({ group: { firstUnit, unitCount } }: GroupPlan, scores: Float64Array): number[] {
  const scoreOf = (unit: number): number => scores[firstUnit + unit] as number;
  return Array.from({ length: unitCount }, (_, unit) => unit).sort(
    (a, b) => compare(scoreOf(a), scoreOf(b)) || a - b,
  );
}

/** Takes the units worth least of all groups until the share of channels is gone. */
function unitsLeftTogether(
  plans: readonly GroupPlan[],
  scores: Float64Array,
  ratio: number,
  unitsBefore: (plan: GroupPlan) => number,
): Map<GroupPlan, number> {
  const channels = (units: (plan: GroupPlan) => number): number =>
    plans.reduce((sum, plan) => sum + plan.channelsPerUnit * units(plan), 0);
  const all = channels(unitsBefore);
  let toRemove = channels(({ group }) => group.unitCount) - unitsWanted(all, ratio);
  const left = new Map(plans.map((plan) => [plan, plan.group.unitCount]));
  const candidates = plans
    .flatMap((plan) => ranked(plan, scores).map((unit) => ({ plan, unit: plan.group.firstUnit + unit })))
    .sort((a, b) => compare(scores[a.unit] as number, scores[b.unit] as number) || a.unit - b.unit);
  for (const { plan } of candidates) {
    const units = left.get(plan) as number;
    if (plan.channelsPerUnit > toRemove || units <= Math.max(1, plan.minUnits)) continue;
    left.set(plan, units - 1);
    toRemove -= plan.channelsPerUnit;
  }
  return left;
}

/** Infinite scores are equal to each other: their difference is no number. */
function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
