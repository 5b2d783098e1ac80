import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileSource } from '../../src/cli/node-file-source.ts';
import { openModelArgument } from '../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../src/onnx/build-graph-view.ts';
import type { ByteSource } from '../../src/onnx/byte-source.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { analyseModel } from '../../src/transforms/analyse-model.ts';
import { buildVariant, checkRecipe } from '../../src/transforms/build-variant.ts';
import { headsByKey } from '../../src/transforms/exits/trained-head.ts';
import { tapPlaces } from '../../src/transforms/exits/trained-placement.ts';
import { recipeLabel } from '../../src/transforms/parse-recipe.ts';
import type { Recipe } from '../../src/transforms/recipe.ts';
import { randomHead } from '../unit/transforms/exits/heads.ts';
import { type Bench, type BenchRow, quantile } from './bench.ts';
import { fullSizeFile } from './full-size-file.ts';

const repetitions = 5;
const skipTwo: Recipe = [{ op: 'early-exit', kind: 'skip', blocks: 2 }];

/** Transforms are plain TypeScript, so this needs no page. */
export const bench: Bench = async ({ projectRoot }) => [
  ...bypassing(fullSizeFile(projectRoot, 'wide_resnet101_2')),
  checking(projectRoot),
];

/**
 * What the page asks at every move of a cut or a threshold, for every model of the gallery: the best of several for
 * each recipe, and of these the slowest.
 */
function checking(projectRoot: string): BenchRow {
  const files = readdirSync(join(projectRoot, 'public/samples/zoo')).filter((file) => file.endsWith('.onnx'));
  let slowest = { ms: 0, what: '' };
  for (const file of files) {
    const { model } = openModelArgument(`zoo:${file.replace('.onnx', '')}`);
    const view = buildGraphView(model, { modelId: '', fileName: file, fileBytes: 0 });
    const places = tapPlaces(view);
    const at = [0.3, 0.6, 0.9].flatMap((share) => places[Math.floor(share * places.length)]?.value ?? []);
    const heads = headsByKey(at.map((value) => randomHead(model, value)));
    const exits: Recipe = at.length === 0 ? [] : [{ op: 'early-exit', kind: 'trained', at, threshold: 0.8 }];
    const named = view.frontiers[Math.floor(view.frontiers.length / 2)]?.crossing ?? [];
    for (const cut of ['equal-size', 'fewest-bytes', 'fastest', named]) {
      const recipe: Recipe = [...exits, { op: 'partition', cut }];
      const times = Array.from({ length: repetitions }, () =>
        timeOf(() => checkRecipe(model, recipe, heads)),
      );
      const ms = Math.min(...times);
      if (ms > slowest.ms) slowest = { ms, what: `${file}, ${recipeLabel(recipe)}` };
    }
  }
  const what = `check a recipe of exits and a cut, ${files.length} models; slowest: ${slowest.what}`;
  return row(what, slowest.ms, 50);
}

function timeOf(work: () => void): number {
  const startedMs = performance.now();
  work();
  return performance.now() - startedMs;
}

/** A file of 507 MB, opened, analysed and rebuilt without its last two blocks. */
function bypassing(path: string): BenchRow[] {
  const [opened, built] = [[] as number[], [] as number[]];
  let [readBytes, newBytes, fileBytes] = [0, 0, 0];
  for (let run = 0; run < repetitions; run++) {
    const file = fileSource(path);
    readBytes = 0;
    const source: ByteSource = {
      size: file.size,
      read(offset, length) {
        readBytes += length;
        return file.read(offset, length);
      },
    };
    const startedMs = performance.now();
    const model = parseModel(source, path);
    analyseModel(model);
    opened.push(performance.now() - startedMs);
    const variant = buildVariant(model, skipTwo, { baseName: 'm', now: () => performance.now() });
    built.push(variant.buildMs);
    const pieces = variant.files.flatMap((each) => each.pieces);
    newBytes = sumOf(pieces.filter((piece) => piece instanceof Uint8Array));
    fileBytes = sumOf(pieces);
    file.close();
  }
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
  return [
    row(
      `skip 2 blocks of wide_resnet101_2 (${megabytes(fileBytes)} remain): build`,
      quantile(built, 0.5),
      500,
    ),
    row(
      'the same, opening and analysing the file included',
      quantile(opened, 0.5) + quantile(built, 0.5),
      500,
    ),
    {
      name: 'the same: bytes read of the file, and bytes of the result that are not ranges of it',
      value: `${(readBytes / 1e6).toFixed(2)} MB, ${(newBytes / 1e6).toFixed(2)} MB`,
      target: '< 1 MB each',
      ok: readBytes < 1e6 && newBytes < 1e6,
    },
  ];
}

function sumOf(pieces: readonly { readonly length: number }[]): number {
  return pieces.reduce((sum, { length }) => sum + length, 0);
}

function row(name: string, ms: number, targetMs: number): BenchRow {
  return { name, value: `${ms.toFixed(1)} ms`, target: `< ${targetMs} ms`, ok: ms < targetMs };
}
