import type { ChannelGroup, ChannelGroups, ChannelPlace } from './channel-group.ts';

/**
 * The same groups, in the same order, once some of their units are gone: units are numbered anew, and axes have lost
 * the indices of those that went. What hangs together was found out in the whole model and stays so, where groups
 * found anew might be others (convolutions in groups lose whole groups or become thinner, whichever leaves more).
 * @param kept 1 for each unit that stays; something of each group does
 */
export function groupsLeft({ groups, places, unitCount }: ChannelGroups, kept: Uint8Array): ChannelGroups {
  const numbers = new Int32Array(unitCount).fill(-1);
  let count = 0;
  for (let unit = 0; unit < unitCount; unit++) if (kept[unit] === 1) numbers[unit] = count++;
  const known = new Map<Int32Array, Int32Array>();
  const unitsLeft = (units: Int32Array): Int32Array => {
    const same = known.get(units);
    if (same !== undefined) return same;
    const left = units
      .filter((unit) => unit < 0 || kept[unit] === 1)
      .map((unit) => (unit < 0 ? -1 : (numbers[unit] as number)));
    known.set(units, left);
    return left;
  };
  const placeLeft = new Map(
    places.map((place): [ChannelPlace, ChannelPlace] => [place, { ...place, units: unitsLeft(place.units) }]),
  );
  let firstUnit = 0;
  return {
    places: [...placeLeft.values()],
    unitCount: count,
    groups: groups.map((group): ChannelGroup => {
      const own = kept.subarray(group.firstUnit, group.firstUnit + group.unitCount);
      const left = own.reduce((sum, stays) => sum + stays, 0);
      firstUnit += left;
      return {
        ...group,
        firstUnit: firstUnit - left,
        unitCount: left,
        places: group.places.map((place) => placeLeft.get(place) ?? place),
      };
    }),
  };
}
