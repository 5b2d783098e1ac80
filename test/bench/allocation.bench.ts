import { existsSync, readFileSync } from 'node:fs';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import type { Bench } from './bench.ts';
import type * as InPage from './allocation-page.ts';
import { withModules } from './modules-server.ts';

const shared = new URL('../../../shared/', import.meta.url);

/** Ratios found for each group of channels of a trained model, against the same ratio for all at the same MACs. */
export const bench: Bench = async ({ browser, projectRoot }) => {
  if (!existsSync(shared)) return [];
  return withModules(projectRoot, async (baseURL) => {
    const page = await browser.newPage({ baseURL });
    await page.route('**/shared/**', (route) =>
      route.fulfill({
        body: readFileSync(
          new URL(`.${new URL(route.request().url()).pathname.replace('/shared', '')}`, shared),
        ),
      }),
    );
    await openBlankPage(page);
    const { whole, groups, answers, scanSeconds, rows } = await runInPage<
      typeof InPage,
      'allocateAndUniform'
    >(page, '/test/bench/allocation-page.ts', 'allocateAndUniform', {
      modelUrl: '/shared/models/cifar10_resnet56.onnx',
      dataUrl: '/shared/data/cifar10-test-2000.zip',
      ratios: [0.08, 0.15, 0.25],
      images: 32,
      evaluated: 500,
      threads: 2,
    });
    await page.close();
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
    return [
      {
        name: `ResNet-56 (${percent(whole.accuracy)} right): ${groups} groups of channels looked at alone, ${answers} answers of 32 images`,
        value: `${scanSeconds.toFixed(1)} s`,
        target: '–',
        ok: true,
      },
      ...rows.map(({ ratio, uniform, allocated, expected, plannedMs }) => ({
        name: `ResNet-56 at ${percent(uniform.macs / whole.macs)} of its MACs (${percent(allocated.macs / whole.macs)} allocated in ${plannedMs.toFixed(0)} ms, ${expected === null ? '–' : percent(expected)} expected)`,
        value: `${percent(allocated.accuracy)} right, ${percent(uniform.accuracy)} with ${percent(ratio)} of every group`,
        target: 'more than alike',
        ok: allocated.accuracy > uniform.accuracy && allocated.macs <= uniform.macs,
      })),
    ];
  });
};
