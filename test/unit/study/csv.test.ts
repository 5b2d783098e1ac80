import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvCell } from '../../../src/study/csv-text.ts';
import { rounded } from '../../../src/study/csv/column.ts';
import { SAMPLE_COLUMNS, segmentColumn } from '../../../src/study/csv/sample-columns.ts';
import { samplesCsv, trialsCsv } from '../../../src/study/csv/study-csv.ts';
import { TRIAL_COLUMNS } from '../../../src/study/csv/trial-columns.ts';
import { DEFAULT_SETUP } from '../../../src/study/placement/tiers.ts';
import { parseStudy, serialiseStudy } from '../../../src/study/study-json.ts';
import { makeSample, makeStudy, makeTrial, measuredTrial } from './trials.ts';

/** RFC 4180, nothing else: the header's names and each row's cells. */
function parse(csv: string): Record<string, string>[] {
  const rows: string[][] = [[]];
  let cell = '';
  for (let i = 0, quoted = false; i < csv.length; i++) {
    const character = csv[i] as string;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (csv[i + 1] === '"') cell += csv[i++];
      else quoted = false;
    } else if (character === '"') quoted = true;
    else if (character === ',' || character === '\r') {
      rows.at(-1)?.push(cell);
      cell = '';
      if (character === '\r') {
        expect(csv[++i]).toBe('\n');
        rows.push([]);
      }
    } else cell += character;
  }
  expect(rows.pop()).toEqual([]);
  const [header = [], ...body] = rows;
  return body.map((cells) => {
    expect(cells).toHaveLength(header.length);
    return Object.fromEntries(cells.map((text, column) => [header[column] as string, text]));
  });
}

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.stringMatching(/^[=+@\-\t\r\n",; '|a1]{0,8}$/),
);

describe('cells', () => {
  it('survive any text, except that text which a spreadsheet would execute gets an apostrophe', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const [row] = parse(`a\r\n${csvCell(text)}\r\n`);
        expect([text, `'${text}`]).toContain(row?.['a']);
      }),
      { numRuns: 1000 },
    );
  });
  it('never begin like a formula', () => {
    for (const text of [
      '=1+1',
      '+1',
      '-1',
      '@SUM(A1)',
      '\t=1',
      '\r=1',
      '\n=1',
      ' =1',
      '＝1',
      '=HYPERLINK("x")',
    ]) {
      const [row] = parse(`a\r\n${csvCell(text)}\r\n`);
      expect(row?.['a']).toBe(`'${text}`);
    }
  });
  it('leave numbers as they are', () => {
    expect([-1.5, 0, 1e-7, 123456789, Number.NaN, null, true, false].map(csvCell)).toEqual([
      '-1.5',
      '0',
      '1e-7',
      '123456789',
      '',
      '',
      '1',
      '0',
    ]);
  });
});

describe('trials.csv', () => {
  const fast = measuredTrial('fast', 1, 60);
  const slow = measuredTrial('slow, "careful"', 4, 90);
  const bad = makeTrial('=cmd|calc', {
    state: { kind: 'failed', code: 'worker-crashed', message: 'The worker crashed.' },
    samples: [makeSample({ computeMs: 0.1 })],
  });
  const rows = parse(trialsCsv([fast, slow, bad]));
  it('has a row per trial and the documented columns', () => {
    expect(rows).toHaveLength(3);
    expect(Object.keys(rows[0] ?? {})).toEqual(TRIAL_COLUMNS.map((column) => column.name));
    expect(new Set(TRIAL_COLUMNS.map((column) => column.name)).size).toBe(TRIAL_COLUMNS.length);
    expect(TRIAL_COLUMNS.every((column) => column.description.length > 4)).toBe(true);
  });
  it('tells what was measured, what failed and why', () => {
    expect(rows[0]).toMatchObject({
      strategy: 'fast',
      state: 'done',
      on_front: '1',
      samples: '9',
      latency_median_ms: '1',
      accuracy_top1: '0.6',
      recipe: '[{"op":"identity"}]',
    });
    expect(rows[1]).toMatchObject({ strategy: 'slow, "careful"', latency_median_ms: '4' });
    expect(rows[2]).toMatchObject({
      strategy: "'=cmd|calc",
      state: 'failed',
      on_front: '0',
      failure: 'The worker crashed.',
    });
  });
  it('leaves a gzipped size empty as long as it is not known', () => {
    const size = { rawBytes: 9, gzipBytes: null, params: 2, nonZeroParams: 2, macs: 4, macsToExit: [] };
    const [unknown, known] = parse(
      trialsCsv([makeTrial('a', { size }), makeTrial('b', { size: { ...size, gzipBytes: 7 } })]),
    );
    expect([unknown?.['raw_bytes'], unknown?.['gzip_bytes']]).toEqual(['9', '']);
    expect(known?.['gzip_bytes']).toBe('7');
  });
  it('gives both ends of every interval', () => {
    for (const name of ['latency_median_ms', 'accuracy_top1', 'agreement']) {
      expect(Number(rows[0]?.[`${name}_low`])).toBeLessThanOrEqual(Number(rows[0]?.[name]));
      expect(Number(rows[0]?.[`${name}_high`])).toBeGreaterThanOrEqual(Number(rows[0]?.[name]));
    }
  });
});

describe('samples.csv', () => {
  const early = makeTrial('early', {
    samples: [
      makeSample({ sequence: 3, segmentMs: [1], exitIndex: 0 }),
      makeSample({ sequence: 0, warmUp: true, segmentMs: [1, 2], exitIndex: 1 }),
    ],
  });
  const whole = makeTrial('whole', { samples: [makeSample({ sequence: 1, segmentMs: [4.00004] })] });
  const rows = parse(samplesCsv([early, whole]));
  it('has a row per timed inference, in order of execution, with the documented columns', () => {
    expect(rows.map((row) => row['sequence'])).toEqual(['0', '1', '3']);
    const names = [...SAMPLE_COLUMNS, segmentColumn(0), segmentColumn(1)].map((column) => column.name);
    expect(Object.keys(rows[0] ?? {})).toEqual(names);
  });
  it('leaves segments empty that did not run, and marks the warm-up', () => {
    expect(rows[0]).toMatchObject({ strategy: 'early', warm_up: '1', segment_0_ms: '1', segment_1_ms: '2' });
    expect(rows[1]).toMatchObject({ strategy: 'whole', exit_index: '', segment_0_ms: '4', segment_1_ms: '' });
    expect(rows[2]).toMatchObject({ exit_index: '0', warm_up: '0', segment_1_ms: '' });
  });
});

describe('a placed trial', () => {
  const local = makeTrial('local', { samples: [makeSample()] });
  const emulated = {
    decodeMs: 1,
    preprocessMs: 0.5,
    computeMs: 3,
    transferBytes: 25_000,
    transferMs: 6,
    postprocessMs: 0.0625,
    totalMs: 10.5625,
  };
  const placement = { name: 'mobile-edge', sends: 'encoded-image', setup: DEFAULT_SETUP } as const;
  const placed = makeTrial('placed', {
    strategy: { ...local.strategy, id: 'p', placement },
    samples: [makeSample({ emulated })],
  });
  it('is marked as emulated, with its tiers, what it sends, and a latency that includes sending', () => {
    const [here, there] = parse(trialsCsv([local, placed]));
    expect(here).toMatchObject({
      placement: '',
      head_tier: '',
      emulated: '0',
      transfer_ms: '',
      latency_median_ms: '4',
    });
    expect(there).toMatchObject({
      placement: 'mobile-edge',
      head_tier: 'mobile',
      tail_tier: 'edge',
      emulated: '1',
      transfer_bytes: '25000',
      transfer_ms: '6',
      latency_median_ms: '9',
      total_median_ms: '10.5625',
    });
  });
  it('keeps what was measured beside what was calculated', () => {
    const [here, there] = parse(samplesCsv([local, placed]));
    expect(here).toMatchObject({ compute_ms: '4', emulated_transfer_ms: '' });
    expect(there).toMatchObject({
      compute_ms: '4',
      emulated_compute_ms: '3',
      emulated_transfer_bytes: '25000',
      emulated_transfer_ms: '6',
      emulated_total_ms: '10.5625',
    });
  });
  it('is read back from study.json as it was', () => {
    const study = makeStudy([makeTrial('x', { strategy: placed.strategy, samples: placed.samples })]);
    expect(parseStudy(serialiseStudy(study))).toEqual(study);
    const broken = serialiseStudy(study).replace('"bandwidthMbps":200', '"bandwidthMbps":0');
    expect(() => parseStudy(broken)).toThrow('bandwidthMbps: found 0, wanted a number above 0');
  });
});

describe('numbers of cells', () => {
  it('are rounded as their digits are', () => {
    const numbers = fc.oneof(
      fc.double(),
      fc.double({ min: -1e5, max: 1e5 }),
      fc.double({ min: 0, max: 2e12 }),
    );
    const halves = fc.integer({ min: -1e7, max: 1e7 }).map((whole) => (whole + 0.5) / 1e4);
    fc.assert(
      fc.property(fc.oneof(numbers, halves), (value) => {
        expect(csvCell(rounded(value, 4))).toBe(csvCell(Number(value.toFixed(4))));
      }),
      { numRuns: 3000 },
    );
  });
});
