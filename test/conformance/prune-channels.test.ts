import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom, seedFromText } from '../../src/base/random.ts';
import { memorySource } from '../../src/onnx/byte-source.ts';
import { costOfNodes } from '../../src/onnx/cost.ts';
import { indexGraph } from '../../src/onnx/graph-index.ts';
import { refillHollow } from '../../src/onnx/hollow.ts';
import { DataType, type Model, type Tensor, valueName } from '../../src/onnx/model.ts';
import { parseModel } from '../../src/onnx/parse.ts';
import { inferFacts } from '../../src/onnx/shape-inference.ts';
import { elementCount, floatTensor } from '../../src/onnx/tensor.ts';
import { type AnalysedModel, analyseModel } from '../../src/transforms/analyse-model.ts';
import { channelGroups } from '../../src/transforms/prune/channels/channel-groups.ts';
import { costsWithout, removeChannels } from '../../src/transforms/prune/channels/remove-channels.ts';
import { countedByStatistics, keptShare, planted } from '../fixtures/planted-channels.ts';
import { feed, type RunOutput, runModel } from '../fixtures/run-onnx.ts';
import { relativeDifference } from '../unit/transforms/run-variant.ts';

const folder = new URL('../../../shared/models/', import.meta.url);
const modelsIn = (part: string): string[] => {
  const place = new URL(part, folder);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.onnx'))
    .map((name) => `${part}${name}`);
};
const zoo = modelsIn('zoo/');
const others = [...modelsIn(''), ...modelsIn('light/')];

function open(name: string): AnalysedModel {
  return analyseModel(refillHollow(parseModel(memorySource(readFileSync(new URL(name, folder))), name)));
}

const totalOf = (costs: AnalysedModel['costs']): { macs: number; params: number } => ({
  macs: costs.reduce((sum, { macs }) => sum + macs, 0),
  params: costs.reduce((sum, { params }) => sum + params, 0),
});

/** A narrow model with weights of its own in memory: the same graph, light enough to run. */
function narrow(name: string): AnalysedModel {
  const analysed = open(name);
  const groups = channelGroups(analysed);
  const { model } = removeChannels(analysed, groups, keptShare(groups, 1 / 8));
  const initializers = model.graph.initializers.map((tensor) =>
    tensor.dataType === DataType.float && elementCount(tensor.dims) > 1 ? noise(tensor) : tensor,
  );
  return analyseModel({ ...model, graph: { ...model.graph, initializers } });
}

/** Of about the size that keeps activations as large as they are; what may be a variance is positive. */
function noise({ name, dims }: Tensor): Tensor {
  const spread = dims.length < 2 ? 0.2 : 1.2 / Math.sqrt(elementCount(dims.slice(1)));
  const mean = dims.length < 2 ? 0.3 : 0;
  const random = seededRandom(seedFromText(name));
  const values = Float32Array.from({ length: elementCount(dims) }, () => mean + (2 * random() - 1) * spread);
  return floatTensor(name, dims, values);
}

async function outputsOf(model: Model, { inputs, counted }: AnalysedModel): Promise<Map<string, RunOutput>> {
  const [name = valueName('')] = inputs;
  return runModel(model, { [name]: feed((counted.get(name)?.shape ?? []) as number[]) });
}

/** Removing every second channel or so: valid, of the shapes foreseen, and runs. */
describe.skipIf(zoo.length === 0)('models without some of their channels', () => {
  it.each([...zoo, ...others])('%s: cost what the groups alone tell, at 25, 50 and 75 percent', (name) => {
    const analysed = open(name);
    const groups = channelGroups(analysed);
    for (const ratio of [0.25, 0.5, 0.75]) {
      const kept = keptShare(groups, 1 - ratio);
      const pruned = removeChannels(analysed, groups, kept);
      // Shapes follow from the file alone here, whatever was foreseen.
      const declared = { ...pruned.model.graph, valueInfos: [] };
      const { facts, warnings } = inferFacts({ ...pruned.model, graph: declared });
      expect(warnings).toEqual([]);
      for (const [value, { shape }] of pruned.shapes) {
        if (facts.has(value)) expect([value, facts.get(value)?.shape]).toEqual([value, shape]);
      }
      const found = totalOf(costOfNodes(declared, indexGraph(declared), facts));
      const foreseen = totalOf(costsWithout(analysed, groups, kept));
      expect(found).toEqual(foreseen);
      expect(totalOf(pruned.costs)).toEqual(foreseen);
      expect(found.params).toBeLessThan(totalOf(analysed.costs).params);
    }
  });

  it.each(zoo)('%s: run as foreseen, and answer as before where channels are zero', async (name) => {
    const original = narrow(name);
    const groups = channelGroups(original);
    const half = keptShare(groups, 0.5);
    const statistics = countedByStatistics(original, groups);
    const unseen = half.map((stays, unit) => (statistics.has(unit) ? 1 : stays));
    const model = planted(original, groups, unseen);
    const wanted = await outputsOf(model, original);
    const removed = removeChannels({ ...original, model, index: indexGraph(model.graph) }, groups, unseen);
    const found = await outputsOf(removed.model, original);
    expect(totalOf(removed.costs).params).toBeLessThan(totalOf(original.costs).params);
    for (const [output, { data, dims }] of wanted) {
      const scores = data as Float32Array;
      expect(scores.some((value) => value !== scores[0])).toBe(true);
      expect(found.get(output)?.dims).toEqual(dims);
      const largest = scores.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const difference = relativeDifference(found.get(output)?.data as Float32Array, scores) * largest;
      expect(difference).toBeLessThan(1e-5 * Math.max(1, largest));
    }
    if (unseen.every((stays, unit) => stays === half[unit])) return;
    const all = removeChannels(original, groups, half);
    for (const [output, { dims }] of await outputsOf(all.model, original))
      expect(wanted.get(output)?.dims).toEqual(dims);
  });
});
