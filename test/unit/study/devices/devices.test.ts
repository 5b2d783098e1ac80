import { describe, expect, it } from 'vitest';
import { acrossDevices } from '../../../../src/study/devices/device-table.ts';
import { type DeviceRun, deviceRuns } from '../../../../src/study/devices/device-runs.ts';
import { devicesCsv, DEVICES_COLUMNS } from '../../../../src/study/devices/devices-csv.ts';
import { devicesFront } from '../../../../src/study/devices/devices-front.ts';
import { devicesText } from '../../../../src/study/devices/devices-text.ts';
import { environmentDifferences } from '../../../../src/study/devices/environment-differences.ts';
import { changeText, rankDevices } from '../../../../src/study/devices/rank-devices.ts';
import type { Study, Trial } from '../../../../src/study/trial.ts';
import { readCsv } from '../../../fixtures/read-csv.ts';
import { environment, makeSample, makeStudy, makeTrial } from '../trials.ts';

const recipes: Readonly<Record<string, Trial['strategy']['recipe']>> = {
  identity: [{ op: 'identity' }],
  cut: [{ op: 'partition', cut: 'v1' }],
  'cut later': [{ op: 'partition', cut: 'v2' }],
};

/** A study of these medians in milliseconds on one device. */
function studyOn(
  device: string,
  medians: Readonly<Record<string, number>>,
  change: Partial<Trial> = {},
  answers: readonly number[] = [0, 1, 1, 0],
): Study {
  const trials = Object.entries(medians).map(([name, ms]) => {
    const trial = makeTrial(name, {
      id: `${device}-${name}`,
      studyId: device,
      environment: { ...environment, userAgent: device, platform: device },
      samples: [0.96, 0.98, 0.99, 1, 1, 1.01, 1.02, 1.04].map((factor, sequence) =>
        makeSample({ sequence, computeMs: ms * factor }),
      ),
      predictions: {
        imageIndices: answers.map((_, image) => image),
        top1: answers,
        top5: answers.map((best) => [best]),
        confidence: answers.map(() => 0.9),
        exitIndex: answers.map(() => null),
      },
      accuracy: { images: 4, labelledImages: 4, top1Correct: 3, top5Correct: null, agreeing: 4 },
      ...change,
    });
    const recipe = recipes[name] ?? trial.strategy.recipe;
    return { ...trial, strategy: { ...trial.strategy, recipe, ...change.strategy } };
  });
  return { ...makeStudy(trials), id: device };
}

const fast = { identity: 10, cut: 12, 'cut later': 20 };
const other = { identity: 40, cut: 30, 'cut later': 90 };
const across = (...studies: Study[]) => acrossDevices(deviceRuns(studies));
const names = (runs: readonly DeviceRun[]) => runs.map(({ name }) => name);

describe('devices beside each other', () => {
  it('puts comparable trials in one row, never into one', () => {
    const { tables, apart } = across(studyOn('A', fast), studyOn('B', other));
    expect(apart).toEqual([]);
    expect(tables).toHaveLength(1);
    expect(tables[0]?.rows.map(({ name, trials }) => [name, ...trials.map((t) => t?.id)])).toEqual(
      Object.keys(fast).map((name) => [name, `A-${name}`, `B-${name}`]),
    );
  });

  it('keeps two studies of one device apart, under different names', () => {
    const again = { ...studyOn('A', fast), id: 'again' };
    const runs = deviceRuns([studyOn('A', fast), { ...again, trials: again.trials }]);
    expect(names(runs)).toEqual(['A, 2 cores', 'A, 2 cores (2)']);
    expect(acrossDevices(runs).tables[0]?.runs).toHaveLength(2);
  });

  it('takes the name that the user gave, and tells devices of one study apart', () => {
    const a = studyOn('A', fast);
    expect(names(deviceRuns([{ ...a, deviceName: 'kitchen phone' }]))).toEqual(['kitchen phone']);
    const both = { ...a, deviceName: 'phone', trials: [...a.trials, ...studyOn('B', other).trials] };
    expect(names(deviceRuns([both]))).toEqual(['phone: A, 2 cores', 'phone: B, 2 cores']);
  });

  it.each([
    ['Mozilla/5.0 (Linux; Android 10; K) Chrome/156.0.0.0 Mobile Safari/537.36', 'Chrome 156'],
    ['Mozilla/5.0 (Windows NT 10.0) Chrome/155.0.0.0 Safari/537.36 Edg/155.0', 'Edge 155'],
    ['Mozilla/5.0 (iPhone) AppleWebKit/605 Version/18.1 Mobile/15E148 Safari/604.1', 'Safari 18'],
    ['Mozilla/5.0 (X11; Linux) Gecko/20100101 Firefox/145.0', 'Firefox 145'],
  ])('names the browser of %s', (userAgent, browser) => {
    const a = studyOn('A', { identity: 3 });
    const trials = a.trials.map((trial) => ({ ...trial, environment: { ...environment, userAgent } }));
    expect(names(deviceRuns([{ ...a, trials }]))[0]).toMatch(new RegExp(`, ${browser}$`));
  });

  const strategy = makeTrial('x').strategy;
  it.each<[string, Partial<Trial>, RegExp]>([
    ['another model', { strategy: { ...strategy, modelId: 'zzz9' } }, /another model \(model\.onnx, zzz9/],
    ['other images', { datasetId: '7777', datasetName: 'b.zip' }, /other images \(b\.zip, 7777/],
    [
      'another preprocessing',
      { preprocessing: { ...makeTrial('x').preprocessing, mean: [0.5, 0.5, 0.5] } },
      /mean: \[0\.5,0\.5,0\.5\] instead of \[0,0,0\]/,
    ],
    [
      'another meaning of the protocol',
      { protocol: { ...makeTrial('x').protocol, perRound: 'all-images' } },
      /perRound: "all-images" instead of none/,
    ],
  ])('never puts %s beside the others, and says why', (_what, change, reason) => {
    const { tables, apart } = across(studyOn('A', { identity: 10 }), studyOn('B', { identity: 9 }, change));
    for (const { rows } of tables)
      for (const { trials } of rows) expect(trials.filter((trial) => trial !== null)).toHaveLength(1);
    expect(apart[0]?.reason).toMatch(reason);
  });

  it('compares across seeds, rounds, orders and threads, which each device has its own of', () => {
    const change = {
      protocol: { ...makeTrial('x').protocol, rounds: 9, seed: 3, order: 'sequential' as const },
    };
    const b = studyOn('B', fast, change);
    const trials = b.trials.map((t) => ({ ...t, strategy: { ...t.strategy, threads: 8 } }));
    expect(across(studyOn('A', fast), { ...b, trials }).apart).toEqual([]);
  });

  it('gives providers and threads rows of their own where one device measured several', () => {
    const two = studyOn('A', { identity: 10 });
    const four = two.trials.map((t) => ({ ...t, id: 'four', strategy: { ...t.strategy, threads: 4 } }));
    const { tables } = across({ ...two, trials: [...two.trials, ...four] }, studyOn('B', { identity: 9 }));
    expect(tables[0]?.rows.map(({ name, trials }) => [name, trials.map((t) => t !== null)])).toEqual([
      ['identity · wasm, 2 threads', [true, true]],
      ['identity · wasm, 4 threads', [true, false]],
    ]);
  });

  it('tells rank agreement and which strategies change places', () => {
    const [table] = across(studyOn('A', fast), studyOn('B', other)).tables;
    const [agreement] = table ? rankDevices(table) : [];
    expect(agreement?.tau.ok && agreement.tau.value.agreement).toBeCloseTo(1 / 3, 12);
    expect(agreement?.changes).toHaveLength(1);
    const [change] = agreement?.changes ?? [];
    expect(agreement && change && changeText(change, agreement)).toBe(
      'identity is 1.20x faster than cut on A, 2 cores, but 1.33x slower on B, 2 cores.',
    );
  });

  it('calls a change of places noise where intervals overlap', () => {
    const [table] = across(
      studyOn('A', { identity: 10, cut: 10.1 }),
      studyOn('B', { identity: 10.1, cut: 10 }),
    ).tables;
    expect(table && rankDevices(table)[0]?.changes[0]?.isClear).toBe(false);
  });

  it('counts images that devices answer differently', () => {
    const { tables } = across(studyOn('A', fast), studyOn('B', other, {}, [0, 1, 0, 0]));
    expect(tables[0]?.rows[0]?.answers).toEqual({ images: 4, differing: 1, isPartial: false });
    expect(devicesText(across(studyOn('A', fast), studyOn('B', other)))).toContain(
      'the same class for every',
    );
  });

  it('lists only how devices differ', () => {
    const runs = deviceRuns([studyOn('A', fast), studyOn('B', other)]);
    expect(environmentDifferences(runs)).toEqual([
      { what: 'System', values: ['A', 'B'] },
      { what: 'Browser', values: ['A', 'B'] },
    ]);
  });

  it('writes a row for each strategy and device, with ranks among what all have', () => {
    const { identity, cut } = other;
    const csv = readCsv(devicesCsv(across(studyOn('A', fast), studyOn('B', { identity, cut }))));
    expect(csv.length).toBe(5);
    expect([...(csv[0]?.keys() ?? [])]).toEqual(DEVICES_COLUMNS.map(({ name }) => name));
    expect(csv.map((row) => [row.get('device'), row.get('strategy'), row.get('latency_rank')])).toEqual([
      ['A, 2 cores', 'identity', '1'],
      ['B, 2 cores', 'identity', '2'],
      ['A, 2 cores', 'cut', '2'],
      ['B, 2 cores', 'cut', '1'],
      ['A, 2 cores', 'cut later', ''],
    ]);
  });

  it('draws a front for each device, within the picture', () => {
    const studies = Array.from('ABCDEFGH').map((device) => studyOn(device, fast));
    const [table] = across(...studies).tables;
    for (const width of [300, 900]) {
      const drawing = table && devicesFront(table).draw(width);
      expect(drawing?.tips).toHaveLength(24);
      expect(JSON.stringify(drawing)).not.toMatch(/NaN|null/);
    }
  });

  it('tells what differs from several devices alike once, and how devices differ', () => {
    const change = { datasetId: 'other', datasetName: 'other.zip' };
    const compared = across(studyOn('A', fast), studyOn('B', other), studyOn('C', fast, change));
    expect(compared.apart.map(({ here, there }) => [names(here), there.name])).toEqual([
      [['A, 2 cores', 'B, 2 cores'], 'C, 2 cores'],
    ]);
    const text = devicesText(compared);
    expect(text).toContain('of A, 2 cores and B, 2 cores: C, 2 cores has other images');
    expect(text).toContain('System:\n- A: A, 2 cores\n- B: B, 2 cores\n- C: C, 2 cores');
    // Whom a device shares nothing with is told there, not as an order of nothing.
    expect(text).not.toContain('no strategy in common');
  });

  it('names rows of models that are called alike, and of images prepared otherwise, by what differs', () => {
    const prepared = { preprocessing: { ...makeTrial('x').preprocessing, mean: [0.5, 0.5, 0.5] } };
    const { tables } = across(studyOn('A', { identity: 10 }), studyOn('B', { identity: 9 }, prepared));
    expect(tables[0]?.rows.map(({ name }) => name)).toEqual(['identity', 'identity · mean: [0.5,0.5,0.5]']);
    const b = studyOn('B', { identity: 9 });
    const trials = b.trials.map((t) => ({ ...t, strategy: { ...t.strategy, modelId: 'ffff0000ffff' } }));
    const models = across(studyOn('A', { identity: 10 }), { ...b, trials }).tables[0]?.rows;
    expect(models?.map(({ name }) => name)).toEqual([
      'identity · model.onnx · abc',
      'identity · model.onnx · ffff0000',
    ]);
  });

  it('sets the fastest places beside each other where devices ran in no place alike', () => {
    const run = (device: string, threads: number, ms: number) =>
      studyOn(device, { identity: ms }).trials.map((t) => ({
        ...t,
        id: `${t.id}-${threads}`,
        strategy: { ...t.strategy, id: `${threads}`, threads },
      }));
    const a = { ...studyOn('A', { identity: 1 }), trials: [...run('A', 1, 10), ...run('A', 2, 6)] };
    const b = { ...studyOn('B', { identity: 1 }), trials: run('B', 4, 3) };
    const rows = across(a, b).tables[0]?.rows;
    expect(rows?.map(({ name, trials }) => [name, trials.map((t) => t?.strategy.threads ?? null)])).toEqual([
      ['identity · each at its best', [2, 4]],
      ['identity · wasm, 1 thread', [1, null]],
    ]);
  });

  it('says what nothing in common means', () => {
    const text = devicesText(across(studyOn('A', { identity: 3 }), studyOn('B', { cut: 3 })));
    expect(text).toContain('have no strategy in common');
    expect(text).toContain('identity of A, 2 cores: B, 2 cores has nothing like it.');
  });
});
