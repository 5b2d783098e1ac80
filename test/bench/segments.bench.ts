import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { type BenchRow, quantile, type Bench } from './bench.ts';
import type * as InPage from './segments-page.ts';
import { withModules } from './modules-server.ts';

const models = [
  { name: 'mobilenet_v2', rounds: 60 },
  { name: 'shufflenet_v2_x1_0', rounds: 60 },
  { name: 'efficientnet_b1', rounds: 30 },
  { name: 'resnet152', rounds: 12 },
] as const;

/**
 * What dividing a model costs: its four segments against the whole, both as the lab runs them, taking turns.
 * Where the difference lies, taken apart for ShuffleNetV2: not in the kernels (the four parts spend as long in the
 * runtime's native code as the whole, and single values cross where no fusion is lost), nor do memory patterns, the
 * arena or spinning matter. It is the runtime's JavaScript, 0.1 to 0.15 ms for each further `session.run`, cold after
 * milliseconds of convolutions, and what crosses, copied out of the heap and in again: 0.05 ms for 364 KB while the
 * memory of earlier values is reused (`free` in segment-runner.ts), 0.2 ms else. Three more runs are thus some 0.4 ms
 * at best: 3 % of a model that takes 13 ms, however it is divided.
 */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const rows: BenchRow[] = [];
    for (const threads of [1, 2]) {
      for (const { name, rounds } of models) {
        const page = await browser.newPage({ baseURL });
        // The engine looks for the runtime beside the app's workers, so the bench's worker starts there.
        await page.route('**/workers/segments-bench.ts', (route) =>
          route.fulfill({
            contentType: 'text/javascript',
            headers: { 'Cross-Origin-Embedder-Policy': 'require-corp' },
            body: `import '/test/bench/segments-worker.ts';`,
          }),
        );
        await openBlankPage(page);
        const { wholeMs, segmentsMs, largestDifference } = await runInPage<typeof InPage, 'compareSegments'>(
          page,
          '/test/bench/segments-page.ts',
          'compareSegments',
          { url: `/samples/zoo/${name}.onnx`, size: 224, threads, rounds },
        );
        await page.close();
        // Neighbours in time meet the same state of the machine, so other work on it cancels out.
        const ratios = segmentsMs.map((ms, round) => ms / (wholeMs[round] ?? Number.NaN));
        const slower = quantile(ratios, 0.5) - 1;
        const least = Math.min(...segmentsMs) / Math.min(...wholeMs) - 1;
        rows.push({
          name: `${name} in 4 segments, ${threads} thread(s)`,
          value: `${percent(slower)} (least times ${percent(least)}), ${quantile(wholeMs, 0.5).toFixed(1)} ms whole; scores differ by ${largestDifference.toPrecision(1)}`,
          target: 'at most 3 % slower',
          ok: slower <= 0.03 && largestDifference <= 1e-5,
        });
      }
    }
    return rows;
  });

function percent(share: number): string {
  return `${share < 0 ? '' : '+'}${(100 * share).toFixed(1)} %`;
}
