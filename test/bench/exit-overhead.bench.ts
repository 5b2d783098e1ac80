import { CONFIDENCE_MEASURES } from '../../src/transforms/exits/confidence.ts';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { quantile, type Bench } from './bench.ts';
import type * as InPage from './exit-overhead-page.ts';
import { withModules } from './modules-server.ts';

/** What deciding at exits costs: the lab's own time of an inference of the bundled model that passes all of them. */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const rows = [];
    for (const confidence of CONFIDENCE_MEASURES) {
      // A page each: the runtime starts once in a page.
      const page = await browser.newPage({ baseURL });
      await openBlankPage(page);
      const overheadMs = await runInPage<typeof InPage, 'exitOverheadMs'>(
        page,
        '/test/bench/exit-overhead-page.ts',
        'exitOverheadMs',
        '/samples/digits.onnx',
        [1, 3, 32, 32],
        confidence,
        300,
      );
      await page.close();
      const [median, p95] = [quantile(overheadMs, 0.5), quantile(overheadMs, 0.95)];
      rows.push({
        name: `the lab's own time of an inference with dynamic exits, ${confidence}`,
        value: `${median.toFixed(3)} ms (p95 ${p95.toFixed(3)})`,
        target: 'median at most 0.1 ms',
        ok: median <= 0.1,
      });
    }
    return rows;
  });
