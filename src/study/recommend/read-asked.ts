import { type Failure, InputError } from '../../base/result.ts';
import type { Tier } from '../../transforms/variant.ts';
import { type Asked, type Limits, NO_LIMITS, WISHES } from './wishes.ts';

/** Where only the bandwidth is given, as in the app. */
const USUAL_RTT_MS = 10;

/** How each limit is set from its number. */
const NUMBERS = new Map<string, (value: number, limits: Limits) => Partial<Limits>>([
  ['accuracyLoss', (accuracyLoss) => ({ accuracyLoss })],
  ['p90Ms', (latencyP90Ms) => ({ latencyP90Ms })],
  ['rawBytes', (rawBytes) => ({ rawBytes })],
  ['heapBytes', (heapBytes) => ({ heapBytes })],
  [
    'bandwidthMbps',
    (bandwidthMbps, { link }) => ({ link: { bandwidthMbps, rttMs: link?.rttMs ?? USUAL_RTT_MS } }),
  ],
  ['rttMs', (rttMs, { link }) => ({ link: { bandwidthMbps: link?.bandwidthMbps ?? 0, rttMs } })],
]);
const TIERS: readonly Tier[] = ['mobile', 'edge', 'cloud'];

/**
 * Limits and a wish as text: `wish=fastest,accuracyLoss=0.01,p90Ms=20`. Losses are shares, times milliseconds, sizes
 * bytes; `tiers=mobile+edge` may compute, `bandwidthMbps` and `rttMs` are the link to the edge. What is left out is not
 * limited; the wish is `balanced`.
 * @throws InputError `bad-advice` naming the part, what was found and what was wanted
 */
export function readAsked(text: string): Asked {
  let asked: Asked = { limits: NO_LIMITS, wish: 'balanced' };
  for (const part of text.split(',').map((each) => each.trim())) {
    if (part === '') continue;
    const [, name = part, value = ''] = /^([^=]*)=(.*)$/.exec(part) ?? [];
    asked = withPart(asked, name.trim(), value.trim());
  }
  if (asked.limits.link?.bandwidthMbps === 0)
    refuse('rttMs alone', 'bandwidthMbps beside it, such as bandwidthMbps=50,rttMs=10');
  return asked;
}

function withPart({ limits, wish }: Asked, name: string, value: string): Asked {
  const found = `${name}=${value}`;
  const set = NUMBERS.get(name);
  if (set) {
    const number = value === '' ? Number.NaN : Number(value);
    if (!(number >= 0 && Number.isFinite(number)) || (name === 'bandwidthMbps' && number === 0))
      refuse(found, `a number from 0 up after "${name}="`);
    return { wish, limits: { ...limits, ...set(number, limits) } };
  }
  switch (name) {
    case 'wish': {
      const wished = WISHES.find(({ id }) => id === value);
      if (!wished) refuse(found, `wish=${WISHES.map(({ id }) => id).join(' or ')}`);
      return { limits, wish: wished.id };
    }
    case 'tiers': {
      const tiers = value.split('+').map((each) => TIERS.find((tier) => tier === each.trim()));
      const known = tiers.filter((tier) => tier !== undefined);
      if (known.length < tiers.length) refuse(found, `tiers=${TIERS.join('+')} or fewer of them`);
      return { wish, limits: { ...limits, tiers: known } };
    }
    default:
      return refuse(name, `wish, tiers, ${[...NUMBERS.keys()].join(', ')}`);
  }
}

function refuse(found: string, wanted: string): never {
  const failure: Failure = { code: 'bad-advice', message: `advice: found "${found}", wanted ${wanted}` };
  throw new InputError(failure);
}
