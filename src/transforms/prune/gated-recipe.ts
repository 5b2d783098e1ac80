import type { NodeCost } from '../../onnx/cost.ts';
import { type ValueName, valueName } from '../../onnx/model.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { applyRecipe } from '../apply-recipe.ts';
import { nodesBetween } from '../extract.ts';
import { canBypass } from '../exits/skip-blocks.ts';
import { NO_HEADS } from '../exits/trained-head.ts';
import type { Bypass, Recipe } from '../recipe.ts';
import { channelGroups } from './channels/channel-groups.ts';
import { type GatedModel, gatedModel } from './gated-model.ts';
import { NO_STATISTICS, type Statistics } from './statistics/channel-statistics.ts';

/** What gets gates: the units of all channel groups, and these blocks. */
export interface GatedQuestion {
  readonly channels: boolean;
  readonly blocks: readonly Bypass[];
}

/**
 * @param recipe as `recipeToGate` gives it
 * @param statistics what pruning in it may need
 * @throws InputError as `applyRecipe`
 */
export function gatedRecipe(
  original: AnalysedModel,
  recipe: Recipe,
  { channels, blocks }: GatedQuestion,
  statistics: Statistics = NO_STATISTICS,
): GatedModel {
  const { analysed, standIns } = applyRecipe(original, recipe, 'build', NO_HEADS, statistics);
  const left = blocks.map((block) => blockLeft(block, standIns));
  return gatedModel(analysed, { blocks: left, ...(channels && { channels: channelGroups(analysed) }) });
}

/** A block that can be left out of what a recipe makes, named as in the whole model. */
export interface RemovableBlock extends Bypass {
  /** What it counts there. */
  readonly macs: number;
  readonly params: number;
}

/** The blocks that can be left out of what a recipe makes, in order of work, and what all of that counts. */
export interface RemovableBlocks {
  readonly blocks: readonly RemovableBlock[];
  readonly macs: number;
  readonly params: number;
}

/**
 * @param recipe as `recipeToGate` gives it
 * @param statistics what pruning in it may need
 * @throws InputError as `applyRecipe`
 */
export function removableBlocks(
  original: AnalysedModel,
  recipe: Recipe,
  statistics: Statistics = NO_STATISTICS,
): RemovableBlocks {
  const { analysed, standIns } = applyRecipe(original, recipe, 'build', NO_HEADS, statistics);
  const { index, costs } = analysed;
  const blocks = original.skippable
    .flatMap((run) => run.blocks)
    .toSorted((a, b) => a.firstNode - b.firstNode)
    .flatMap(({ from, to }): readonly RemovableBlock[] => {
      const left = blockLeft({ from, to }, standIns);
      if (!index.producer.has(to) || !canBypass(analysed, left)) return [];
      const nodes = nodesBetween(index, new Set([valueName(left.from)]), [to]);
      return [{ from, to, ...countsOf([...nodes].flatMap((node) => costs[node] ?? [])) }];
    });
  return { blocks, ...countsOf(costs) };
}

/** The same block where those before it may be gone. */
function blockLeft({ from, to }: Bypass, standIns: ReadonlyMap<ValueName, ValueName>): Bypass {
  return { from: standIns.get(valueName(from)) ?? from, to };
}

function countsOf(costs: readonly NodeCost[]): { readonly macs: number; readonly params: number } {
  return {
    macs: costs.reduce((sum, { macs }) => sum + macs, 0),
    params: costs.reduce((sum, { params }) => sum + params, 0),
  };
}
