import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { quantile, type Bench } from './bench.ts';
import type * as InPage from './engine-overhead-page.ts';
import { withModules } from './modules-server.ts';

const models = [
  {
    name: 'MobileNetV2',
    url: '/samples/zoo/mobilenet_v2.onnx',
    channels: 3,
    size: 224,
    rounds: 16,
    runs: 10,
  },
  {
    name: 'ShuffleNetV2',
    url: '/samples/zoo/shufflenet_v2_x1_0.onnx',
    channels: 3,
    size: 224,
    rounds: 30,
    runs: 10,
  },
] as const;

/** The lab's median latency against a bare loop around `session.run`, both in workers, taking turns. */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const page = await browser.newPage({ baseURL });
    try {
      await openBlankPage(page);
      const rows = [];
      for (const { name, url, channels, size, rounds, runs } of models) {
        const results = await runInPage<typeof InPage, 'compareLatency'>(
          page,
          '/test/bench/engine-overhead-page.ts',
          'compareLatency',
          url,
          channels,
          size,
          rounds,
          runs,
        );
        const lab = quantile(
          results.flatMap((round) => round.labMs),
          0.5,
        );
        const bare = quantile(
          results.flatMap((round) => round.bareMs),
          0.5,
        );
        // Within a round both meet the same state of the machine, so other work on it cancels out.
        const ratios = results.map((round) => quantile(round.labMs, 0.5) / quantile(round.bareMs, 0.5));
        const ratio = quantile(ratios, 0.5);
        rows.push({
          name: `median latency of ${name}, lab against a bare loop`,
          value: `${lab.toFixed(2)} against ${bare.toFixed(2)} ms; ${(100 * (ratio - 1)).toFixed(1)} % within rounds`,
          target: 'within 2 %',
          ok: Math.abs(ratio - 1) <= 0.02,
        });
      }
      return rows;
    } finally {
      await page.close();
    }
  });
