import { grouped } from '../../base/grouped.ts';
import { distinctlyNamed } from '../../transforms/recipe-name.ts';
import { timedSamples, trialMetrics } from '../metrics.ts';
import type { Trial } from '../trial.ts';
import { type AnswersAcross, answersAcross } from './answers-across.ts';
import { type Apart, whatStandsApart } from './apart.ts';
import { conditionText, preparedOtherwise, tableConditions, workText } from './comparable.ts';
import type { DeviceRun } from './device-runs.ts';

/** A strategy on all devices that measured it. */
export interface DeviceRow {
  /** No two rows of a table have the same. */
  readonly name: string;
  /** By column; null where that device did not measure it. */
  readonly trials: readonly (Trial | null)[];
  /** Whether devices answered alike; null where fewer than two tell. */
  readonly answers: AnswersAcross | null;
}

/** Strategies measured on the same images in the same way: what may stand on one front. */
export interface DeviceTable {
  readonly datasetName: string;
  readonly runs: readonly DeviceRun[];
  readonly rows: readonly DeviceRow[];
}

export interface AcrossDevices {
  /** Those with most devices first. */
  readonly tables: readonly DeviceTable[];
  /** What has no counterpart elsewhere, and why. */
  readonly apart: readonly Apart[];
}

/**
 * Puts runs beside each other: one row for what is comparable (same model, recipe, placement, input size, preprocessing),
 * one table for the same images and meaning of the protocol. Trials that failed or timed nothing are left out. A
 * device may run a strategy with the provider and threads that suit it; where one measured several of these, each is
 * a row of its own.
 */
export function acrossDevices(runs: readonly DeviceRun[]): AcrossDevices {
  const measured = runs.map((run) => ({ ...run, trials: run.trials.filter(isMeasured) }));
  const tables = [...grouped(measured.flatMap(placed), ({ trial }) => tableConditions(trial)).values()].map(
    (placedTrials): DeviceTable => {
      const present = runs.filter(({ id }) => placedTrials.some(({ run }) => run.id === id));
      return {
        datasetName: placedTrials[0]?.trial.datasetName ?? '',
        runs: present,
        rows: rowsOf(placedTrials, present),
      };
    },
  );
  return {
    tables: tables.toSorted((a, b) => b.runs.length - a.runs.length),
    apart: whatStandsApart(measured, (trial) => `${tableConditions(trial)}\n${rowKey(trial)}`),
  };
}

interface Placed {
  readonly run: DeviceRun;
  readonly trial: Trial;
}

const placed = (run: DeviceRun): readonly Placed[] => run.trials.map((trial) => ({ run, trial }));

function isMeasured(trial: Trial): boolean {
  return trial.state.kind !== 'failed' && timedSamples(trial).length > 0;
}

function rowKey(trial: Trial): string {
  const conditions = (['model', 'input size', 'preprocessing'] as const).map((each) =>
    conditionText(trial, each),
  );
  return [...conditions, workText(trial.strategy)].join('\n');
}

function rowsOf(all: readonly Placed[], runs: readonly DeviceRun[]): readonly DeviceRow[] {
  const models = new Map(all.map(({ trial }) => [trial.strategy.modelId, trial.modelName]));
  const hasNamesakes = new Set(models.values()).size < models.size;
  const rows = [...grouped(all, ({ trial }) => rowKey(trial)).values()].flatMap((same) => {
    const isRepeated = [...grouped(same, ({ run }) => run.id).values()].some(({ length }) => length > 1);
    const parts = isRepeated ? partsByPlace(same) : [['', same] as const];
    return parts.map(([where, some]) => {
      const first = (some[0] as Placed).trial;
      const name = [
        first.strategy.name,
        ...(models.size > 1 ? [first.modelName] : []),
        ...(hasNamesakes ? [first.strategy.modelId.slice(0, 8)] : []),
        ...(where ? [where] : []),
      ];
      const trials = runs.map(({ id }) => some.find(({ run }) => run.id === id)?.trial ?? null);
      return { first, name: name.join(' · '), trials, answers: answersAcross(trials) };
    });
  });
  const usual = new Map<string, Trial>();
  const named = rows.map(({ first, ...row }) => {
    const otherwise = preparedOtherwise(first, usual.get(row.name) ?? first);
    if (!usual.has(row.name)) usual.set(row.name, first);
    return otherwise === '' ? row : { ...row, name: `${row.name} · ${otherwise}` };
  });
  return distinctlyNamed(named);
}

/**
 * What devices ran in several places, by place. Where no place is one of two devices, that of each where it is fastest
 * stands beside each other.
 */
function partsByPlace(
  same: readonly Placed[],
): readonly (readonly [where: string, some: readonly Placed[]])[] {
  const byDevice = [...grouped(same, ({ run }) => run.id).values()];
  const byPlace = (some: readonly Placed[]) => [...grouped(some, ({ trial }) => placeText(trial)).entries()];
  const isShared = byPlace(same).some(([, some]) => new Set(some.map(({ run }) => run.id)).size > 1);
  if (isShared || byDevice.length < 2) return byPlace(same);
  const fastest = byDevice.map((some) =>
    some.reduce((best, each) => (medianMs(each) < medianMs(best) ? each : best)),
  );
  return [['each at its best', fastest], ...byPlace(same.filter((each) => !fastest.includes(each)))];
}

function medianMs({ trial }: Placed): number {
  return trialMetrics(trial).latencyMedianMs?.value ?? Infinity;
}

/** `wasm, 4 threads`. */
export function placeText({ strategy: { provider, threads } }: Trial): string {
  return provider === 'wasm' ? `wasm, ${threads} ${threads === 1 ? 'thread' : 'threads'}` : provider;
}
