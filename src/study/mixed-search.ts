import {
  DEFAULT_PRECISION,
  type Precision,
  type PrecisionRule,
  PRECISIONS,
} from '../transforms/quantize/mixed-operator.ts';
import type { UnitSensitivity } from './sensitivity.ts';

/** A precision for each layer. */
export interface Assignment {
  /** What recipes call the layers that are not in int8. */
  readonly rules: readonly PrecisionRule[];
  /** What the constants of all layers take in a file: weights, scales, zero points, biases. */
  readonly bytes: number;
  /** The same, of what they take as float32. */
  readonly weightShare: number;
  /** Expected power of the final scores' error, of their own. */
  readonly scoresNoise: number;
  /** Expected share of the images whose best class changes; null: not known. */
  readonly changed: number | null;
}

/** What is known of layers in few bits. */
export interface Scans {
  readonly int8: readonly UnitSensitivity[];
  /** Layers that were not looked at so are in no 4 bits. */
  readonly 'int4-weights': readonly UnitSensitivity[];
}

/** What an assignment must not exceed; null: no matter. */
export interface AssignmentLimits {
  readonly weightShare: number | null;
  readonly changed: number | null;
}

/** Nothing is left of scores by then; more, and what is not a number, would drown all other layers. */
const LOST_NOISE = 1000;
/** Sizes are told apart in so many steps, rounded up. */
const SIZE_STEPS = 2048;

/** One way to have a layer. */
interface Option {
  readonly precision: Precision;
  readonly bytes: number;
  readonly noise: number;
}

/**
 * The assignments that no other beats in both size and error, the smallest first. Errors of layers are taken to add
 * up, which is what independent errors do; bytes are those that files have, the best choice for each is found by dynamic
 * programming.
 * @param scans of the same model; layers that the one in int8 did not come to are in int8
 * @param kept what layers are in that stay in float
 */
export function bestAssignments(
  scans: Scans,
  kept: Extract<Precision, 'float32' | 'float16'>,
): readonly Assignment[] {
  const layers = scans.int8.filter(({ unit }) => unit.kind === 'layer');
  const inFourBits = new Map(scans['int4-weights'].map((each) => [each.unit.id, each]));
  const options = layers.map(({ unit, scoresNoise }) => {
    const four = inFourBits.get(unit.id);
    return optionsOf([
      { precision: DEFAULT_PRECISION, bytes: unit.bytes[DEFAULT_PRECISION], noise: scoresNoise },
      { precision: kept, bytes: unit.bytes[kept], noise: 0 },
      ...(four
        ? [{ precision: 'int4-weights', bytes: unit.bytes['int4-weights'], noise: four.scoresNoise } as const]
        : []),
    ]);
  });
  const float32 = sum(layers.map(({ unit }) => unit.bytes.float32));
  const perNoise = changedPerAmplitude(scans.int8);
  return bestChoices(options).map((chosen): Assignment => {
    const bytes = sum(chosen.map((option) => option.bytes));
    const scoresNoise = sum(chosen.map(({ noise }) => noise));
    return {
      rules: PRECISIONS.flatMap((precision): PrecisionRule[] => {
        const nodes = layers.flatMap(({ unit }, at) =>
          chosen[at]?.precision === precision ? unit.layers : [],
        );
        return precision === DEFAULT_PRECISION || nodes.length === 0 ? [] : [{ nodes, precision }];
      }),
      bytes,
      weightShare: bytes / Math.max(1, float32),
      scoresNoise,
      changed: perNoise === null ? null : Math.min(1, perNoise * Math.sqrt(scoresNoise)),
    };
  });
}

/** Those that no other beats in both bytes and error, the smallest first. */
function optionsOf(all: readonly Option[]): readonly Option[] {
  const known = all.map((option) => ({
    ...option,
    noise: option.noise <= LOST_NOISE ? option.noise : LOST_NOISE,
  }));
  return known
    .toSorted((a, b) => a.bytes - b.bytes || a.noise - b.noise)
    .filter((option, at, sorted) => sorted.slice(0, at).every((smaller) => smaller.noise > option.noise));
}

/** For each size the choice of an option for each layer that has the least error, where more bytes buy less of it. */
function bestChoices(options: readonly (readonly Option[])[]): readonly (readonly Option[])[] {
  const least = options.map(([smallest]) => smallest?.bytes ?? 0);
  const extra = options.map((own, layer) => Math.max(...own.map(({ bytes }) => bytes - (least[layer] ?? 0))));
  const step = Math.max(1, sum(extra)) / SIZE_STEPS;
  const stepsOf = (option: Option, layer: number): number =>
    Math.ceil((option.bytes - (least[layer] as number)) / step);
  const most = sum(options.map((own, layer) => Math.max(...own.map((option) => stepsOf(option, layer)))));
  // The least error of the layers so far within so many steps, and which option of each layer that takes.
  let noise = new Float64Array(most + 1);
  const taken = options.map((own, layer) => {
    const before = noise;
    const which = new Uint8Array(most + 1);
    noise = new Float64Array(most + 1).fill(Infinity);
    own.forEach((option, at) => {
      for (let room = stepsOf(option, layer); room <= most; room++) {
        const total = (before[room - stepsOf(option, layer)] as number) + option.noise;
        if (total >= (noise[room] as number)) continue;
        noise[room] = total;
        which[room] = at;
      }
    });
    return which;
  });
  const front: (readonly Option[])[] = [];
  const all = noise[0] as number;
  for (let room = 0, before = Infinity; room <= most; room++) {
    // Sums in another order differ in the last digits.
    if (before - (noise[room] as number) <= 1e-12 * all) continue;
    before = noise[room] as number;
    const chosen: Option[] = [];
    for (let layer = options.length - 1, left = room; layer >= 0; layer--) {
      const option = options[layer]?.[taken[layer]?.[left] ?? 0] as Option;
      chosen.unshift(option);
      left -= stepsOf(option, layer);
    }
    front.push(chosen);
  }
  return front;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

/**
 * A few assignments within limits, the smallest first: the smallest, the most exact short of keeping everything, and
 * some between at even steps of error in dB.
 */
export function chooseAssignments(
  front: readonly Assignment[],
  { weightShare, changed }: AssignmentLimits,
  most: number,
): readonly Assignment[] {
  const fitting = front.filter(
    (each) =>
      each.scoresNoise > 0 &&
      (weightShare === null || each.weightShare <= weightShare) &&
      (changed === null || (each.changed ?? 1) <= changed),
  );
  const [first] = fitting;
  const last = fitting.at(-1);
  if (first === undefined || last === undefined) return [];
  const steps = Math.max(1, most - 1);
  const chosen = Array.from({ length: most }, (_, at) => {
    const noise = first.scoresNoise * (last.scoresNoise / first.scoresNoise) ** (at / steps);
    return fitting.find(({ scoresNoise }) => scoresNoise <= noise * (1 + 1e-9)) ?? last;
  });
  return [...new Set(chosen)];
}

/**
 * Images change their class about in proportion to the amplitude of the error on their scores: the factor that fits
 * what was seen best; null if nothing tells.
 */
function changedPerAmplitude(results: readonly UnitSensitivity[]): number | null {
  let [product, noise] = [0, 0];
  for (const { changed, scoresNoise } of results) {
    if (changed === null || !Number.isFinite(scoresNoise)) continue;
    product += changed * Math.sqrt(scoresNoise);
    noise += scoresNoise;
  }
  return noise > 0 ? product / noise : null;
}
