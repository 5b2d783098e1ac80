import { InputError } from '../../base/result.ts';
import { formatBytes } from '../../base/units.ts';
import type { Tier } from '../../transforms/variant.ts';
import type { PartFacts } from './emulate.ts';
import {
  canHold,
  PLACEMENT_NAMES,
  type PlacementName,
  type TierPlacement,
  tiersOfPlacement,
} from './tiers.ts';

/** Measured: a session takes about two and a half times its file. */
export const MEMORY_PER_FILE_BYTE = 2.5;

/**
 * Refuses what cannot run: parts without a tier, a tier without enough memory, a crossing of unknown size.
 * @throws InputError `placement-parts`, `placement-memory`, `placement-size`, naming the nearest thing that works
 */
export function checkPlacement(placement: TierPlacement, facts: PartFacts): void {
  const { name } = placement;
  const parts = facts.partBytes.length;
  if (!canHold(name, parts)) {
    const wanted = tiersOfPlacement(name).length;
    throw new InputError({
      code: 'placement-parts',
      message: `placement ${name}: found a model of ${partsText(parts)}, wanted ${partsText(wanted)}`,
      where: name,
      hint:
        parts < wanted
          ? `Add ${wanted - parts === 1 ? 'a cut' : 'cuts'} to the recipe, or place it on ${orText(workingPlacements(placement, facts))}.`
          : `Remove a cut, or place it on ${orText(workingPlacements(placement, facts))}.`,
    });
  }
  const short = shortOfMemory(placement, facts);
  if (short) {
    const { tier, neededBytes, limitBytes } = short;
    const working = workingPlacements(placement, facts);
    const fitting = formatBytes(limitBytes / MEMORY_PER_FILE_BYTE);
    throw new InputError({
      code: 'placement-memory',
      message: `placement ${name}: the ${tier} tier has ${formatBytes(limitBytes)} of memory, its part needs about ${formatBytes(neededBytes)}`,
      where: tier,
      hint: `${working.length > 0 ? `Place it on ${orText(working)}, or cut` : 'Cut'} so that the part on ${tier} has at most ${fitting} of weights; quantizing makes it smaller too.`,
    });
  }
  const isRemote = tiersOfPlacement(name)[0] !== 'mobile';
  const needsInputSize = isRemote && placement.sends === 'input-tensor';
  const crosses = tiersOfPlacement(name).length > 1;
  if ((crosses && facts.crossingBytes.includes(null)) || (needsInputSize && facts.inputBytes === null)) {
    throw new InputError({
      code: 'placement-size',
      message: `placement ${name}: the size of what crosses is not known, so its transfer time is not either`,
      where: name,
      hint: 'Cut where the shapes are known, or place the whole on one tier.',
    });
  }
}

/** A tier that has less memory than its parts need. */
export interface ShortTier {
  readonly tier: Tier;
  readonly neededBytes: number;
  readonly limitBytes: number;
}

/** The first tier of a placement without enough memory; null if all have enough. */
export function shortOfMemory(
  { name, setup }: Pick<TierPlacement, 'name' | 'setup'>,
  { partBytes }: Pick<PartFacts, 'partBytes'>,
): ShortTier | null {
  const tiers = tiersOfPlacement(name);
  const neededBytes = new Map<Tier, number>();
  partBytes.forEach((bytes, part) => {
    const tier = (tiers.length === 1 ? tiers[0] : tiers[part]) as Tier;
    neededBytes.set(tier, (neededBytes.get(tier) ?? 0) + MEMORY_PER_FILE_BYTE * bytes);
  });
  for (const [tier, needed] of neededBytes) {
    const limitBytes = setup.tiers[tier].memoryLimitBytes;
    if (limitBytes !== null && needed > limitBytes) return { tier, neededBytes: needed, limitBytes };
  }
  return null;
}

/** The placements that can hold so many parts and have the memory for them. */
export function workingPlacements(
  { setup }: Pick<TierPlacement, 'setup'>,
  facts: Pick<PartFacts, 'partBytes'>,
): readonly PlacementName[] {
  return PLACEMENT_NAMES.filter(
    (name) => canHold(name, facts.partBytes.length) && shortOfMemory({ name, setup }, facts) === null,
  );
}

function partsText(parts: number): string {
  return parts === 1 ? 'one part' : `${parts} parts`;
}

function orText(names: readonly string[]): string {
  return names.length < 2
    ? (names[0] ?? 'another tier')
    : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`;
}
