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
  samples.forEach((sample, at) =>
    COLUMNS.forEach((name, column) => {
      numbers[at * COLUMNS.length + column] = sample[name];
    }),
  );
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
  let segment = 0;
  return Array.from({ length: packed.length }, (_, at): Sample => {
    const first = at * COLUMNS.length;
    const number = (column: number): number => numbers[first + column] as number;
    const flag = flags[at] as number;
    const exit = exits[at] as number;
    const times = segmentMs.subarray(segment, (segment += segments[at] as number));
    const calculated = emulated?.[at];
    return {
      round: number(0),
      sequence: number(1),
      startedAtMs: number(2),
      imageIndex: number(3),
      warmUp: (flag & WARM_UP) !== 0,
      ...((flag & REFERENCE) !== 0 && { reference: true }),
      decodeMs: number(4),
      preprocessMs: number(5),
      segmentMs: Array.from(times),
      postprocessMs: number(6),
      computeMs: number(7),
      totalMs: number(8),
      exitIndex: exit < 0 ? null : exit,
      ...(calculated && { emulated: calculated }),
    };
  });
}

/** What packed samples take in memory, calculated times as text. */
export function packedBytes({ numbers, exits, flags, segments, segmentMs, emulated }: PackedSamples): number {
  const columns = [numbers, exits, flags, segments, segmentMs];
  const calculated = emulated === null ? 0 : JSON.stringify(emulated).length;
  return columns.reduce((sum, { byteLength }) => sum + byteLength, calculated);
}
