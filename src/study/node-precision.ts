import type { GraphView, NodeView } from '../onnx/graph-view.ts';
import { nameInRecipes } from '../transforms/match-nodes.ts';
import {
  type MixedQuantizeOperator,
  mixedFrom,
  type Precision,
  precisionOf,
  withPrecision,
} from '../transforms/quantize/mixed-operator.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { noiseOfLayers, type UnitSensitivity } from './sensitivity.ts';

/** Operators whose weights can be stored in fewer bits. */
const LAYERS: ReadonlySet<string> = new Set(['Conv', 'ConvTranspose', 'Gemm', 'MatMul']);

/** Those of some nodes that have a precision to choose. */
export function layersAmong(nodes: readonly NodeView[]): readonly NodeView[] {
  return nodes.filter(({ opType, weights }) => LAYERS.has(opType) && weights.length > 0);
}

/** The recipe's mix of precisions; null if it quantizes in a way that all layers share. */
export function mixOf(recipe: Recipe): MixedQuantizeOperator | null {
  const operator = recipe.find(({ op }) => op === 'quantize');
  if (operator?.op !== 'quantize') return { op: 'quantize', mode: 'mixed', default: 'float32', layers: [] };
  if (operator.mode === 'mixed') return operator;
  return operator.mode === 'static' ? mixedFrom(operator) : null;
}

/** What the layers compute in; null if not all in the same. */
export function commonPrecision(mix: MixedQuantizeOperator, layers: readonly NodeView[]): Precision | null {
  const precisions = new Set(layers.map((layer) => precisionOf(mix, layer)));
  return precisions.size === 1 ? ([...precisions][0] ?? null) : null;
}

/** The recipe with layers of the model in another precision. */
export function withLayersIn(
  recipe: Recipe,
  view: GraphView,
  layers: readonly NodeView[],
  precision: Precision,
): Recipe {
  const mix = mixOf(recipe);
  if (mix === null) return recipe;
  const names = layers.map((layer) => nameInRecipes(layer, view.nodes));
  return withMix(recipe, withPrecision(mix, names, precision));
}

/** The recipe with another mix, in the place of what it quantizes with now; before cuts where it has nothing yet. */
export function withMix(recipe: Recipe, mix: MixedQuantizeOperator): Recipe {
  const at = recipe.findIndex(({ op }) => op === 'quantize');
  if (at >= 0) return recipe.with(at, mix);
  const cut = recipe.findIndex(({ op }) => op === 'partition');
  return recipe.toSpliced(cut < 0 ? recipe.length : cut, 0, mix);
}

/** The node of a graph that a recipe calls so; undefined if there is none. */
export function nodeCalled(view: GraphView, name: string): NodeView | undefined {
  return (
    view.nodes.find((node) => node.name === name) ??
    view.nodes.find(({ outputs }) => outputs.some((output) => output === name))
  );
}

/** By `NodeView.index`, the power of the error on the scores that a node alone in int8 causes; 0: not known, or none. */
export function noiseOfNodes(view: GraphView, results: readonly UnitSensitivity[]): Float64Array {
  const noise = new Float64Array(view.nodes.length);
  for (const [layer, power] of noiseOfLayers(results)) {
    const node = nodeCalled(view, layer);
    if (node !== undefined) noise[node.index] = power;
  }
  return noise;
}
