import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import { cutGraphOfView } from '../../src/transforms/cuts/cut-graph.ts';
import { DEFAULT_TIERS, resolveCut } from '../../src/transforms/cuts/resolve-cut.ts';
import { walkFrontiers } from '../../src/transforms/cuts/walk-frontiers.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';

const models = ['zoo:densenet201', 'zoo:convnext_small', 'zoo:vit_b_16'];
const repetitions = 7;

/** Cuts are searched in plain TypeScript, so this needs no page. */
export const bench: Bench = async () => models.flatMap(cutTimes);

function cutTimes(name: string): BenchRow[] {
  const { model, fileName, fileBytes } = openModelArgument(name);
  const view = buildGraphView(model, { modelId: name, fileName, fileBytes });
  let frontiers = 0;
  const all = medianMs(() => {
    frontiers = 0;
    walkFrontiers(cutGraphOfView(view), () => frontiers++);
  });
  const fastest = medianMs(() => resolveCut(cutGraphOfView(view), 'fastest', DEFAULT_TIERS));
  return [
    row(`${name}: all ${frontiers} frontiers enumerated and costed`, all, 50),
    row(`${name}: fastest cut`, fastest, 200),
  ];
}

function row(name: string, ms: number, targetMs: number): BenchRow {
  return { name, value: `${ms.toFixed(1)} ms`, target: `< ${targetMs} ms`, ok: ms < targetMs };
}

function medianMs(work: () => void): number {
  const times = Array.from({ length: repetitions }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return quantile(times, 0.5);
}
