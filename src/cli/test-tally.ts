import { relative } from 'node:path';

/** What became of tests, by name where a person has to know which. */
export interface Tally {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Passed, but not at the first try: counted as passed as well. */
  readonly flaky: readonly string[];
  /** With the reason. */
  readonly skipped: readonly string[];
}

export const emptyTally: Tally = { passed: 0, failed: [], flaky: [], skipped: [] };

/** All of them together, in order. */
export function addTallies(tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, { passed }) => sum + passed, 0),
    failed: tallies.flatMap(({ failed }) => failed),
    flaky: tallies.flatMap(({ flaky }) => flaky),
    skipped: tallies.flatMap(({ skipped }) => skipped),
  };
}

/** What a person reads at the end: names of all that did not simply pass, and the counts as the last line. */
export function tallyLines({ passed, failed, flaky, skipped }: Tally): string[] {
  const list = (what: string, names: readonly string[]) =>
    names.length === 0 ? [] : [`${names.length} ${what}:`, ...names.map((name) => `  ${name}`)];
  return [
    ...list('skipped', skipped),
    ...list('FLAKY (failed, then passed: a race to be mended)', flaky),
    ...list('FAILED', failed),
    `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`,
  ];
}

interface VitestReport {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

/**
 * Reads Vitest's JSON report.
 * @param root folder that names of files are told relative to
 */
export function readVitestReport(report: unknown, root: string): Tally {
  const { testResults } = report as VitestReport;
  return addTallies(
    testResults.map(({ name, status, assertionResults }) => {
      const file = relative(root, name);
      const named = (wanted: (status: string) => boolean) =>
        assertionResults.filter((test) => wanted(test.status)).map(({ fullName }) => `${file}: ${fullName}`);
      const failed = named((test) => test === 'failed');
      // Only what needs files beside the checkout may be skipped, and all of that lies in one folder.
      const reason = file.includes('conformance') ? 'needs ../shared' : 'no reason is given';
      return {
        passed: named((test) => test === 'passed').length,
        // A file that cannot even be loaded has no tests.
        failed: status === 'failed' && failed.length === 0 ? [file] : failed,
        flaky: [],
        skipped: named((test) => test !== 'passed' && test !== 'failed').map((test) => `${test} (${reason})`),
      };
    }),
  );
}

interface PlaywrightSuite {
  readonly file: string;
  readonly suites?: readonly PlaywrightSuite[];
  readonly specs: readonly {
    readonly title: string;
    readonly tests: readonly {
      readonly projectName: string;
      readonly status: 'expected' | 'unexpected' | 'flaky' | 'skipped';
      readonly annotations: readonly { readonly type: string; readonly description?: string }[];
      readonly results: readonly unknown[];
    }[];
  }[];
}

/** Reads Playwright's JSON report. */
export function readPlaywrightReport(report: unknown): Tally {
  const { suites, errors } = report as {
    readonly suites: readonly PlaywrightSuite[];
    readonly errors: readonly { readonly message?: string }[];
  };
  const failures = errors.map(({ message = 'an error outside all tests' }) => message.split('\n')[0] ?? '');
  return addTallies([...suites.map(readSuite), { ...emptyTally, failed: failures }]);
}

function readSuite({ file, suites = [], specs }: PlaywrightSuite): Tally {
  const tests = specs.flatMap(({ title, tests: runs }) =>
    runs.map((run) => ({ ...run, name: `${file}, ${run.projectName}: ${title}` })),
  );
  const named = (status: string) => tests.filter((test) => test.status === status);
  const reasonOf = ({ annotations, results }: (typeof tests)[number]) =>
    annotations.find(({ type }) => type === 'skip' || type === 'fixme')?.description ??
    (results.length === 0 ? 'the run ended before it' : 'no reason is given');
  const own: Tally = {
    passed: named('expected').length + named('flaky').length,
    failed: named('unexpected').map(({ name }) => name),
    flaky: named('flaky').map(({ name }) => name),
    skipped: named('skipped').map((test) => `${test.name} (${reasonOf(test)})`),
  };
  return addTallies([own, ...suites.map(readSuite)]);
}
