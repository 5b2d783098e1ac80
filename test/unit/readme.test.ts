import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Column } from '../../src/study/csv/column.ts';
import { COMPARISON_COLUMNS } from '../../src/study/csv/comparison-columns.ts';
import { DEVICES_COLUMNS } from '../../src/study/devices/devices-csv.ts';
import { PREDICTION_COLUMNS } from '../../src/study/csv/prediction-columns.ts';
import { SAMPLE_COLUMNS } from '../../src/study/csv/sample-columns.ts';
import { TRIAL_COLUMNS } from '../../src/study/csv/trial-columns.ts';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');

function table(columns: readonly Pick<Column<never>, 'name' | 'description'>[]): string {
  const rows = columns.map(({ name, description }) => `| \`${name}\` | ${description} |`);
  return ['| column | meaning |', '|---|---|', ...rows].join('\n');
}

describe('README', () => {
  it.each([
    ['trials.csv', TRIAL_COLUMNS],
    ['samples.csv', SAMPLE_COLUMNS],
    ['predictions.csv', PREDICTION_COLUMNS],
    ['comparisons.csv', COMPARISON_COLUMNS],
    ['devices.csv', DEVICES_COLUMNS],
  ] as const)('lists the columns of %s as they are written', (_file, columns) => {
    expect(readme).toContain(table(columns));
  });

  it('names folders and files that exist', () => {
    const named = [...readme.matchAll(/`((?:src|test|public|workers)\/[\w./-]*)`/g)].map(
      ([, path]) => path ?? '',
    );
    expect(named.length).toBeGreaterThan(15);
    expect(named.filter((path) => !existsSync(join(root, path)))).toEqual([]);
  });
});
