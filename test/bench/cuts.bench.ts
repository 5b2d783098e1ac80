import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { defined } from '../../src/base/assert.ts';
import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import { cutGraphOfView } from '../../src/transforms/cuts/cut-graph.ts';
import { cutWishOf, resolveCuts } from '../../src/transforms/cuts/resolve-cut.ts';
import { walkFrontiers } from '../../src/transforms/cuts/walk-frontiers.ts';
import type { PartitionOperator } from '../../src/transforms/recipe.ts';
import type { Bench, BenchRow } from './bench.ts';

const repetitions = 7;

/** Cuts are searched in plain TypeScript, so this needs no page. */
export const bench: Bench = async ({ projectRoot }) =>
  readdirSync(join(projectRoot, 'public/samples/zoo'))
    .filter((file) => file.endsWith('.onnx'))
    .flatMap((file) => cutTimes(`zoo:${file.replace('.onnx', '')}`));

function cutTimes(name: string): BenchRow[] {
  const { model, fileName, fileBytes } = openModelArgument(name);
  const view = buildGraphView(model, { modelId: name, fileName, fileBytes });
  let frontiers = 0;
  const all = leastMs(() => {
    frontiers = 0;
    walkFrontiers(cutGraphOfView(view), () => frontiers++);
  });
  const search = (place: Pick<PartitionOperator, 'cut' | 'cuts'>): number => {
    const wish = defined(cutWishOf({ op: 'partition', ...place }), 'an automatic cut');
    return leastMs(() => resolveCuts(cutGraphOfView(view), wish));
  };
  return [
    row(`${name}: all ${frontiers} frontiers enumerated and costed`, all, 50),
    row(`${name}: fastest cut`, search({ cut: 'fastest' }), 200),
    row(`${name}: fastest two cuts`, search({ cuts: 'fastest' }), 200),
  ];
}

function row(name: string, ms: number, targetMs: number): BenchRow {
  return { name, value: `${ms.toFixed(1)} ms`, target: `< ${targetMs} ms`, ok: ms < targetMs };
}

/** The best of several: the work is the same each time, and whatever else the machine does only adds to it. */
function leastMs(work: () => void): number {
  const times = Array.from({ length: repetitions }, () => {
    const startedMs = performance.now();
    work();
    return performance.now() - startedMs;
  });
  return Math.min(...times);
}
