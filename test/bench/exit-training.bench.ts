import { seededRandom } from '../../src/base/random.ts';
import { learnThresholds } from '../../src/study/learn-thresholds.ts';
import { evaluateThresholds, thresholdTable } from '../../src/study/thresholds.ts';
import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { type Bench, type BenchContext, type BenchRow, quantile } from './bench.ts';
import type * as InPage from './exit-training-page.ts';
import { withModules } from './modules-server.ts';

export const bench: Bench = async (context) => [...(await headTraining(context)), ...thresholdRows()];

const heads = [
  { images: 2000, width: 512, classes: 10, mostSeconds: 3 },
  { images: 5000, width: 512, classes: 100, mostSeconds: 10 },
  { images: 5000, width: 960, classes: 1000, mostSeconds: 30 },
] as const;
const threads = 2;

function headTraining({ browser, projectRoot }: BenchContext): Promise<readonly BenchRow[]> {
  return withModules(projectRoot, async (baseURL) => {
    const page = await browser.newPage({ baseURL });
    await openBlankPage(page);
    const rows: BenchRow[] = [];
    for (const { images, width, classes, mostSeconds } of heads) {
      const { seconds, steps, validationAccuracy } = await runInPage<typeof InPage, 'trainOne'>(
        page,
        '/test/bench/exit-training-page.ts',
        'trainOne',
        images,
        width,
        classes,
        threads,
      );
      rows.push({
        name: `a head of ${images} images x ${width} features x ${classes} classes, worker started for it`,
        value: `${seconds.toFixed(2)} s, ${steps} steps, ${(100 * validationAccuracy).toFixed(1)} % right`,
        target: `< ${mostSeconds} s`,
        ok: seconds < mostSeconds,
      });
    }
    await page.close();
    return rows;
  });
}

function thresholdRows(): BenchRow[] {
  const [exits, images, classCount] = [4, 2000, 10];
  const random = seededRandom(1);
  const table = thresholdTable(
    {
      imageIndices: Array.from({ length: images }, (_, image) => image),
      classCount,
      exits: Array.from({ length: exits }, (_, index) => ({
        index,
        output: `exit${index}`,
        kind: 'logits',
        scores: Float32Array.from({ length: images * classCount }, () => 4 * (index + 1) * random()),
        latencyMs: index + 1,
      })),
    },
    'max-softmax',
    Array.from({ length: images }, (_, image) => image % classCount),
  );
  const moveMs = medianMs(200, () => evaluateThresholds(table, [random(), random(), random()]));
  const learnMs = medianMs(1, () => learnThresholds(table, 1));
  return [
    {
      name: `a move of a slider: thresholds of ${exits} exits on ${images} images`,
      value: `${moveMs.toFixed(2)} ms`,
      target: '< 16 ms with drawing, so < 2 ms alone',
      ok: moveMs < 2,
    },
    {
      name: `learning thresholds of ${exits} exits on ${images} images`,
      value: `${learnMs.toFixed(0)} ms`,
      target: '< 3,000 ms',
      ok: learnMs < 3000,
    },
  ];
}

function medianMs(repetitions: number, work: () => unknown): number {
  const times = Array.from({ length: repetitions }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return quantile(times, 0.5);
}
