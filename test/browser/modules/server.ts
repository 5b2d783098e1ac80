// The server of the modules' tests: builds every `*-scenarios.ts` with its workers as the app is built, and serves them
// beside the bundled samples. The development server would send each page hundreds of files.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'vite';
import { isStale, projectRoot, siteSources } from '../../../src/cli/ensure-built.ts';
import { serveBuilt } from '../../../src/cli/static-server.ts';
import { blankPage } from './in-page.ts';

const folder = join(projectRoot, '.tsbuild', 'modules');
/** Written last, so that a build that broke off is done again. */
const blankFile = join(folder, `${blankPage.path}.html`);

async function buildScenarios(): Promise<void> {
  const scenarios = readdirSync(import.meta.dirname).filter((name) => name.endsWith('-scenarios.ts'));
  await build({
    root: projectRoot,
    mode: 'modules',
    logLevel: 'warn',
    build: {
      outDir: folder,
      emptyOutDir: true,
      minify: false,
      rolldownOptions: {
        input: scenarios.map((name) => join(import.meta.dirname, name)),
        preserveEntrySignatures: 'strict',
        output: { entryFileNames: '[name].js' },
      },
    },
  });
  writeFileSync(blankFile, blankPage.html);
}

if (isStale(blankFile, [...siteSources, 'test/browser/modules', 'test/fixtures'])) await buildScenarios();
await serveBuilt({ host: '127.0.0.1', port: Number(process.argv[2]), folder });
