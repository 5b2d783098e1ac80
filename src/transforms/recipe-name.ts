import type { GraphView } from '../onnx/graph-view.ts';
import { placeCuts } from './cuts/placed-cut.ts';
import { automaticCutOf, namedCutsOf } from './cuts/resolve-cut.ts';
import { trainedLabel } from './exits/exit-operator.ts';
import { recipeLabel } from './parse-recipe.ts';
import { type SkipPlacement, skipsOf } from './exits/skip-placement.ts';
import type { BlockPruneOperator } from './prune/prune-operator.ts';
import type { NamedRecipe, Operator, Recipe, SkipExitOperator } from './recipe.ts';

/**
 * A recipe's short name on a model: its label, with cuts and trained exits named after the blocks they lie at instead
 * of after values, whose names are long and say little.
 */
export function recipeName(recipe: Recipe, view: GraphView): string {
  const operators = recipe.filter(({ op }) => op !== 'identity');
  if (operators.length === 0) return recipeLabel(recipe);
  return operators.map((operator) => operatorName(operator, view)).join(' + ');
}

/** The recipe under its name on this model; a name that somebody gave it stays. */
export function namedOnModel({ name, recipe }: NamedRecipe, view: GraphView): NamedRecipe {
  return { name: name === recipeLabel(recipe) ? recipeName(recipe, view) : name, recipe };
}

/**
 * What a recipe combines, in the letters of the papers: `Q` (quantized), `E` (early exit, by an exit or by skipping),
 * `P` (partition), `QEP`, `pruned+E`; `identity` for the model as it is.
 */
export function recipeLetters(recipe: Recipe): string {
  const has = (op: Operator['op']): boolean => recipe.some((operator) => operator.op === op);
  const letters = `${has('quantize') ? 'Q' : ''}${has('early-exit') ? 'E' : ''}${has('partition') ? 'P' : ''}`;
  const words = [...(has('prune') ? ['pruned'] : []), ...(letters === '' ? [] : [letters])];
  return words.length === 0 ? 'identity' : words.join('+');
}

/** The name, with a number behind it if it is taken: `E`, `E (2)`. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) return name;
  for (let count = 2; ; count++) {
    const numbered = `${name} (${count})`;
    if (!taken.has(numbered)) return numbered;
  }
}

/** The same with names of which none is there twice; the first keeps its own. */
export function distinctlyNamed<T extends { readonly name: string }>(all: readonly T[]): readonly T[] {
  const taken = new Set<string>();
  return all.map((each) => {
    const name = freeName(each.name, taken);
    taken.add(name);
    return name === each.name ? each : { ...each, name };
  });
}

function operatorName(operator: Operator, view: GraphView): string {
  if (operator.op === 'early-exit' && operator.kind === 'skip') return skipName(operator, view);
  if (operator.op === 'prune' && operator.kind === 'block') return blocksName(operator, view);
  if (operator.op === 'early-exit' && operator.kind === 'trained')
    return trainedLabel(operator, (values) => values.map((value) => placeOfValue(view, value)).join(' | '));
  if (operator.op !== 'partition') return recipeLabel([operator]);
  const automatic = automaticCutOf(operator);
  if (automatic !== null) return recipeLabel([operator]);
  const { cuts } = placeCuts(view, operator, {});
  if (cuts.length < namedCutsOf(operator).length) return recipeLabel([operator]);
  const transfer = (operator.transfer ?? 'float32') === 'float32' ? '' : ` ${operator.transfer}`;
  return `cut ${cuts.map(({ afterNode }) => placeOfCut(view, afterNode)).join(' | ')}${transfer}`;
}

/** `skip 2` for the last two blocks; by hand, which: `skip block 3`, `skip block 3 to block 5`. */
function skipName(operator: SkipExitOperator, view: GraphView): string {
  const [first, ...others] = skipsOf([operator], view).skips;
  if (operator.bypass === undefined || !first) return recipeLabel([operator]);
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `skip ${placeOfBlocks(view, first)}${more}`;
}

/** `prune block 7, block 3`, as long as that is short. */
function blocksName(operator: BlockPruneOperator, view: GraphView): string {
  const { skips } = skipsOf([operator], view);
  if (skips.length === 0 || skips.length > MOST_BLOCKS_NAMED) return recipeLabel([operator]);
  return `prune ${skips.map((skip) => placeOfBlocks(view, skip)).join(', ')}`;
}

const MOST_BLOCKS_NAMED = 3;

/** What a bypass goes round, by block: `block 3`, `block 3 to block 5`. */
export function placeOfBlocks(
  view: GraphView,
  { afterNode, lastNode }: Pick<SkipPlacement, 'afterNode' | 'lastNode'>,
): string {
  const blockAt = (node: number): string =>
    view.blocks.find((block) => block.firstNode <= node && node <= block.lastNode)?.label ?? '';
  const [start, end] = [blockAt(afterNode + 1), blockAt(lastNode)];
  return start === end ? start : `${start} to ${end}`;
}

/** Where a value is made; its own name where this graph does not make it. */
function placeOfValue(view: GraphView, value: string): string {
  const maker = view.nodes.find(({ outputs }) => outputs.some((output) => output === value));
  return maker ? placeOfCut(view, maker.index) : `@${value}`;
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
