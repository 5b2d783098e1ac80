import { defined } from '../base/assert.ts';
import { buildGraphView } from '../onnx/build-graph-view.ts';
import { countedInference } from '../onnx/counted-inference.ts';
import { type CountedSize, dimsAtSize } from '../onnx/counted-size.ts';
import { costOfNodes, type NodeCost, type ShapesByValue } from '../onnx/cost.ts';
import { foldConstants } from '../onnx/fold.ts';
import { indexGraph } from '../onnx/graph-index.ts';
import { type Graph, type Model, type ValueName, valueName } from '../onnx/model.ts';
import { inferShapes } from '../onnx/shape-inference.ts';
import type { ExitView, SkippableRun } from '../onnx/graph-view.ts';
import { type IndexedModel, nodesBetween } from './extract.ts';

/** One of the model's outputs, seen as an exit; its index stays the same when other exits are dropped. */
export type ModelExit = Pick<ExitView, 'index' | 'output' | 'scores'>;

/** A model without exporter's clutter, and what transforms ask of it. */
export interface AnalysedModel extends IndexedModel {
  readonly costs: readonly NodeCost[];
  /** Shapes with the sizes that the model leaves open as they are counted; `shapes` keeps them open, as files do. */
  readonly counted: ShapesByValue;
  /** Inputs without the initializers that old exporters list as inputs. */
  readonly inputs: readonly ValueName[];
  /** In order of work; the last is the final one. */
  readonly exits: readonly ModelExit[];
  /** Blocks that can be left out; nodes are counted as in the whole model. */
  readonly skippable: readonly SkippableRun[];
}

/** Checks run while a cut is dragged, so a model is folded and indexed once. */
const analyses = new WeakMap<Model, { readonly key: string; readonly analysed: AnalysedModel }>();

/**
 * The display model (constants folded, value names unchanged) with its index, shapes and costs. Kept for as long
 * as the model is, at the last size asked for.
 * @param size what sizes that the model leaves open are counted as
 */
export function analyseModel(model: Model, size: CountedSize = {}): AnalysedModel {
  const key = JSON.stringify([size.height, size.width, size.length]);
  const known = analyses.get(model);
  if (known?.key === key) return known.analysed;
  const folded = foldConstants(model);
  const { graph } = folded.model;
  const index = indexGraph(graph);
  const counted = countedInference(folded, dimsAtSize(size)).facts;
  const analysed: AnalysedModel = {
    model: folded.model,
    index,
    shapes: folded.inference.facts,
    counted,
    costs: costOfNodes(graph, index, counted),
    inputs: inputsOf(folded.model),
    ...viewOf(model, size),
  };
  analyses.set(model, { key, analysed });
  return analysed;
}

/** The same for a model made from an analysed one; its values have the same names and shapes, initializers may be new. */
export function analyseEdited(
  original: AnalysedModel,
  model: Model,
  exits: readonly ModelExit[],
): AnalysedModel {
  const index = indexGraph(model.graph);
  const shapes = withInitializers(original.shapes, model.graph);
  const counted =
    original.counted === original.shapes ? shapes : withInitializers(original.counted, model.graph);
  const inputs = inputsOf(model);
  const remains = (name: ValueName): boolean => index.producer.has(name) || inputs.includes(name);
  return {
    model,
    index,
    shapes,
    counted,
    costs: costOfNodes(model.graph, index, counted),
    inputs,
    exits,
    skippable: original.skippable.flatMap((run) => {
      const blocks = run.blocks.filter(({ from, to }) => remains(from) && remains(to));
      return blocks.length === 0 ? [] : [{ ...run, blocks }];
    }),
  };
}

function withInitializers(shapes: ShapesByValue, { initializers }: Graph): ShapesByValue {
  const added = initializers.filter(({ name }) => !shapes.has(valueName(name)));
  if (added.length === 0) return shapes;
  return new Map([
    ...shapes,
    ...added.map(({ name, dataType, dims }) => [valueName(name), { dataType, shape: dims }] as const),
  ]);
}

/**
 * The same for a model that got further outputs (heads of exits), without looking at all of it again.
 * @param model the analysed one, with nodes and initializers added, and outputs before those it had
 */
export function analyseGrown(original: AnalysedModel, model: Model): AnalysedModel {
  const { graph } = model;
  const isNew = (name: ValueName): boolean => !original.shapes.has(name);
  const nodes = graph.nodes.filter(({ outputs }) => outputs.some(isNew));
  const tapped = new Set(nodes.flatMap(({ inputs }) => inputs).filter((name) => original.shapes.has(name)));
  const headsOn = (known: ShapesByValue): Graph => ({
    ...graph,
    nodes,
    inputs: [...tapped].map((name) => ({
      name,
      type: { kind: 'tensor', ...defined(known.get(name), name) },
      docString: '',
      unknown: [],
    })),
    outputs: graph.outputs.filter(({ name }) => isNew(name)),
    initializers: graph.initializers.filter(({ name }) => isNew(valueName(name))),
    valueInfos: [],
  });
  const withHeads = (known: ShapesByValue): ShapesByValue =>
    new Map([...known, ...inferShapes({ ...model, graph: headsOn(known) })]);
  const shapes = withHeads(original.shapes);
  const counted = original.counted === original.shapes ? shapes : withHeads(original.counted);
  const grown = analyseEdited({ ...original, shapes, counted }, model, []);
  const known = new Map(original.exits.map((exit) => [exit.output, exit]));
  const exits = graph.outputs
    .filter(({ name }) => isNew(name) || known.has(name))
    .map(({ name }) => ({
      output: name,
      scores: known.get(name)?.scores ?? 'logits',
      macs: macsTo(grown, name),
    }))
    .toSorted((a, b) => a.macs - b.macs)
    .map(({ output, scores }, index) => ({ index, output, scores }));
  return { ...grown, exits };
}

function macsTo({ index, costs }: AnalysedModel, output: ValueName): number {
  let macs = 0;
  for (const node of nodesBetween(index, new Set(), [output])) macs += costs[node]?.macs ?? 0;
  return macs;
}

function inputsOf({ graph }: Model): ValueName[] {
  const initializers = new Set<string>(graph.initializers.map(({ name }) => name));
  return graph.inputs.map(({ name }) => name).filter((name) => !initializers.has(name));
}

/** The view's own exits and blocks, so that an exit's number means the same on the canvas and in a recipe. */
function viewOf(model: Model, size: CountedSize): Pick<AnalysedModel, 'exits' | 'skippable'> {
  const meta = { modelId: '', fileName: '', fileBytes: 0 };
  const { exits, skippable = [] } = buildGraphView(model, meta, dimsAtSize(size));
  return { exits: exits.map(({ index, output, scores }) => ({ index, output, scores })), skippable };
}
