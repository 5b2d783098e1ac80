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
      ...rows.map(({ ratio, uniform, inner, allocated, seen, searchSeconds }) => ({
        name: `ResNet-56 at ${percent(uniform.macs / whole.macs)} of its MACs (${percent(allocated.macs / whole.macs)} allocated in ${searchSeconds.toFixed(1)} s, ${seen === null ? '–' : percent(seen)} right seen on other images)`,
        value: `${percent(allocated.accuracy)} right, ${inner === null ? '–' : percent(inner.accuracy)} with the same ratio for groups inside blocks, ${percent(uniform.accuracy)} with ${percent(ratio)} of every group`,
        target: 'more than alike, within 8 points of what was seen',
        ok:
          allocated.accuracy > Math.max(uniform.accuracy, inner?.accuracy ?? 0) &&
          allocated.macs <= uniform.macs &&
          Math.abs(allocated.accuracy - (seen ?? 0)) <= 0.08,
      })),
    ];
  });
};
