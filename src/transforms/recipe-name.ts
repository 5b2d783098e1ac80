import type { GraphView } from '../onnx/graph-view.ts';
import { placeCuts } from './cuts/placed-cut.ts';
import { automaticCutOf, namedCutsOf } from './cuts/resolve-cut.ts';
import { recipeLabel } from './parse-recipe.ts';
import { skipsOf } from './exits/skip-placement.ts';
import type { Operator, Recipe, SkipExitOperator } from './recipe.ts';

/**
 * A recipe's short name on a model: its label, with cuts named after the blocks they lie at instead of after
 * values, whose names are long and say little.
 */
export function recipeName(recipe: Recipe, view: GraphView): string {
  const operators = recipe.filter(({ op }) => op !== 'identity');
  if (operators.length === 0) return recipeLabel(recipe);
  return operators.map((operator) => operatorName(operator, view)).join(' + ');
}

function operatorName(operator: Operator, view: GraphView): string {
  if (operator.op === 'early-exit' && operator.kind === 'skip') return skipName(operator, view);
  if (operator.op !== 'partition') return recipeLabel([operator]);
  const automatic = automaticCutOf(operator);
  if (automatic !== null) return recipeLabel([operator]);
  const { cuts } = placeCuts(view, operator, {});
  if (cuts.length < namedCutsOf(operator).length) return recipeLabel([operator]);
  return `cut ${cuts.map(({ afterNode }) => placeOfCut(view, afterNode)).join(' | ')}`;
}

/** `skip 2` for the last two blocks; by hand, which: `skip block 3`, `skip block 3 to block 5`. */
function skipName(operator: SkipExitOperator, view: GraphView): string {
  const [first, ...others] = skipsOf([operator], view).skips;
  if (operator.bypass === undefined || !first) return recipeLabel([operator]);
  const blockAt = (node: number): string =>
    view.blocks.find(({ firstNode, lastNode }) => firstNode <= node && node <= lastNode)?.label ?? '';
  const [start, end] = [blockAt(first.afterNode + 1), blockAt(first.lastNode)];
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `skip ${start === end ? start : `${start} to ${end}`}${more}`;
}

/**
 * Where a cut lies, by block: `after block 3`, `in block 3, after Conv`.
 * @param afterNode topological position
 */
export function placeOfCut(view: GraphView, afterNode: number): string {
  const block = view.blocks.find(
    ({ firstNode, lastNode }) => firstNode <= afterNode && afterNode <= lastNode,
  );
  const opType = view.nodes[afterNode]?.opType ?? '';
  if (!block) return `after ${opType}`;
  return block.lastNode === afterNode ? `after ${block.label}` : `in ${block.label}, after ${opType}`;
}
