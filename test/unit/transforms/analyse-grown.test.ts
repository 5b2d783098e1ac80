import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { int64Tensor } from '../../../src/onnx/tensor.ts';
import { analyseEdited, analyseGrown, analyseModel } from '../../../src/transforms/analyse-model.ts';
import { attachHeads } from '../../../src/transforms/exits/attach-head.ts';
import { tapPlaces } from '../../../src/transforms/exits/trained-placement.ts';
import { randomHead } from './exits/heads.ts';
import { sampleModel } from './run-variant.ts';

describe('a model that got heads', () => {
  it.each(['digits', 'zoo/mobilenet_v2', 'zoo/vit_b_16'])(
    'of %s is known as well as if all of it were looked at again',
    (name) => {
      const model = sampleModel(name);
      const places = tapPlaces(buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 }));
      const original = analyseModel(model);
      const heads = [0.3, 0.7].map((share) =>
        randomHead(model, places[Math.floor(share * places.length)]?.value ?? ''),
      );
      const { model: grown } = attachHeads(original, heads);
      const [quick, whole] = [analyseGrown(original, grown), analyseModel(grown)];
      expect(quick.exits).toEqual(whole.exits);
      expect(quick.exits.length).toBe(original.exits.length + 2);
      expect(quick.inputs).toEqual(whole.inputs);
      for (const value of grown.graph.nodes.flatMap(({ outputs }) => outputs))
        expect(quick.shapes.get(value)?.shape).toEqual(whole.shapes.get(value)?.shape);
      const macs = ({ costs }: typeof quick) => costs.reduce((sum, cost) => sum + cost.macs, 0);
      expect(macs(quick)).toBe(macs(whole));
    },
  );
});

it('shapes of initializers that an edit adds are known', () => {
  const original = analyseModel(sampleModel('digits'));
  const { graph } = original.model;
  const initializers = [...graph.initializers, int64Tensor('added', [2], [1, 2])];
  const edited = analyseEdited(original, { ...original.model, graph: { ...graph, initializers } }, []);
  for (const known of [edited.shapes, edited.counted])
    expect(known.get('added' as never)?.shape).toEqual([2]);
});
