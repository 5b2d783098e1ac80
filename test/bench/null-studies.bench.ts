import { compareStrategies } from '../../src/study/compare/compare-strategies.ts';
import { factsOf } from '../../src/study/compare/strategy-facts.ts';
import { driftOfStudy } from '../../src/study/measuring/drift.ts';
import { trialMetrics } from '../../src/study/metrics.ts';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import type { Bench, BenchRow } from './bench.ts';
import { withModules } from './modules-server.ts';
import type * as InPage from './null-studies-page.ts';

const path = '/test/bench/null-studies-page.ts';
const studies = 5;
const copies = 4;

/** Whether strategies that are one and the same are told apart on this machine: in none of five studies, hopefully. */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const rows: BenchRow[] = [];
    for (let seed = 1; seed <= studies; seed++) {
      const page = await browser.newPage({ baseURL });
      await openBlankPage(page);
      const startedMs = Date.now();
      const study = await runInPage<typeof InPage, 'measureCopies'>(page, path, 'measureCopies', {
        url: '/samples/digits.onnx',
        size: 32,
        copies,
        seed,
      });
      await page.close();
      const { comparisons } = compareStrategies(study.trials.map(factsOf));
      const compared = comparisons.flatMap(({ latency }) => (latency.kind === 'compared' ? [latency] : []));
      const different = compared.filter(({ isDifferent }) => isDifferent);
      const ratios = compared.map(({ ratio }) => ratio);
      const medians = study.trials.map((trial) => trialMetrics(trial).latencyMedianMs?.value.toFixed(3));
      const seconds = Math.round((Date.now() - startedMs) / 1000);
      rows.push({
        name: `study ${seed}: ${copies} copies, medians ${medians.join(', ')} ms, device ${driftOfStudy(study)?.state}, ratios up to ${Math.max(...ratios).toFixed(3)}, least p ${Math.min(...compared.map(({ adjustedP }) => adjustedP)).toPrecision(2)}, ${seconds} s`,
        value: `${different.length} of ${compared.length} pairs called different`,
        target: 'none',
        ok: compared.length > 0 && different.length === 0,
      });
    }
    return rows;
  });
