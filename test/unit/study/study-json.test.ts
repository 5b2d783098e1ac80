import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { parseStudy, serialiseStudy } from '../../../src/study/study-json.ts';
import { samplesCsv, trialsCsv } from '../../../src/study/csv/study-csv.ts';
import { acrossDevices } from '../../../src/study/devices/device-table.ts';
import { deviceRuns } from '../../../src/study/devices/device-runs.ts';
import { devicesText } from '../../../src/study/devices/devices-text.ts';
import { trialMetrics } from '../../../src/study/metrics.ts';
import { DEFAULT_SETUP } from '../../../src/study/placement/tiers.ts';
import type { Accuracy, Protocol, Study, Trial } from '../../../src/study/trial.ts';
import { environment, makeSample, makeStudy, makeTrial, measuredTrial } from './trials.ts';

const amount = fc.double({ min: 0, max: 1e12, noNaN: true }).map((value) => value + 0);
const sample = fc
  .record({
    round: fc.nat(),
    sequence: fc.nat(),
    warmUp: fc.boolean(),
    segmentMs: fc.array(amount),
    computeMs: amount,
    exitIndex: fc.option(fc.nat(99)),
  })
  .map(makeSample);
const state: fc.Arbitrary<Trial['state']> = fc.oneof(
  fc.constant({ kind: 'queued' } as const),
  fc.record({ kind: fc.constant('running' as const), roundsDone: fc.nat() }),
  fc.constant({ kind: 'done' } as const),
  fc.record({
    kind: fc.constant('failed' as const),
    code: fc.string(),
    message: fc.string({ unit: 'binary' }),
  }),
);
const predictions = fc.array(fc.tuple(fc.nat(9_999_999), fc.option(fc.nat(99)))).map((rows) => ({
  imageIndices: rows.map(([image]) => image),
  top1: rows.map(([image]) => image),
  top5: rows.map(([image]) => [image]),
  confidence: rows.map(() => 0.5),
  exitIndex: rows.map(([, exit]) => exit),
}));
const size = fc.record({
  rawBytes: fc.nat(),
  gzipBytes: fc.option(fc.nat()),
  params: fc.nat(),
  nonZeroParams: fc.nat(),
  macs: fc.nat(),
  macsToExit: fc.array(fc.record({ exitIndex: fc.nat(), macs: fc.nat() })),
});
const predicted = fc.record({
  accuracyTop1: fc.option(amount),
  agreement: fc.option(amount),
  latencyMeanMs: amount,
});
const events: fc.Arbitrary<NonNullable<Trial['events']>> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constantFrom('page-hidden', 'page-shown', 'paused'), atMs: amount }),
    fc.record({ kind: fc.constant('battery' as const), atMs: amount, level: amount, charging: fc.boolean() }),
    fc.record({
      kind: fc.constant('pressure' as const),
      atMs: amount,
      state: fc.constantFrom('nominal', 'fair', 'serious', 'critical'),
    }),
  ),
);
const warmUps: fc.Arbitrary<NonNullable<Trial['warmUps']>> = fc.array(
  fc.record({
    firstSequence: fc.nat(),
    runs: fc.nat(),
    steadyFrom: fc.option(fc.nat()),
    state: fc.constantFrom('steady', 'never-steady', 'fixed'),
  }),
);
/** Each field of its own, and all left out. */
const protocol: fc.Arbitrary<Protocol> = fc
  .record(
    {
      mostWarmUpRuns: fc.nat(),
      order: fc.constantFrom('interleaved', 'sequential'),
      rebuildSessions: fc.constantFrom('each-strategy', 'each-round'),
      images: fc.record({ kind: fc.constant('largest' as const), count: fc.nat() }),
      perRound: fc.constantFrom('drawn-images', 'all-images'),
      accuracyRepetitions: fc.nat(),
      stopping: fc.record({
        halfWidth: fc.double({ min: 0.001, max: 1, noNaN: true }),
        leastRounds: fc.nat(),
        budgetMs: fc.integer({ min: 1 }),
      }),
      sustained: fc.record({ durationMs: fc.integer({ min: 1 }) }),
      referenceSamples: fc.nat(),
    },
    { requiredKeys: [] },
  )
  .map((chosen) => ({ ...makeTrial('none').protocol, ...chosen }));
const study: fc.Arbitrary<Study> = fc
  .uniqueArray(
    fc.record({
      name: fc.string({ unit: 'binary' }),
      state,
      samples: fc.array(sample, { maxLength: 5 }),
      predictions: fc.option(predictions),
      events,
      warmUps,
      protocol,
      size: fc.option(size),
      predicted: fc.option(predicted),
      heapBytes: fc.option(amount),
      warnings: fc.array(fc.string()),
    }),
    { maxLength: 4, selector: ({ name }) => name },
  )
  .map((trials) =>
    makeStudy(
      trials.map(({ name, predicted: expected, ...change }) =>
        makeTrial(name, expected === null ? change : { ...change, predicted: expected }),
      ),
    ),
  );

/** The failure of parsing this text. */
function failureOf(text: string): InputError['failure'] {
  try {
    parseStudy(text);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was accepted');
}

/** study.json with one place changed. */
function edited(path: readonly (string | number)[], value: unknown): string {
  const json = JSON.parse(serialiseStudy(makeStudy([measuredTrial('a', 1, 50)]))) as Record<string, unknown>;
  let place: Record<string | number, unknown> = json;
  for (const key of path.slice(0, -1)) place = place[key] as Record<string | number, unknown>;
  const last = path.at(-1) as string;
  if (value === undefined) delete place[last];
  else place[last] = value;
  return JSON.stringify(json);
}

/** Something in every kind of field. */
function richStudy(): Study {
  const emulated = {
    decodeMs: 1,
    preprocessMs: 1,
    computeMs: 2,
    tierMs: [1, 1],
    transferBytes: 9,
    transferMs: 1,
    postprocessMs: 1,
    totalMs: 6,
  };
  const placed = measuredTrial('placed', 2, 60);
  const trials: readonly Trial[] = [
    {
      ...measuredTrial('a', 1, 50),
      predictions: {
        imageIndices: [0, 1],
        top1: [1, 0],
        top5: [[1], [0]],
        confidence: [0.5, 0.7],
        exitIndex: [null, null],
        labels: [1, null],
      },
      warmUps: [{ firstSequence: 0, runs: 3, steadyFrom: 1, state: 'steady' }],
      events: [{ kind: 'battery', atMs: 5, level: 0.5, charging: true }],
      size: {
        rawBytes: 9,
        gzipBytes: 8,
        params: 7,
        nonZeroParams: 6,
        macs: 5,
        macsToExit: [{ exitIndex: 0, macs: 3 }],
      },
    },
    {
      ...placed,
      strategy: {
        ...placed.strategy,
        recipe: [{ op: 'partition', cut: 'v1' }],
        placement: { name: 'mobile-edge', sends: 'input-tensor', setup: DEFAULT_SETUP },
      },
      samples: [makeSample({ emulated })],
    },
  ];
  return { ...makeStudy(trials), deviceName: 'phone', models: [{ modelId: 'abc', modelName: 'model.onnx' }] };
}

/** The paths to everything in a JSON value. */
function placesOf(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, inner]) => placesOf(inner, [...path, name]))];
}

const REMOVED = Symbol('removed');

const anyJson: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(REMOVED, null, true, -1, 0, 1, 2, 1.5, 1e308, -0, '', 'abc', '__proto__', [], {}, [
    null,
  ]),
  fc.jsonValue(),
);

/** A copy with another value, or nothing, in one place. */
function replaced(whole: unknown, [name, ...rest]: readonly string[], value: unknown): unknown {
  if (name === undefined) return value === REMOVED ? null : value;
  const copy = structuredClone(whole) as Record<string, unknown>;
  if (rest.length === 0 && value === REMOVED) delete copy[name];
  else copy[name] = replaced(copy[name], rest, value);
  return copy;
}

describe('study.json', () => {
  it('reads back exactly what was written', () => {
    fc.assert(
      fc.property(study, (original) => {
        expect(parseStudy(serialiseStudy(original))).toEqual(original);
      }),
    );
  });
  it('keeps every kind of environment', () => {
    const webgpu = {
      available: true,
      adapter: 'x',
      isFallback: true,
      shaderF16: false,
      maxBufferBytes: 1,
    } as const;
    const webnn = { available: true, devices: ['cpu'] } as const;
    const rich = { ...environment, webgpu, webnn, storage: null, deviceMemoryGb: null };
    const original = makeStudy([makeTrial('a', { environment: rich })]);
    expect(parseStudy(serialiseStudy(original))).toEqual(original);
  });
  it('names the place of what is wrong', () => {
    expect(failureOf(edited(['trials', 0, 'samples', 2, 'computeMs'], 'fast'))).toMatchObject({
      code: 'study-invalid',
      where: 'trials[0].samples[2].computeMs',
      message: 'trials[0].samples[2].computeMs: found "fast", wanted a number from 0 up',
    });
    expect(failureOf(edited(['trials', 0, 'state', 'kind'], 'asleep')).where).toBe('trials[0].state.kind');
    expect(failureOf(edited(['trials', 0, 'strategy', 'recipe'], [{ op: 'magic' }])).where).toBe(
      'trials[0].strategy.recipe',
    );
    expect(failureOf(edited(['trials', 0, 'accuracy', 'images'], -1)).where).toBe(
      'trials[0].accuracy.images',
    );
    expect(failureOf(edited(['trials', 0, 'studyId'], 'other')).where).toBe('trials[0].studyId');
    expect(failureOf(edited(['trials', 0, 'samples', 2, 'computeMs'], 1e308)).message).toContain('8640000');
    // Marks of each image would take gigabytes.
    expect(failureOf(edited(['trials', 0, 'samples', 2, 'imageIndex'], 2 ** 31)).message).toContain(
      '10000000',
    );
    expect(failureOf(edited(['protocol'], undefined)).message).toBe(
      'protocol: found nothing, wanted an object',
    );
  });
  it('refuses other files, cut-off files and files from the future', () => {
    const whole = serialiseStudy(makeStudy([measuredTrial('a', 1, 50)]));
    expect(failureOf(whole.slice(0, -20)).code).toBe('study-not-json');
    expect(failureOf('').code).toBe('study-not-json');
    expect(failureOf('null').code).toBe('study-invalid');
    expect(failureOf('[1]').code).toBe('study-invalid');
    expect(failureOf('{"format":"other"}').where).toBe('format');
    expect(failureOf(edited(['formatVersion'], 2)).code).toBe('study-newer-version');
  });
  it('reads a file with a byte order mark, and names UTF-16', () => {
    const whole = serialiseStudy(makeStudy([measuredTrial('a', 1, 50)]));
    expect(parseStudy(`\uFEFF${whole}`)).toEqual(parseStudy(whole));
    const wide = Buffer.from(`\uFEFF${whole}`, 'utf16le').toString('utf8');
    expect(failureOf(wide)).toMatchObject({ code: 'study-not-json', hint: expect.stringContaining('UTF-8') });
  });
  it('never fails in any other way, whatever is changed', () => {
    const text = serialiseStudy(makeStudy([measuredTrial('a', 1, 50)]));
    fc.assert(
      fc.property(
        fc.nat(text.length - 1),
        fc.nat(30),
        fc.string({ maxLength: 5 }),
        (at, removed, inserted) => {
          const damaged = text.slice(0, at) + inserted + text.slice(at + removed);
          try {
            parseStudy(damaged);
          } catch (thrown) {
            expect(thrown).toBeInstanceOf(InputError);
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
  it('refuses parts that do not fit together, and says which', () => {
    const study = makeStudy([measuredTrial('a', 1, 50), measuredTrial('b', 2, 60)]);
    const [first, second] = study.trials as [Trial, Trial];
    const refused = (change: Partial<Trial>) =>
      failureOf(serialiseStudy({ ...study, trials: [first, { ...second, ...change }] }));
    expect(refused({ id: first.id }).message).toContain('an id of its own: trials[0] has the same');
    expect(refused({ strategy: first.strategy }).where).toBe('trials[1].strategy.id');
    expect(refused({ strategy: { ...second.strategy, modelId: 'other' } }).where).toBe(
      'trials[1].strategy.modelId',
    );
    expect(refused({ accuracy: { ...(second.accuracy as Accuracy), top1Correct: 101 } })).toMatchObject({
      code: 'study-invalid',
      message: 'trials[1].accuracy.top1Correct: found 101, wanted at most 100',
    });
    const { decodeMs, preprocessMs, computeMs, postprocessMs, totalMs } = makeSample();
    const times = { decodeMs, preprocessMs, computeMs, postprocessMs, totalMs };
    const emulated = { ...times, transferBytes: 1, transferMs: 1 };
    expect(refused({ samples: [makeSample({ emulated })] }).where).toBe('trials[1].samples[0].emulated');
  });
  it('reads a valid study or refuses, whatever stands in one place', () => {
    const whole = JSON.parse(serialiseStudy(richStudy())) as object;
    expect(parseStudy(JSON.stringify(whole))).toEqual(richStudy());
    const places = placesOf(whole);
    expect(places.length).toBeGreaterThan(200);
    let refusals = 0;
    fc.assert(
      fc.property(fc.nat(places.length - 1), anyJson, (at, value) => {
        const path = places[at] as readonly string[];
        let read: Study;
        try {
          read = parseStudy(JSON.stringify(replaced(whole, path, value)));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InputError);
          expect((thrown as InputError).failure.message).not.toBe('');
          refusals++;
          return;
        }
        // Whatever was accepted is a study: it reads back as itself, and what looks at it does not fail.
        expect(parseStudy(serialiseStudy(read))).toEqual(read);
        for (const trial of read.trials) trialMetrics(trial);
        trialsCsv(read.trials);
        samplesCsv(read.trials);
        devicesText(acrossDevices(deviceRuns([read, read])));
      }),
      { numRuns: 500 },
    );
    expect(refusals).toBeGreaterThan(100);
  });
  it('takes over nothing that it does not know', () => {
    const parsed = parseStudy(edited(['trials', 0, '__proto__x'], { polluted: true }));
    expect(JSON.stringify(parsed)).not.toContain('polluted');
  });
});
