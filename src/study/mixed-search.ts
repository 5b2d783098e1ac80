import type { UnitSensitivity } from './sensitivity.ts';

/** Which layers stay in float so that the others, in int8, do least damage for their size. */
export interface Assignment {
  /** What recipes call the layers that stay. */
  readonly kept: readonly string[];
  /** What the weights of all layers take, of what they take as float32. */
  readonly weightShare: number;
  /** Expected power of the final scores' error, of their own. */
  readonly scoresNoise: number;
  /** Expected share of the images whose best class changes; null: not known. */
  readonly changed: number | null;
}

/** What an assignment must not exceed; null: no matter. */
export interface AssignmentLimits {
  readonly weightShare: number | null;
  readonly changed: number | null;
}

const INT8_SHARE = 1 / 4;
/** Nothing is left of scores by then; more, and what is not a number, would drown all other layers. */
const LOST_NOISE = 1000;
/** Sizes are told apart in so many steps, rounded up. */
const SIZE_STEPS = 2048;

/**
 * The assignments that no other beats in both size and error, the smallest first: all in int8, then more and more kept.
 * Errors of layers are taken to add up, which is what independent errors do; sizes are exact, found by dynamic
 * programming over the bytes that may be kept.
 * @param results of a scan; layers that it did not come to are int8
 * @param keptShare what a kept layer's weights take, of float32
 */
export function bestAssignments(
  results: readonly UnitSensitivity[],
  keptShare: number,
): readonly Assignment[] {
  const layers = results
    .filter(({ unit }) => unit.kind === 'layer')
    .map(({ unit, scoresNoise }) => ({
      unit,
      scoresNoise: scoresNoise <= LOST_NOISE ? scoresNoise : LOST_NOISE,
    }));
  const total = layers.reduce((sum, { unit }) => sum + unit.weights, 0);
  const all = layers.reduce((sum, { scoresNoise }) => sum + scoresNoise, 0);
  const step = Math.max(1, total) / SIZE_STEPS;
  const sizes = layers.map(({ unit }) => Math.max(1, Math.ceil(unit.weights / step)));
  const most = sizes.reduce((sum, size) => sum + size, 0);
  // The most error that keeping layers of so many steps takes away, and which layers those are.
  const removed = new Float64Array(most + 1);
  const isTaken = layers.map(() => new Uint8Array(most + 1));
  layers.forEach(({ scoresNoise }, layer) => {
    const size = sizes[layer] as number;
    for (let room = most; room >= size; room--) {
      const better = (removed[room - size] as number) + scoresNoise;
      if (better <= (removed[room] as number)) continue;
      removed[room] = better;
      (isTaken[layer] as Uint8Array)[room] = 1;
    }
  });
  const perNoise = changedPerAmplitude(results);
  const front: Assignment[] = [];
  for (let room = 0, before = -Infinity; room <= most; room++) {
    const gain = removed[room] as number;
    // Sums in another order differ in the last digits.
    if (gain - before <= 1e-12 * all) continue;
    before = gain;
    const kept: number[] = [];
    for (let layer = layers.length - 1, left = room; layer >= 0; layer--) {
      if (isTaken[layer]?.[left] !== 1) continue;
      kept.push(layer);
      left -= sizes[layer] as number;
    }
    const keptWeights = kept.reduce((sum, layer) => sum + (layers[layer]?.unit.weights ?? 0), 0);
    const scoresNoise = Math.max(0, all - gain);
    front.push({
      kept: kept.toReversed().flatMap((layer) => layers[layer]?.unit.layers ?? []),
      weightShare: INT8_SHARE + ((keptShare - INT8_SHARE) * keptWeights) / Math.max(1, total),
      scoresNoise,
      changed: perNoise === null ? null : Math.min(1, perNoise * Math.sqrt(scoresNoise)),
    });
  }
  return front;
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
