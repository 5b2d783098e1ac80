// The npm scripts' entry: makes sure the dependencies are there, then runs `src/cli/<command>.ts`.
// Plain JavaScript because it must run on a bare clone, before anything is installed, on Node 20.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const [command, ...rest] = process.argv.slice(2);

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Paretoscope needs Node 20.19 or newer; this is ${process.version}.`);
  process.exit(1);
}

/** npm writes node_modules/.package-lock.json at the end of an install: older than the lock file means stale. */
function dependenciesAreCurrent() {
  const installed = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(installed)) return false;
  return statSync(installed).mtimeMs >= statSync(join(root, 'package-lock.json')).mtimeMs;
}

if (!dependenciesAreCurrent()) {
  console.error('Installing dependencies…');
  // stdout of the scripts may be parsed by others (`npm run -s inspect`), so npm talks on stderr.
  const install = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (install.status !== 0) process.exit(install.status ?? 1);
}

const tsx = join(root, 'node_modules', 'tsx', 'package.json');
const entry = JSON.parse(readFileSync(tsx, 'utf8')).bin;
const cli = join(dirname(tsx), typeof entry === 'string' ? entry : entry.tsx);
const run = spawn(process.execPath, [cli, join(root, 'src', 'cli', `${command}.ts`), ...rest], {
  stdio: 'inherit',
  // npm runs scripts in the package root; paths the user typed are relative to where they typed them.
  env: { ...process.env, PARETOSCOPE_CWD: process.env.INIT_CWD ?? process.cwd() },
});
// Ctrl+C reaches the command too, which may have results to write: this process waits for it.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => run.kill('SIGTERM'));
run.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
