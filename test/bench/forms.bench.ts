import { openBlankPage, runInPage } from '../browser/modules/in-page.ts';
import { type Bench, type BenchRow } from './bench.ts';
import type * as InPage from './forms-page.ts';
import { withModules } from './modules-server.ts';

const path = '/test/bench/forms-page.ts';
/** Fewer rounds of what is slow: all of it is to take less than four minutes. */
const models = [
  { name: 'the bundled model', url: '/samples/digits.onnx', size: 32, rounds: 41 },
  { name: 'mobilenet_v3_small', url: '/samples/zoo/mobilenet_v3_small.onnx', size: 224, rounds: 25 },
  { name: 'mobilenet_v2', url: '/samples/zoo/mobilenet_v2.onnx', size: 224, rounds: 17 },
  { name: 'densenet169', url: '/samples/zoo/densenet169.onnx', size: 224, rounds: 7 },
] as const;
const WANTED_RATIO = 1.1;
const WANTED_PROBE_MS = 60_000;

/** Whether the form that `auto` becomes is about the fastest: all forms of each model in one run. */
export const bench: Bench = ({ browser, projectRoot }) =>
  withModules(projectRoot, async (baseURL) => {
    const page = await browser.newPage({ baseURL });
    await openBlankPage(page);
    const { figures, elapsedMs } = await runInPage<typeof InPage, 'compareForms'>(
      page,
      path,
      'compareForms',
      1,
    );
    const rows: BenchRow[] = [
      {
        name: 'comparing the forms on this device',
        value: `${(elapsedMs / 1000).toFixed(1)} s`,
        target: `< ${WANTED_PROBE_MS / 1000} s`,
        ok: elapsedMs < WANTED_PROBE_MS,
      },
    ];
    for (const { name, ...model } of models) {
      const { medianMs, staticForms, chosen, relative, expected, decidedMs } = await runInPage<
        typeof InPage,
        'timeAllForms'
      >(page, path, 'timeAllForms', { ...model, figures });
      const msOf = new Map<string, number>(medianMs);
      const chosenMs = msOf.get(chosen ?? '') ?? Number.NaN;
      const floatMs = msOf.get('float32') ?? Number.NaN;
      const [best = '', bestMs = Number.NaN] =
        medianMs
          .filter(([form]) => staticForms.some((each) => each === form))
          .toSorted((a, b) => a[1] - b[1])[0] ?? [];
      rows.push({
        name: `${name}: auto is ${chosen}, by its layers ${expected?.toFixed(2)}, timed in ${(decidedMs / 1000).toFixed(1)} s ${relative?.toFixed(2)} and here ${(chosenMs / floatMs).toFixed(2)} of float32; all: ${medianMs.map(([form, ms]) => `${form} ${ms.toFixed(2)}`).join(', ')} ms`,
        value: `${(chosenMs / bestMs).toFixed(2)} x the fastest (${best})`,
        target: `at most ${WANTED_RATIO} x`,
        ok: chosenMs <= WANTED_RATIO * bestMs,
      });
    }
    return rows;
  });
