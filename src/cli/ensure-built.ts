import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's root folder. */
export const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** The built site. */
export const distFolder = join(projectRoot, 'dist');

/** What the built site is made from. */
export const siteSources = ['src', 'workers', 'public', 'index.html', 'vite.config.ts', 'package-lock.json'];

/**
 * Builds the site into `dist/` if it is missing or older than its sources. The build talks on stderr, because
 * stdout may be parsed.
 * @throws Error if the build fails
 */
export async function buildIfStale(): Promise<void> {
  if (!isStale(join(distFolder, 'index.html'), siteSources)) return;
  console.error('Building the lab…');
  const vite = join(projectRoot, 'node_modules', 'vite', 'bin', 'vite.js');
  const { status } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'warn'], {
    cwd: projectRoot,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) throw new Error('The build failed; its messages are above.');
}

/**
 * Whether something built is missing or older than any of its sources.
 * @param sources files and folders, relative to the repository's root
 */
export function isStale(built: string, sources: readonly string[]): boolean {
  const builtAtMs = existsSync(built) ? statSync(built).mtimeMs : 0;
  return builtAtMs < Math.max(...sources.map((source) => newestMs(join(projectRoot, source))));
}

/** Newest modification time of a file, or of anything in a folder; 0 if it is not there. */
function newestMs(path: string): number {
  if (!existsSync(path)) return 0;
  const stats = statSync(path);
  if (!stats.isDirectory()) return stats.mtimeMs;
  // A folder's own time changes when something in it is removed.
  return readdirSync(path).reduce(
    (newest, name) => Math.max(newest, newestMs(join(path, name))),
    stats.mtimeMs,
  );
}
