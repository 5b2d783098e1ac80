import { buildGraphView } from '../onnx/build-graph-view.ts';
import { costOfNodes, type NodeCost } from '../onnx/cost.ts';
import { foldConstants } from '../onnx/fold.ts';
import { indexGraph } from '../onnx/graph-index.ts';
import type { Model, ValueName } from '../onnx/model.ts';
import type { ExitView, SkippableRun } from '../onnx/graph-view.ts';
import type { IndexedModel } from './extract.ts';

/** One of the model's outputs, seen as an exit; its index stays the same when other exits are dropped. */
export type ModelExit = Pick<ExitView, 'index' | 'output' | 'scores'>;

/** A model without exporter's clutter, and what transforms ask of it. */
export interface AnalysedModel extends IndexedModel {
  readonly costs: readonly NodeCost[];
  /** Inputs without the initializers that old exporters list as inputs. */
  readonly inputs: readonly ValueName[];
  /** In order of work; the last is the final one. */
  readonly exits: readonly ModelExit[];
  /** Blocks that can be left out; nodes are counted as in the whole model. */
  readonly skippable: readonly SkippableRun[];
}

/** Checks run while a cut is dragged, so a model is folded and indexed once. */
const analyses = new WeakMap<Model, AnalysedModel>();

/**
 * The display model (constants folded, value names unchanged) with its index, shapes and costs. Kept for as long
 * as the model is.
 */
export function analyseModel(model: Model): AnalysedModel {
  const known = analyses.get(model);
  if (known !== undefined) return known;
  const { model: folded, inference } = foldConstants(model);
  const index = indexGraph(folded.graph);
  const shapes = inference.facts;
  const analysed: AnalysedModel = {
    model: folded,
    index,
    shapes,
    costs: costOfNodes(folded.graph, index, shapes),
    inputs: inputsOf(folded),
    ...viewOf(model),
  };
  analyses.set(model, analysed);
  return analysed;
}

/** The same for a model made from an analysed one; its values have the same names and shapes. */
export function analyseEdited(
  original: AnalysedModel,
  model: Model,
  exits: readonly ModelExit[],
): AnalysedModel {
  const index = indexGraph(model.graph);
  const { shapes } = original;
  const inputs = inputsOf(model);
  const remains = (name: ValueName): boolean => index.producer.has(name) || inputs.includes(name);
  return {
    model,
    index,
    shapes,
    costs: costOfNodes(model.graph, index, shapes),
    inputs,
    exits,
    skippable: original.skippable.flatMap((run) => {
      const blocks = run.blocks.filter(({ from, to }) => remains(from) && remains(to));
      return blocks.length === 0 ? [] : [{ ...run, blocks }];
    }),
  };
}

function inputsOf({ graph }: Model): ValueName[] {
  const initializers = new Set<string>(graph.initializers.map(({ name }) => name));
  return graph.inputs.map(({ name }) => name).filter((name) => !initializers.has(name));
}

/** The view's own exits and blocks, so that an exit's number means the same on the canvas and in a recipe. */
function viewOf(model: Model): Pick<AnalysedModel, 'exits' | 'skippable'> {
  const { exits, skippable = [] } = buildGraphView(model, { modelId: '', fileName: '', fileBytes: 0 });
  return { exits: exits.map(({ index, output, scores }) => ({ index, output, scores })), skippable };
}
