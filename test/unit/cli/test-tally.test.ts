import { expect, test } from 'vitest';
import {
  addTallies,
  readPlaywrightReport,
  readVitestReport,
  tallyLines,
} from '../../../src/cli/test-tally.ts';

const vitest = {
  testResults: [
    {
      name: '/lab/test/unit/a.test.ts',
      status: 'failed',
      assertionResults: [
        { fullName: 'adds', status: 'passed' },
        { fullName: 'subtracts', status: 'failed' },
      ],
    },
    { name: '/lab/test/unit/broken.test.ts', status: 'failed', assertionResults: [] },
    {
      name: '/lab/test/conformance/b.test.ts',
      status: 'passed',
      assertionResults: [{ fullName: 'reads shared models', status: 'skipped' }],
    },
  ],
};

const run = (status: string, rest: object = {}) => ({
  projectName: 'desktop',
  status,
  annotations: [],
  results: [{}],
  ...rest,
});

const playwright = {
  errors: [{ message: 'no server\nat a port' }],
  suites: [
    {
      file: 'journeys/a.spec.ts',
      specs: [
        { title: 'opens', tests: [run('expected'), run('expected')] },
        { title: 'races', tests: [run('flaky')] },
      ],
      suites: [
        {
          file: 'journeys/a.spec.ts',
          specs: [
            { title: 'breaks', tests: [run('unexpected')] },
            {
              title: 'waits',
              tests: [run('skipped', { annotations: [{ type: 'skip', description: 'needs a GPU' }] })],
            },
            { title: 'comes last', tests: [run('skipped', { results: [] })] },
          ],
        },
      ],
    },
  ],
};

test('counts come last; what failed, was skipped or passed only at the second try is named before them', () => {
  const tally = addTallies([readVitestReport(vitest, '/lab'), readPlaywrightReport(playwright)]);
  expect(tallyLines(tally)).toEqual([
    '3 skipped:',
    '  test/conformance/b.test.ts: reads shared models (needs ../shared)',
    '  journeys/a.spec.ts, desktop: waits (needs a GPU)',
    '  journeys/a.spec.ts, desktop: comes last (the run ended before it)',
    '1 FLAKY (failed, then passed: a race to be mended):',
    '  journeys/a.spec.ts, desktop: races',
    '4 FAILED:',
    '  test/unit/a.test.ts: subtracts',
    '  test/unit/broken.test.ts',
    '  journeys/a.spec.ts, desktop: breaks',
    '  no server',
    '4 passed, 4 failed, 3 skipped',
  ]);
});

test('where all is well there is nothing but the counts', () => {
  const [good] = vitest.testResults.map((file) => ({
    ...file,
    status: 'passed',
    assertionResults: file.assertionResults.slice(0, 1),
  }));
  expect(tallyLines(readVitestReport({ testResults: [good] }, '/lab'))).toEqual([
    '1 passed, 0 failed, 0 skipped',
  ]);
});
