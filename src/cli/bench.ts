import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from '@playwright/test';
import { buildIfStale, projectRoot } from './ensure-built.ts';
import { findBrowser } from './find-browser.ts';
import { serveBuilt } from './static-server.ts';
import type { Bench } from '../../test/bench/bench.ts';

/**
 * Runs every `test/bench/*.bench.ts` on the built app in a real browser and prints one table.
 * `npm run bench -- NAME` runs only the files whose name contains NAME.
 */
async function main(): Promise<void> {
  const filter = process.argv[2] ?? '';
  await buildIfStale();
  const folder = join(projectRoot, 'test', 'bench');
  const files = readdirSync(folder).filter((file) => file.endsWith('.bench.ts') && file.includes(filter));
  const server = await serveBuilt({ host: '127.0.0.1', port: 0 });
  const executablePath = await findBrowser();
  const rows: string[][] = [['what', 'measured', 'target', '']];
  for (const file of files) {
    const { bench } = (await import(pathToFileURL(join(folder, file)).href)) as { bench: Bench };
    console.error(`${file}…`);
    const browser = await chromium.launch({
      executablePath,
      args: ['--no-sandbox', '--enable-precise-memory-info'],
    });
    try {
      for (const row of await bench({ browser, url: server.url, projectRoot })) {
        rows.push([row.name, row.value, row.target, row.ok ? 'ok' : 'MISSED']);
      }
    } catch (error) {
      rows.push([
        file,
        error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error),
        '',
        'FAILED',
      ]);
    } finally {
      await browser.close();
    }
  }
  await server.close();
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  for (const row of rows)
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

main().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
});
