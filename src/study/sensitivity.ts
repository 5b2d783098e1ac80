import { defined } from '../base/assert.ts';
import { decibels } from '../base/units.ts';
import { TRUNK_OUTPUTS, UNIT_OUTPUTS } from '../transforms/quantize/sensitivity-recipes.ts';
import type { SensitivityUnit } from '../transforms/quantize/sensitivity-units.ts';

/** What quantizing one unit alone does to a model, on some images. */
export interface UnitSensitivity {
  readonly unit: SensitivityUnit;
  /** Power of what the unit makes over that of its error, in dB. */
  readonly outputDb: number;
  /** The same of the final scores. */
  readonly scoresDb: number;
  /** Power of the final scores' error, of their own: of several units about the sum. */
  readonly scoresNoise: number;
  /** Share of the images whose best class changes; null: the model does not score classes. */
  readonly changed: number | null;
  /** Accuracy with the unit quantized less that without, in [-1, 1]; null without labels. */
  readonly accuracyChange: number | null;
}

/** What quantizing the layers of a recipe alone was seen to do, as far as it was looked at. */
export interface LayerScan {
  readonly results: readonly UnitSensitivity[];
  /** Of so many layers and blocks. */
  readonly total: number;
  /** How many images were to be looked at. */
  readonly images: number;
}

/**
 * Reads what a probe's outputs were.
 * @param rows as `FeaturesPass` has them, of the outputs of a `sensitivityProbe` of these units
 * @param wanted the class of each image; null where it is not known, or the model scores no classes
 * @param scoresClasses false if the best score names no class
 */
export function readProbe(
  units: readonly SensitivityUnit[],
  rows: readonly Float32Array[],
  wanted: readonly (number | null)[],
  scoresClasses: boolean,
): readonly UnitSensitivity[] {
  const row = (at: number): Float32Array => defined(rows[at], `output ${at} of the probe`);
  const [signal, best] = [row(0), row(1)];
  const correct = (found: Float32Array): number => count(found, (value, at) => value === wanted[at]);
  const labelled = wanted.filter((label) => label !== null).length;
  return units.map((unit, position) => {
    const first = TRUNK_OUTPUTS + position * UNIT_OUTPUTS;
    const [output, outputNoise, scoresNoise, found] = [0, 1, 2, 3].map((at) => row(first + at)) as [
      Float32Array,
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    const total = sum(signal);
    const noise = sum(scoresNoise);
    return {
      unit,
      outputDb: decibels(sum(output), sum(outputNoise)),
      scoresDb: decibels(total, noise),
      scoresNoise: noise === 0 ? 0 : noise / total,
      changed: scoresClasses ? count(found, (value, at) => value !== best[at]) / found.length : null,
      accuracyChange: scoresClasses && labelled > 0 ? (correct(found) - correct(best)) / labelled : null,
    };
  });
}

/** The most damaging first: by the error of the scores, then by that of what the unit makes. */
export function bySensitivity(results: readonly UnitSensitivity[]): readonly UnitSensitivity[] {
  return results.toSorted((a, b) => a.scoresDb - b.scoresDb || a.outputDb - b.outputDb);
}

/**
 * By what recipes call layers, the error of the scores that each causes; of layers not looked at yet their block's,
 * shared out evenly.
 */
export function noiseOfLayers(results: readonly UnitSensitivity[]): ReadonlyMap<string, number> {
  const known = new Map<string, number>();
  for (const kind of ['block', 'layer'] as const) {
    for (const { unit, scoresNoise } of results) {
      if (unit.kind !== kind) continue;
      for (const layer of unit.layers) known.set(layer, scoresNoise / unit.layers.length);
    }
  }
  return known;
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}

function count(values: Float32Array, isCounted: (value: number, at: number) => boolean): number {
  let counted = 0;
  values.forEach((value, at) => {
    if (isCounted(value, at)) counted++;
  });
  return counted;
}
