import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium } from '@playwright/test';

/** Names under which Chromium and Chrome are installed, best first. */
const commandNames = [
  'chromium',
  'google-chrome-stable',
  'google-chrome',
  'chromium-browser',
  'chrome',
  'microsoft-edge-stable',
  'microsoft-edge',
];

/** Usual places that are not on the PATH. */
function usualPlaces(): string[] {
  const home = process.env.HOME ?? '';
  switch (process.platform) {
    case 'darwin':
      return ['/Applications', join(home, 'Applications')].flatMap((folder) => [
        join(folder, 'Google Chrome.app/Contents/MacOS/Google Chrome'),
        join(folder, 'Chromium.app/Contents/MacOS/Chromium'),
        join(folder, 'Microsoft Edge.app/Contents/MacOS/Microsoft Edge'),
      ]);
    case 'win32':
      return [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]
        .filter((folder) => folder !== undefined)
        .flatMap((folder) => [
          join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
          join(folder, 'Chromium', 'Application', 'chrome.exe'),
          join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
        ]);
    default:
      return ['/snap/bin/chromium', '/usr/lib/chromium/chromium', '/opt/google/chrome/chrome'];
  }
}

function onPath(name: string): string[] {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .filter((file) => existsSync(file));
}

/** Ubuntu's `chromium-browser` may be a stub that only asks to install a snap: believe what starts. */
function starts(file: string): boolean {
  if (!existsSync(file)) return false;
  // On Windows `--version` opens a window instead of answering.
  if (process.platform === 'win32') return true;
  return spawnSync(file, ['--version'], { timeout: 20_000, stdio: 'ignore' }).status === 0;
}

function findInstalled(): string | undefined {
  const named = [process.env.PARETOSCOPE_BROWSER, process.env.CHROME_PATH].filter(
    (path) => path !== undefined,
  );
  return [...named, ...commandNames.flatMap(onPath), ...usualPlaces(), chromium.executablePath()].find(
    starts,
  );
}

/** Runs an installer with its output on stderr; true if it exited with 0. */
function install(command: string, args: readonly string[]): boolean {
  console.error(`> ${command} ${args.join(' ')}`);
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  return status === 0;
}

/**
 * The executable of a Chromium-based browser: the one named by `CHROME_PATH`, else one already on this machine,
 * else one installed now: the distribution's package where we may, Playwright's own build otherwise.
 * @throws Error saying what to do when none can be had
 */
export async function findBrowser(): Promise<string> {
  const installed = findInstalled();
  if (installed) return installed;
  console.error('No Chrome or Chromium found; installing one…');
  const isRoot = process.getuid?.() === 0;
  if (isRoot && onPath('apt-get').length > 0) {
    install('apt-get', ['update']);
    install('apt-get', ['install', '-y', '--no-install-recommends', 'chromium']);
    const packaged = findInstalled();
    if (packaged) return packaged;
  }
  install('npx', ['--no-install', 'playwright', 'install', ...(isRoot ? ['--with-deps'] : []), 'chromium']);
  const own = findInstalled();
  if (own) return own;
  throw new Error(
    'No Chrome or Chromium found and none could be installed. Install one and set CHROME_PATH to its executable.',
  );
}
