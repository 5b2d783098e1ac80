import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { buildIfStale, projectRoot } from './ensure-built.ts';
import { findBrowser } from './find-browser.ts';
import {
  addTallies,
  emptyTally,
  readPlaywrightReport,
  readVitestReport,
  type Tally,
  tallyLines,
} from './test-tally.ts';

const reports = join(projectRoot, 'test-results');

/** Strict about leftovers (`test.only`, foreign servers), and one second chance in the browser. */
const suiteEnv: NodeJS.ProcessEnv = { ...process.env, CI: process.env.CI ?? '1' };

/** Runs a tool of node_modules with its output on this terminal; true if it exited with 0. */
async function runTool(name: string, args: readonly string[], env = suiteEnv): Promise<boolean> {
  console.log(`\n> ${name} ${args.join(' ')}`);
  const startedMs = performance.now();
  const run: ChildProcess = spawn('npx', ['--no-install', name, ...args], {
    cwd: projectRoot,
    stdio: 'inherit',
    env,
    shell: process.platform === 'win32',
  });
  const status = await new Promise<number | null>((resolve) => {
    run.on('error', () => resolve(null));
    run.on('exit', resolve);
  });
  console.log(`> ${name}: ${((performance.now() - startedMs) / 1000).toFixed(0)} s`);
  return status === 0;
}

/** A tool that checks the whole tree counts as one test. */
async function runCheck(name: string, args: readonly string[]): Promise<Tally> {
  const isGood = await runTool(name, args);
  return isGood ? { ...emptyTally, passed: 1 } : { ...emptyTally, failed: [`${name} ${args.join(' ')}`] };
}

/** Reads a runner's own report; a runner that died without one, or failed outside a test, counts as one failure. */
function readReport(
  name: string,
  file: string,
  exitedWell: boolean,
  read: (report: unknown) => Tally,
): Tally {
  const tally = existsSync(file) ? read(JSON.parse(readFileSync(file, 'utf8'))) : emptyTally;
  if (exitedWell || tally.failed.length > 0) return tally;
  return { ...tally, failed: [`${name} itself: see its output above`] };
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.on('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

/** The first of two neighbouring ports that nobody uses, so that the servers tested are those of this checkout. */
async function findPorts(): Promise<number> {
  for (let port = 4173; port < 4273; port += 2) {
    if ((await isFree(port)) && (await isFree(port + 1))) return port;
  }
  throw new Error('No two neighbouring ports from 4173 to 4272 are free.');
}

async function main(): Promise<void> {
  rmSync(reports, { recursive: true, force: true });
  mkdirSync(reports, { recursive: true });
  const browser = await findBrowser();
  console.log(`Browser: ${browser}`);

  const tallies = [
    await runCheck('tsc', ['-b']),
    await runCheck('oxlint', ['--type-aware', '--quiet']),
    await runCheck('biome', ['format', '.']),
    await runCheck('knip', []),
  ];

  const unitReport = join(reports, 'unit.json');
  const unit = await runTool('vitest', [
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${unitReport}`,
  ]);
  tallies.push(readReport('vitest', unitReport, unit, (report) => readVitestReport(report, projectRoot)));

  // Here rather than in Playwright's server, which is given less time to come up.
  await buildIfStale();
  const browserReport = join(reports, 'browser.json');
  const journeys = await runTool('playwright', ['test'], {
    ...suiteEnv,
    PARETOSCOPE_BROWSER: browser,
    PARETOSCOPE_TEST_PORT: process.env.PARETOSCOPE_TEST_PORT ?? String(await findPorts()),
  });
  // Playwright empties its output folder at the start, so its report lies there and is read right after.
  tallies.push(readReport('playwright', browserReport, journeys, readPlaywrightReport));

  const tally = addTallies(tallies);
  console.log(`\n${tallyLines(tally).join('\n')}`);
  process.exit(tally.failed.length === 0 ? 0 : 1);
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  console.log('0 passed, 1 failed, 0 skipped');
  process.exit(1);
});
