import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { mergeStudies } from '../../../src/cli/merge-studies.ts';
import { serialiseStudy } from '../../../src/study/study-json.ts';
import { readCsv } from '../../fixtures/read-csv.ts';
import { zipFiles } from '../../../src/panels/ui/zip-files.ts';
import { NO_LIMITS } from '../../../src/study/recommend/wishes.ts';
import { makeStudy, measuredTrial } from '../study/trials.ts';

const folder = mkdtempSync(join(tmpdir(), 'merge-'));
afterAll(() => rmSync(folder, { recursive: true }));

function fileOf(name: string, content: string | Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const study = (device: string, latencyMs: number) => ({
  ...makeStudy([measuredTrial('a', latencyMs, 50)]),
  deviceName: device,
});

it('puts studies of several files beside each other, gzipped or not', () => {
  const files = [
    fileOf('a.json', serialiseStudy(study('phone', 3))),
    fileOf('b.json.gz', gzipSync(serialiseStudy(study('board', 9)))),
  ];
  mergeStudies(files, folder, { limits: NO_LIMITS, wish: 'fastest' });
  const rows = readCsv(readFileSync(join(folder, 'devices.csv'), 'utf8'));
  expect(rows.map((row) => [row.get('device'), row.get('latency_median_ms')])).toEqual([
    ['phone', '3'],
    ['board', '9'],
  ]);
  expect(readFileSync(join(folder, 'devices.svg'), 'utf8')).toContain('board');
  const advice = readFileSync(join(folder, 'advice.txt'), 'utf8');
  expect(advice).toMatch(/On phone:\n {2}Use a \(3\.00 ms[^]*On board:\n {2}Use a \(9\.00 ms/);
  expect(advice).toContain('One for all 2 devices: a');
});

it('takes studies out of a zip', async () => {
  const zip = await zipFiles(
    ['phone', 'board'].map((name, at) => ({
      name: `${name}.json`,
      blob: new Blob([serialiseStudy(study(name, 3 + at))]),
    })),
  );
  mergeStudies([fileOf('both.zip', new Uint8Array(await zip.arrayBuffer()))], folder, null);
  expect(readFileSync(join(folder, 'devices.txt'), 'utf8')).toContain('phone; board');
});

it('names the file that is broken, and how', () => {
  const whole = fileOf('whole.json', serialiseStudy(study('phone', 3)));
  const refused = (bytes: string | Uint8Array): string => {
    try {
      mergeStudies([whole, fileOf('broken', bytes)], folder, null);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(InputError);
      return (thrown as InputError).message;
    }
    throw new Error('was accepted');
  };
  expect(refused(gzipSync(serialiseStudy(study('b', 9))).subarray(0, 200))).toMatch(/broken: the gzip data/);
  expect(refused('{"format":')).toMatch(/broken: study\.json: found no valid JSON/);
});
