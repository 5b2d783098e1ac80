import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { mergeStudies } from '../../../src/cli/merge-studies.ts';
import { serialiseStudy } from '../../../src/study/study-json.ts';
import { readCsv } from '../../fixtures/read-csv.ts';
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
  mergeStudies(files, folder);
  const rows = readCsv(readFileSync(join(folder, 'devices.csv'), 'utf8'));
  expect(rows.map((row) => [row.get('device'), row.get('latency_median_ms')])).toEqual([
    ['phone', '3'],
    ['board', '9'],
  ]);
  expect(readFileSync(join(folder, 'devices.svg'), 'utf8')).toContain('board');
});

it('names the file that is broken, and how', () => {
  const whole = fileOf('whole.json', serialiseStudy(study('phone', 3)));
  const refused = (bytes: string | Uint8Array): string => {
    try {
      mergeStudies([whole, fileOf('broken', bytes)], folder);
    } catch (thrown) {
      expect(thrown).toBeInstanceOf(InputError);
      return (thrown as InputError).message;
    }
    throw new Error('was accepted');
  };
  expect(refused(gzipSync(serialiseStudy(study('b', 9))).subarray(0, 200))).toMatch(/broken: the gzip data/);
  expect(refused('{"format":')).toMatch(/broken: study\.json: found no valid JSON/);
});
