import type { GraphView } from '../onnx/graph-view.ts';
import { skipsOf } from '../transforms/exits/skip-placement.ts';
import type { RemovableBlock } from '../transforms/prune/gated-recipe.ts';
import { type BlockPruneOperator, PRUNE_DEFAULTS } from '../transforms/prune/prune-operator.ts';
import { placeOfBlocks } from '../transforms/recipe-name.ts';
import type { Bypass, Recipe } from '../transforms/recipe.ts';
import { csvText } from './csv-text.ts';
import type { GateEffect } from './gate-effects.ts';

/** A block, and what the model does without it and all that went before it. */
export interface BlockRemoval {
  readonly block: RemovableBlock;
  readonly effect: GateEffect;
}

/** Blocks removed one at a time, each the one that then changes the scores least, as far as it was looked. */
export interface BlockScan {
  /** Of the model with all its blocks. */
  readonly macs: number;
  readonly params: number;
  /** So many blocks can go. */
  readonly total: number;
  /** How many images were to be looked at. */
  readonly images: number;
  /** Of the model with all its blocks. */
  readonly whole: GateEffect;
  /** In order. */
  readonly removals: readonly BlockRemoval[];
  /** What was seen of those that may go next, before all of them were. */
  readonly judged: readonly BlockRemoval[];
}

/** The removal that changes the scores least; of equals the earlier block. */
export function leastHarmful(judged: readonly BlockRemoval[]): BlockRemoval | undefined {
  return judged.reduce<BlockRemoval | undefined>(
    (best, each) => (best === undefined || each.effect.scoresNoise < best.effect.scoresNoise ? each : best),
    undefined,
  );
}

/** What is left after each removal, in order. */
export function leftAfterEach(
  scan: BlockScan,
): readonly { readonly macs: number; readonly params: number }[] {
  let { macs, params } = scan;
  return scan.removals.map(({ block }) => {
    macs -= block.macs;
    params -= block.params;
    return { macs, params };
  });
}

/** How many blocks a scan looks for unless told: accuracy is gone long before all of them are. */
export function usualRemovals(total: number): number {
  return total <= 4 ? total : Math.ceil(total / 2);
}

/** Those that the first `count` removals leave out, as an operator names them. */
export function firstRemovals({ removals, images }: BlockScan, count: number): BlockPruneOperator {
  const blocks = removals.slice(0, count).map(({ block: { from, to } }): Bypass => ({ from, to }));
  return { op: 'prune', kind: 'block', blocks, samples: images };
}

/** How many of the first removals an operator means, in whatever order; null: other blocks, or not told which. */
export function removalsChosen({ blocks }: BlockPruneOperator, { removals }: BlockScan): number | null {
  if (typeof blocks === 'number') return null;
  const first = new Set(removals.slice(0, blocks.length).map(({ block }) => block.to as string));
  return first.size === blocks.length && blocks.every(({ to }) => first.has(to)) ? blocks.length : null;
}

/** The recipe with numbers of blocks resolved, as far as the scan came; the same object where nothing is. */
export function withBlocksFound(recipe: Recipe, scan: BlockScan): Recipe {
  const isFound = (operator: Recipe[number]): boolean =>
    operator.op === 'prune' &&
    operator.kind === 'block' &&
    typeof operator.blocks === 'number' &&
    operator.blocks <= scan.removals.length;
  if (!recipe.some(isFound)) return recipe;
  return recipe.map((operator) =>
    isFound(operator) ? firstRemovals(scan, (operator as { readonly blocks: number }).blocks) : operator,
  );
}

/** How many blocks a recipe wants out without saying which; 0: none. */
export function blocksLeftOpen(recipe: Recipe): number {
  return Math.max(0, ...openNumbers(recipe).map(({ blocks }) => blocks));
}

/** How many images it wants them to be found with. */
export function imagesOfBlocksLeftOpen(recipe: Recipe): number {
  return Math.max(0, ...openNumbers(recipe).map(({ samples = PRUNE_DEFAULTS.samples }) => samples));
}

function openNumbers(recipe: Recipe): readonly { readonly blocks: number; readonly samples?: number }[] {
  return recipe.flatMap((operator) => {
    if (operator.op !== 'prune' || operator.kind !== 'block') return [];
    const { blocks, samples } = operator;
    return typeof blocks === 'number' ? [{ blocks, ...(samples !== undefined && { samples }) }] : [];
  });
}

/** What a block is called on a graph; the value at its end where the graph has none such. */
export function blockName(view: GraphView, { from, to }: Bypass): string {
  const [place] = skipsOf([{ op: 'prune', kind: 'block', blocks: [{ from, to }] }], view).skips;
  return (place && placeOfBlocks(view, place)) || to;
}

/** A row for each removal, the model with all its blocks first. */
export function blockScanCsv(scan: BlockScan, view: GraphView): string {
  const left = leftAfterEach(scan);
  const effects = ({ scoresDb, agreement, accuracy }: GateEffect) => [scoresDb, agreement, accuracy];
  return csvText([
    ['removed', 'block', 'from', 'to', 'macs', 'params', 'scoresDb', 'agreement', 'accuracyTop1', 'images'],
    [0, '', '', '', scan.macs, scan.params, ...effects(scan.whole), scan.images],
    ...scan.removals.map(({ block, effect }, at) => [
      at + 1,
      blockName(view, block),
      block.from,
      block.to,
      left[at]?.macs ?? null,
      left[at]?.params ?? null,
      ...effects(effect),
      scan.images,
    ]),
  ]);
}
