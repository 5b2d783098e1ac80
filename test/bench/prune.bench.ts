import { fileSource } from '../../src/cli/node-file-source.ts';
import type { ByteSource } from '../../src/onnx/byte-source.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { analyseModel } from '../../src/transforms/analyse-model.ts';
import { buildVariant } from '../../src/transforms/build-variant.ts';
import { channelGroups } from '../../src/transforms/prune/channels/channel-groups.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { fullSizeFile } from './full-size-file.ts';
import { withModules } from './modules-server.ts';
import type * as InPage from './prune-page.ts';

const repetitions = 5;
const rounds = 9;
const half: Recipe = [{ op: 'prune', kind: 'structured', ratio: 0.5 }];

/** Channels of ResNet-152: finding what hangs together, writing the smaller file, and what that saves on the device. */
export const bench: Bench = async ({ browser, projectRoot }) => [
  ...writing(fullSizeFile(projectRoot, 'resnet152')),
  ...(await withModules(projectRoot, async (baseURL) => {
    const page = await browser.newPage({ baseURL });
    await openBlankPage(page);
    const rows: BenchRow[] = [];
    for (const name of ['resnet152', 'mobilenet_v2']) {
      const [whole = [], pruned = []] = await runInPage<typeof InPage, 'timeRecipes'>(
        page,
        '/test/bench/prune-page.ts',
        'timeRecipes',
        {
          url: `/samples/zoo/${name}.onnx`,
          size: 224,
          threads: 1,
          rounds,
          recipes: [[{ op: 'identity' }], half],
        },
      );
      // Neighbours in time meet the same state of the machine.
      const faster = quantile(
        whole.map((ms, round) => ms / (pruned[round] ?? Number.NaN)),
        0.5,
      );
      const target = name === 'resnet152' ? 2.5 : 1;
      rows.push({
        name: `${name} without half of its channels on wasm, ${quantile(whole, 0.5).toFixed(0)} ms before, ${quantile(pruned, 0.5).toFixed(0)} ms after`,
        value: `${faster.toFixed(2)} x as fast`,
        target: `at least ${target} x`,
        ok: faster >= target,
      });
    }
    return rows;
  })),
];

/** A file of 241 MB, opened and written with half of its channels. */
function writing(path: string): BenchRow[] {
  const [grouping, times] = [[] as number[], [] as number[]];
  let [fileBytes, newBytes, peakBytes] = [0, 0, 0];
  for (let run = 0; run < repetitions; run++) {
    const file = fileSource(path);
    const baseBytes = process.memoryUsage().arrayBuffers;
    const look = (): void => {
      peakBytes = Math.max(peakBytes, process.memoryUsage().arrayBuffers - baseBytes);
    };
    const source: ByteSource = {
      size: file.size,
      read(offset, length) {
        look();
        return file.read(offset, length);
      },
    };
    fileBytes = file.size;
    const startedMs = performance.now();
    const model = parseModel(source, path);
    const analysed = analyseModel(model);
    const analysedMs = performance.now();
    channelGroups(analysed);
    const groupsMs = performance.now() - analysedMs;
    grouping.push(groupsMs);
    const variant = buildVariant(model, half, { baseName: 'm', now: () => performance.now() });
    for (const { bytes, write } of variant.files) {
      newBytes = bytes;
      write(look);
    }
    // Building finds the groups by itself.
    times.push(performance.now() - startedMs - groupsMs);
    file.close();
  }
  const [medianGroupsMs, ms] = [quantile(grouping, 0.5), quantile(times, 0.5)];
  return [
    {
      name: 'resnet152: which channels hang together',
      value: `${medianGroupsMs.toFixed(0)} ms`,
      target: '< 100 ms',
      ok: medianGroupsMs < 100,
    },
    {
      name: `resnet152 (241 MB) without half of its channels (${(newBytes / 1e6).toFixed(0)} MB): open, group, rank, write`,
      value: `${ms.toFixed(0)} ms`,
      target: '< 1000 ms',
      ok: ms < 1000,
    },
    {
      name: 'the same: most memory in buffers, garbage included',
      value: `${(peakBytes / fileBytes).toFixed(2)} x the file`,
      target: '< 2 x',
      ok: peakBytes < 2 * fileBytes,
    },
  ];
}
