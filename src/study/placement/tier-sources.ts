import type { Tier } from '../../transforms/variant.ts';
import type { Sample, Strategy } from '../trial.ts';
import { tiersOfPlacement, type TierSpec } from './tiers.ts';

/** Where a tier's computing times come from, for people: `this device ÷ 4`, `measured on …`. */
export function tierSource({ speedFactor, measured }: TierSpec): string {
  if (measured)
    return `${measured.source === 'recipe' ? 'measured' : 'its nodes measured'} on ${measured.device}`;
  return speedFactor === 1 ? 'this device' : `this device ÷ ${speedFactor}`;
}

/** The same of every tier that takes part in a strategy: `mobile: this device; edge: this device ÷ 4`; null: none is emulated. */
export function tierSources({ placement }: Pick<Strategy, 'placement'>): string | null {
  if (!placement) return null;
  const { tiers } = placement.setup;
  return tiersOfPlacement(placement.name)
    .map((tier) => `${tier}: ${tierSource(tiers[tier])}`)
    .join('; ');
}

/** What an emulated inference computed on a tier; undefined where that is not told or the tier takes no part. */
export function tierMsOf(
  { placement }: Pick<Strategy, 'placement'>,
  { emulated }: Sample,
  tier: Tier,
): number | undefined {
  const at = placement ? tiersOfPlacement(placement.name).indexOf(tier) : -1;
  return emulated?.tierMs?.[at];
}
