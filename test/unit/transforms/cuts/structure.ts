import { expect } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { indexGraph } from '../../../../src/onnx/graph-index.ts';
import type { ByteSource } from '../../../../src/onnx/byte-source.ts';
import type { Model } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { cutGraphOfView } from '../../../../src/transforms/cuts/cut-graph.ts';
import { crossingNames, isNested } from '../../../../src/transforms/cuts/frontier.ts';
import type { PartitionOperator } from '../../../../src/transforms/recipe.ts';
import type { VariantFile } from '../../../../src/transforms/variant.ts';
import { build } from '../run-variant.ts';
import { randomFrontier } from './graphs.ts';

/** Two cuts with branches pulled at random, and a pair of cuts of which the first is before the second. */
export function randomCuts(model: Model, seed: number): PartitionOperator[] {
  const graph = cutGraphOfView(buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 }));
  const random = seededRandom(seed);
  const single = [0.25, 0.75].map((share): PartitionOperator => {
    return { op: 'partition', cut: crossingNames(graph, randomFrontier(graph, share, random)) };
  });
  for (;;) {
    const [first, second] = [randomFrontier(graph, 0.3, random), randomFrontier(graph, 0.7, random)];
    if (!isNested(first, second) || String(first) === String(second)) continue;
    return [
      ...single,
      { op: 'partition', cuts: [crossingNames(graph, first), crossingNames(graph, second)] },
    ];
  }
}

/**
 * The written parts of a cut model, read again, are the whole: each of its values is made by one part (by several only
 * if it comes from constants alone), from what the model is given and what earlier parts hand over, and all of its
 * outputs come out.
 */
export function expectComposition(model: Model, partition: PartitionOperator): void {
  const { model: whole, inputs, exits, index, costs } = analyseModel(model);
  const variant = build(model, [partition]);
  expect(variant.files).toHaveLength(partition.cuts === undefined ? 2 : 3);
  const available = new Set<string>(inputs);
  const fromInputs = new Set<string>(inputs);
  for (const node of index.order) {
    if (!index.inputsOf(node).some((name) => fromInputs.has(name))) continue;
    for (const name of whole.graph.nodes[node]?.outputs ?? []) fromInputs.add(name);
  }
  const made: string[] = [];
  variant.plan.segments.forEach((segment, at) => {
    const { graph } = parseModel(sourceOf(variant.files[at]!));
    expect(graph.inputs.map(({ name }) => name)).toEqual(segment.inputs.map(({ name }) => name));
    expect(graph.outputs.map(({ name }) => name)).toEqual(segment.outputs.map(({ name }) => name));
    expect(segment.inputs.filter(({ name }) => !available.has(name))).toEqual([]);
    for (const { name } of segment.outputs) available.add(name);
    // Refuses a value that nothing makes, or that two nodes do.
    indexGraph(graph);
    made.push(...graph.nodes.flatMap(({ outputs }) => outputs));
  });
  const computed = (names: readonly string[]): string[] =>
    names.filter((name) => fromInputs.has(name)).toSorted();
  expect(computed(made)).toEqual(computed(whole.graph.nodes.flatMap(({ outputs }) => outputs)));
  expect(exits.filter(({ output }) => !available.has(output))).toEqual([]);
  expect(variant.macs).toBe(costs.reduce((sum, { macs }) => sum + macs, 0));
}

/** A variant's file as it would be written, of which only what is read is made: weights are not. */
function sourceOf({ pieces, bytes }: VariantFile): ByteSource {
  let end = 0;
  const placed = pieces.map((piece) => ({ piece, start: end, end: (end += piece.length) }));
  return {
    size: bytes,
    read(offset, length) {
      const read = new Uint8Array(length);
      for (const each of placed) {
        const from = Math.max(offset, each.start);
        const to = Math.min(offset + length, each.end);
        if (from >= to) continue;
        const { piece, start } = each;
        const part =
          piece instanceof Uint8Array
            ? piece.subarray(from - start, to - start)
            : piece.source.read(piece.offset + from - start, to - from);
        read.set(part, from - offset);
      }
      return read;
    },
  };
}
