import { formatShare } from '../../base/units.ts';
import type { Result } from '../../base/result.ts';
import { trialMetrics } from '../metrics.ts';
import { kendallTau, type RankAgreement } from '../statistics/rank-agreement.ts';
import type { DeviceRun } from './device-runs.ts';
import type { DeviceTable } from './device-table.ts';

/** Two strategies that two devices order differently. */
export interface PlaceChange {
  /** The faster one on the first device. */
  readonly faster: string;
  readonly slower: string;
  /** How many times as fast it is on the first device; above 1. */
  readonly ratioHere: number;
  /** The same on the second; below 1. */
  readonly ratioThere: number;
  /** Whether the medians' 95 % intervals keep apart on both: else it may be noise. */
  readonly isClear: boolean;
}

/** How far two devices order their common strategies alike, by median latency. */
export interface DeviceAgreement {
  readonly here: DeviceRun;
  readonly there: DeviceRun;
  readonly strategies: number;
  /** Kendall's tau-b; a failure where fewer than two strategies, or ties alone, tell nothing. */
  readonly tau: Result<RankAgreement>;
  /** Clear ones first, then by how much they differ. */
  readonly changes: readonly PlaceChange[];
}

/** Rank agreement of each pair of a table's devices. */
export function rankDevices({ runs, rows }: DeviceTable): readonly DeviceAgreement[] {
  const latencies = rows.map(({ name, trials }) => ({
    name,
    of: trials.map((trial) => trial && trialMetrics(trial).latencyMedianMs),
  }));
  return runs.flatMap((here, i) =>
    runs.slice(i + 1).map((there, offset): DeviceAgreement => {
      const j = i + 1 + offset;
      const common = latencies.flatMap(({ name, of }) => {
        const [a, b] = [of[i], of[j]];
        return a && b ? [{ name, a, b }] : [];
      });
      const changes = common.flatMap((one, at) =>
        common.slice(at + 1).flatMap((other): readonly PlaceChange[] => {
          const [first, second] = one.a.value <= other.a.value ? [one, other] : [other, one];
          const ratioHere = second.a.value / first.a.value;
          const ratioThere = second.b.value / first.b.value;
          if (!(ratioHere > 1 && ratioThere < 1)) return [];
          const isClear = isBelow(first.a, second.a) && isBelow(second.b, first.b);
          return [{ faster: first.name, slower: second.name, ratioHere, ratioThere, isClear }];
        }),
      );
      return {
        here,
        there,
        strategies: common.length,
        tau: kendallTau(
          common.map(({ a }) => a.value),
          common.map(({ b }) => b.value),
        ),
        changes: changes.toSorted(
          (a, b) => Number(b.isClear) - Number(a.isClear) || extentOf(b) - extentOf(a),
        ),
      };
    }),
  );
}

/**
 * The agreements that are worth a word: pairs with nothing in common only where no pair has anything, since why they do
 * not compare is told anyway.
 */
export function agreementsWorthTelling(table: DeviceTable): readonly DeviceAgreement[] {
  const all = rankDevices(table);
  const common = all.filter(({ strategies }) => strategies > 0);
  return common.length > 0 ? common : all;
}

interface Bounds {
  readonly low: number | null;
  readonly high: number | null;
}

function isBelow(a: Bounds, b: Bounds): boolean {
  return a.high !== null && b.low !== null && a.high < b.low;
}

/** On the device where it is least. */
function extentOf({ ratioHere, ratioThere }: PlaceChange): number {
  return Math.min(ratioHere, 1 / ratioThere);
}

/** How alike two devices order strategies, in one plain sentence. */
export function agreementText({ here, there, strategies, tau, changes }: DeviceAgreement): string {
  const who = `${here.name} and ${there.name}`;
  if (strategies < 2)
    return `${who} have ${strategies === 0 ? 'no strategy' : 'one strategy'} in common; an order needs two.`;
  if (!tau.ok) return `${who} cannot be told to agree: ${tau.failure.message}`;
  const { agreement, p } = tau.value;
  const pairs = (strategies * (strategies - 1)) / 2;
  const alike = `${who} order ${formatShare((pairs - changes.length) / pairs)} of the pairs of ${strategies} strategies alike`;
  const chance = p < 0.05 ? 'more than chance would' : 'which chance would do, too';
  const numbers = `Kendall's tau-b ${agreement.toFixed(2)}, p ${p < 0.001 ? p.toExponential(1) : p.toFixed(3)}`;
  const meaning = agreement < 0 && p < 0.05 ? 'rather the other way round' : chance;
  return `${alike}, ${meaning} (${numbers}).`;
}

/** A change of places in one plain sentence. */
export function changeText(
  { faster, slower, ratioHere, ratioThere, isClear }: PlaceChange,
  { here, there }: DeviceAgreement,
): string {
  const there_ = `${(1 / ratioThere).toFixed(2)}x slower on ${there.name}`;
  const doubt = isClear ? '' : '; within the noise';
  return `${faster} is ${ratioHere.toFixed(2)}x faster than ${slower} on ${here.name}, but ${there_}${doubt}.`;
}
