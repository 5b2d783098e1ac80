import type { EmulatedTimes, Sample } from './trial.ts';

/** Samples as columns of numbers: a tenth of the time to keep and to cross to another thread that objects take. */
export interface PackedSamples {
  readonly length: number;
  /** Row-major, `COLUMNS.length` numbers for each sample. */
  readonly numbers: Float64Array;
  /** Exit taken, -1 where the model has one output; bit flags of warm-up and reference. */
  readonly exits: Int32Array;
  readonly flags: Uint8Array;
  /** Segments of each sample, and their times one after another. */
  readonly segments: Uint16Array;
  readonly segmentMs: Float64Array;
  /** Calculated times by position; null where nothing was emulated. */
  readonly emulated: readonly (EmulatedTimes | null)[] | null;
}

const COLUMNS = [
  'round',
  'sequence',
  'startedAtMs',
  'imageIndex',
  'decodeMs',
  'preprocessMs',
  'postprocessMs',
  'computeMs',
  'totalMs',
] as const satisfies readonly (keyof Sample)[];

const WARM_UP = 1;
const REFERENCE = 2;

/** The samples as columns; `unpackSamples` gives equal ones. */
export function packSamples(samples: readonly Sample[]): PackedSamples {
  const numbers = new Float64Array(COLUMNS.length * samples.length);
  let filled = 0;
  for (const sample of samples) for (const name of COLUMNS) numbers[filled++] = sample[name];
  return {
    length: samples.length,
    numbers,
    exits: Int32Array.from(samples, ({ exitIndex }) => exitIndex ?? -1),
    flags: Uint8Array.from(
      samples,
      ({ warmUp, reference }) => (warmUp ? WARM_UP : 0) | (reference ? REFERENCE : 0),
    ),
    segments: Uint16Array.from(samples, ({ segmentMs }) => segmentMs.length),
    segmentMs: Float64Array.from(samples.flatMap(({ segmentMs }) => segmentMs)),
    emulated: samples.some(({ emulated }) => emulated)
      ? samples.map(({ emulated }) => emulated ?? null)
      : null,
  };
}

/** The samples that were packed. */
export function unpackSamples(packed: PackedSamples): Sample[] {
  const { numbers, exits, flags, segments, segmentMs, emulated } = packed;
  const samples: Sample[] = [];
  let number = 0;
  let segment = 0;
  // Plain loops and one shape of object: there may be hundreds of thousands, and the page waits for them.
  for (let at = 0; at < packed.length; at++) {
    const flag = flags[at] as number;
    const exit = exits[at] as number;
    const times: number[] = [];
    for (const end = segment + (segments[at] as number); segment < end; segment++)
      times.push(segmentMs[segment] as number);
    const sample: { -readonly [Name in keyof Sample]: Sample[Name] } = {
      round: numbers[number++] as number,
      sequence: numbers[number++] as number,
      startedAtMs: numbers[number++] as number,
      imageIndex: numbers[number++] as number,
      warmUp: (flag & WARM_UP) !== 0,
      decodeMs: numbers[number++] as number,
      preprocessMs: numbers[number++] as number,
      segmentMs: times,
      postprocessMs: numbers[number++] as number,
      computeMs: numbers[number++] as number,
      totalMs: numbers[number++] as number,
      exitIndex: exit < 0 ? null : exit,
    };
    if ((flag & REFERENCE) !== 0) sample.reference = true;
    const calculated = emulated?.[at];
    if (calculated) sample.emulated = calculated;
    samples.push(sample);
  }
  return samples;
}

/** What packed samples take in memory, calculated times as text. */
export function packedBytes({ numbers, exits, flags, segments, segmentMs, emulated }: PackedSamples): number {
  const columns = [numbers, exits, flags, segments, segmentMs];
  const calculated = emulated === null ? 0 : JSON.stringify(emulated).length;
  return columns.reduce((sum, { byteLength }) => sum + byteLength, calculated);
}
