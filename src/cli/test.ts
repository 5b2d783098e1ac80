import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from './ensure-built.ts';
import { findBrowser } from './find-browser.ts';

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

const reports = join(projectRoot, 'test-results');

/** Runs a tool of node_modules with its output on this terminal; true if it exited with 0. */
function runTool(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): boolean {
  console.log(`\n> ${name} ${args.join(' ')}`);
  const { status } = spawnSync('npx', ['--no-install', name, ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
  });
  return status === 0;
}

/** A tool that checks the whole tree counts as one test. */
function runCheck(tally: Tally, name: string, args: readonly string[]): void {
  if (runTool(name, args)) tally.passed++;
  else tally.failed++;
}

/** Reads a runner's own report; a runner that died without one, or failed outside a test, counts as one failure. */
function addReport(tally: Tally, file: string, exitedWell: boolean, read: (report: unknown) => Tally): void {
  const before = tally.failed;
  if (existsSync(file)) {
    const counts = read(JSON.parse(readFileSync(file, 'utf8')));
    tally.passed += counts.passed;
    tally.failed += counts.failed;
    tally.skipped += counts.skipped;
  }
  if (!exitedWell && tally.failed === before) tally.failed++;
}

function readVitestReport(report: unknown): Tally {
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = report as Record<string, number>;
  return {
    passed: numPassedTests ?? 0,
    failed: numFailedTests ?? 0,
    skipped: (numPendingTests ?? 0) + (numTodoTests ?? 0),
  };
}

function readPlaywrightReport(report: unknown): Tally {
  const { stats } = report as {
    stats: { expected: number; unexpected: number; flaky: number; skipped: number };
  };
  return { passed: stats.expected + stats.flaky, failed: stats.unexpected, skipped: stats.skipped };
}

async function main(): Promise<void> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const browser = await findBrowser();
  console.log(`Browser: ${browser}`);

  runCheck(tally, 'tsc', ['-b']);
  runCheck(tally, 'oxlint', ['--type-aware', '--quiet']);
  runCheck(tally, 'biome', ['format', '.']);
  runCheck(tally, 'knip', []);

  const unitReport = join(reports, 'unit.json');
  const unit = runTool('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${unitReport}`,
  ]);
  addReport(tally, unitReport, unit, readVitestReport);

  const browserReport = join(reports, 'browser.json');
  const env = { ...process.env, PARETOSCOPE_BROWSER: browser };
  // Playwright empties its output folder at the start, so its report lies there and is read right after.
  addReport(tally, browserReport, runTool('playwright', ['test'], env), readPlaywrightReport);

  console.log(`\n${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`);
  process.exit(tally.failed === 0 ? 0 : 1);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed');
  process.exit(1);
});
