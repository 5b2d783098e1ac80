import { formatBytes, formatMs } from '../../base/units.ts';
import type { ShortTier } from '../../study/placement/check-placement.ts';
import { type PlacementName, tiersOfPlacement } from '../../study/placement/tiers.ts';
import type { ExpectedTimes } from '../../study/predict.ts';

/** `mobile → edge`, `edge`. */
export function tiersText(name: PlacementName): string {
  return name.replaceAll('-', ' → ');
}

/** How far something measured is off what was predicted: `+4 %`. */
export function offText(predictedMs: number, measuredMs: number): string {
  const percent = Math.round(100 * (measuredMs / predictedMs - 1));
  return `${percent > 0 ? '+' : percent < 0 ? '−' : '±'}${Math.abs(percent)} %`;
}

/** Where the time of an inference is expected to go: `prepare 0.4 + mobile 2.1 + send 5.3 + edge 0.8 + answer 0.1 ms`. */
export function splitText(name: PlacementName, times: ExpectedTimes): string {
  const parts: readonly (readonly [string, number])[] = [
    ['prepare', times.decodeMs + times.preprocessMs],
    ...tiersOfPlacement(name).map((tier, at) => [tier, times.tierMs[at] ?? 0] as const),
    ['send', times.transferMs],
    ['answer', times.postprocessMs],
  ];
  const told = parts.filter(([label, ms]) => ms > 0 || label !== 'send');
  return told.map(([label, ms]) => `${label} ${formatMs(ms)}`).join(' + ');
}

/** `edge has 50 MB, its part needs about 100 MB`. */
export function shortText({ tier, neededBytes, limitBytes }: ShortTier): string {
  return `${tier} has ${formatBytes(limitBytes)} of memory, its part needs about ${formatBytes(neededBytes)}`;
}
