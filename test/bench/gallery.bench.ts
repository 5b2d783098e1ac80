import type * as InPage from '../browser/modules/gallery-scenarios.ts';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { ZOO } from '../../src/panels/model/zoo.ts';
import type { Bench, BenchRow } from './bench.ts';
import { withModules } from './modules-server.ts';

/** Largest difference of an output, relative to its largest number. */
const WANTED_DIFFERENCE = 1e-5;

/**
 * Every architecture of the gallery, refilled with noise and run: whole, cut in two, with blocks skipped, and up to
 * the value of a trained exit. Minutes, and up to 4 GB of memory.
 */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const rows: BenchRow[] = [];
    // At once: what was done stands even if a later model takes the machine down.
    const tell = (row: BenchRow) => {
      rows.push(row);
      console.error(`    ${row.ok ? 'ok' : 'MISSED'}: ${row.value}`);
    };
    for (const { name, title } of ZOO) {
      console.error(`  ${name}…`);
      // A page of its own: the runtime's heap never shrinks.
      const page = await browser.newPage({ baseURL });
      try {
        await openBlankPage(page);
        const run = await runInPage<typeof InPage, 'runAll'>(
          page,
          '/test/browser/modules/gallery-scenarios.ts',
          'runAll',
          name,
        );
        const relative = run.difference / run.largest;
        const parts = [
          `${(run.macs / 1e9).toFixed(1)} GMACs`,
          `parts differ by ${relative.toExponential(0)}`,
          `cut ${run.segmentMs.map((ms) => `${ms.toFixed(0)} ms`).join(' + ')}`,
          run.skip ? `skip leaves ${((100 * run.skip.macs) / run.macs).toFixed(0)} %` : 'nothing to skip',
          run.features === null ? 'no trained exit' : `${run.features} features`,
        ];
        tell({
          name: `${title}: cut into equal sizes against the whole`,
          value: parts.join('; '),
          target: `<= ${WANTED_DIFFERENCE}`,
          ok: run.isFinite && relative <= WANTED_DIFFERENCE,
        });
      } catch (error) {
        const message = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
        tell({ name: title, value: message, target: 'runs', ok: false });
      } finally {
        await page.close();
      }
    }
    return rows;
  });
