import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import type * as InPage from './calibration-page.ts';
import { withModules } from './modules-server.ts';

const models = [
  { name: 'mobilenet_v2', url: '/samples/zoo/mobilenet_v2.onnx', size: 224, images: 128 },
  { name: 'ResNet-20', url: null, size: 32, images: 128 },
  { name: 'the bundled model', url: '/samples/digits.onnx', size: 32, images: 128 },
] as const;
const methods = [
  { calibration: 'minmax' },
  { calibration: 'percentile' },
  { calibration: 'entropy', bins: 2048 },
] as const;
const WANTED_RATIO = 1.3;

/** What calibration costs against running the same images through the model, session and ranges included. */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const rows: BenchRow[] = [];
    for (const { name, ...model } of models) {
      for (const options of methods) {
        const page = await browser.newPage({ baseURL });
        await openBlankPage(page);
        const turns = await runInPage<typeof InPage, 'compareCalibration'>(
          page,
          '/test/bench/calibration-page.ts',
          'compareCalibration',
          { ...model, threads: 1, options, turns: 3 },
        );
        await page.close();
        const ratioOf = (key: 'totalMs' | 'imageMs') =>
          quantile(
            turns.map(({ plain, calibration }) => calibration[key] / plain[key]),
            0.5,
          );
        const ratio = ratioOf('totalMs');
        const steady = ratioOf('imageMs');
        const plainMs = quantile(
          turns.map(({ plain }) => plain.totalMs),
          0.5,
        );
        rows.push({
          name: `calibrating ${turns[0]?.calibration.values} values of ${name} with ${model.images} images by ${Object.values(options).join(' ')}`,
          value: `${ratio.toFixed(2)} x running them (${plainMs.toFixed(0)} ms)${Number.isNaN(steady) ? '' : `, ${steady.toFixed(2)} x once it runs`}`,
          target: `at most ${WANTED_RATIO} x`,
          ok: ratio <= WANTED_RATIO,
        });
      }
    }
    return rows;
  });
