import type { GraphView, SkippableBlock, SkippableRun } from '../../onnx/graph-view.ts';
import type { ValueName } from '../../onnx/model.ts';
import { valueName } from '../../onnx/model.ts';
import type { Bypass, Operator, Recipe, SkipExitOperator } from '../recipe.ts';
import { DEFAULT_SKIPPED_BLOCKS } from '../recipe.ts';
import { lastBlocks } from './last-blocks.ts';

/** A bypass where it lies on a graph. */
export interface SkipPlacement extends Bypass {
  /** Node that makes `from`; -1: it is an input of the model. */
  readonly afterNode: number;
  /** Node that makes `to`. */
  readonly lastNode: number;
}

/** The skip operator of a recipe, if it has one. */
export function skipOperator(recipe: Recipe): SkipExitOperator | undefined {
  return recipe.find(isSkip);
}

/** Where something is left out of a graph. */
interface Skips {
  readonly skips: readonly SkipPlacement[];
  readonly problem: string | null;
}

/** What a recipe leaves out of a graph, be it skipped or pruned. Total: what does not fit is told in `problem`. */
export function skipsOf(recipe: Recipe, view: GraphView): Skips {
  const skipped = skipsOfExit(recipe, view);
  const pruned = placed(view, prunedBlocks(recipe));
  return { skips: [...skipped.skips, ...pruned.skips], problem: skipped.problem ?? pruned.problem };
}

/** What its early exit skips. */
export function skipsOfExit(recipe: Recipe, view: GraphView): Skips {
  const operator = skipOperator(recipe);
  if (operator === undefined) return { skips: [], problem: null };
  const bypasses = bypassesOn(view, operator);
  if (bypasses.length > 0) return placed(view, bypasses);
  const wanted = operator.blocks ?? DEFAULT_SKIPPED_BLOCKS;
  return { skips: [], problem: `This graph has no ${wanted} identical blocks in a row to skip.` };
}

/** The blocks that pruning takes out, as far as they are named. */
function prunedBlocks(recipe: Recipe): readonly Bypass[] {
  return recipe.flatMap((operator) =>
    operator.op === 'prune' && operator.kind === 'block' && typeof operator.blocks !== 'number'
      ? operator.blocks
      : [],
  );
}

function placed(view: GraphView, bypasses: readonly Bypass[]): Skips {
  const producer = producers(view);
  const skips: SkipPlacement[] = [];
  let problem: string | null = null;
  for (const { from, to } of bypasses) {
    const afterNode = view.inputs.some((input) => input === from) ? -1 : producer.get(valueName(from));
    const lastNode = producer.get(valueName(to));
    if (afterNode === undefined || lastNode === undefined || lastNode <= afterNode) {
      problem ??= `Nothing of this graph leads from ${from} to ${to}, so nothing is skipped there.`;
    } else {
      skips.push({ from, to, afterNode, lastNode });
    }
  }
  return { skips, problem };
}

/** The blocks of a graph that a recipe's early exit skips. */
export function skippedBlocks(recipe: Recipe, view: GraphView): ReadonlySet<SkippableBlock> {
  const { skips } = skipsOfExit(recipe, view);
  const inside = (block: SkippableBlock): boolean =>
    skips.some((skip) => block.firstNode > skip.afterNode && block.lastNode <= skip.lastNode);
  return new Set((view.skippable ?? []).flatMap(({ blocks }) => blocks.filter(inside)));
}

/**
 * Leaves out `count` blocks of a run, and no others of it; what is left out elsewhere stays so.
 * @param end the block behind the last one that is left out, from 0; the run's end unless told
 */
export function withSkippedInRun(
  recipe: Recipe,
  view: GraphView,
  run: SkippableRun,
  count: number,
  end = run.blocks.length,
): Recipe {
  return run.blocks.reduce(
    (edited, block, at) => withBlockSkipped(edited, view, block, end - count <= at && at < end),
    recipe,
  );
}

/** Leaves a block out, or takes it in again. */
export function withBlockSkipped(
  recipe: Recipe,
  view: GraphView,
  block: SkippableBlock,
  isSkipped: boolean,
): Recipe {
  const blocks = new Set(skippedBlocks(recipe, view));
  if (blocks.has(block) === isSkipped) return recipe;
  const others = skipsOfExit(recipe, view).skips.filter((skip) => !isMadeOf(skip, blocks));
  if (isSkipped) blocks.add(block);
  else blocks.delete(block);
  return withSkip(recipe, shortest(view, [...joined(blocks), ...others]));
}

/** Takes every skipped block in again. */
export function withoutSkip(recipe: Recipe): Recipe {
  return recipe.filter((operator) => !isSkip(operator));
}

/** Nodes of a graph that nothing needs any more when these values are bypassed. */
export function skippedNodes(view: GraphView, skips: readonly Bypass[]): ReadonlySet<number> {
  if (skips.length === 0) return new Set();
  const standIn = new Map(skips.map(({ from, to }) => [valueName(to), valueName(from)]));
  const producer = producers(view);
  const needed = new Set<number>();
  const pending: ValueName[] = [...view.outputs];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = standIn.has(name) ? undefined : producer.get(name);
    const other = standIn.get(name);
    if (other !== undefined) pending.push(other);
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    pending.push(...(view.nodes[node]?.inputs ?? []));
  }
  return new Set(view.nodes.map(({ index }) => index).filter((index) => !needed.has(index)));
}

/** The blocks that a selection of nodes touches, by run. */
export function skippableAt(view: GraphView, firstNode: number, lastNode: number): readonly SkippableRun[] {
  return (view.skippable ?? []).flatMap((run) => {
    const blocks = run.blocks.filter((block) => block.firstNode <= lastNode && firstNode <= block.lastNode);
    return blocks.length === 0 ? [] : [{ ...run, blocks }];
  });
}

function bypassesOn(view: GraphView, { blocks, bypass }: SkipExitOperator): readonly Bypass[] {
  if (bypass !== undefined) return bypass;
  const found = lastBlocks(view.skippable ?? [], blocks ?? DEFAULT_SKIPPED_BLOCKS) ?? [];
  return joined(found);
}

function producers(view: GraphView): ReadonlyMap<ValueName, number> {
  const producer = new Map<ValueName, number>();
  for (const node of view.nodes) for (const name of node.outputs) producer.set(name, node.index);
  return producer;
}

/** Whether a bypass goes round nothing but these blocks. */
function isMadeOf({ from, to }: Bypass, blocks: ReadonlySet<SkippableBlock>): boolean {
  const next = new Map<string, string>([...blocks].map((block) => [block.from, block.to]));
  let at: string | undefined = from;
  while (at !== undefined && at !== to) at = next.get(at);
  return at === to;
}

/** One bypass for blocks that follow each other. */
function joined(blocks: Iterable<SkippableBlock>): Bypass[] {
  const bypasses: Bypass[] = [];
  for (const { from, to } of [...blocks].toSorted((a, b) => a.firstNode - b.firstNode)) {
    const previous = bypasses.at(-1);
    if (previous?.to === from) bypasses[bypasses.length - 1] = { from: previous.from, to };
    else bypasses.push({ from, to });
  }
  return bypasses;
}

/** The operator that says it shortest: a number of blocks where that means the same. */
function shortest(view: GraphView, bypasses: readonly Bypass[]): SkipExitOperator | null {
  if (bypasses.length === 0) return null;
  const base = { op: 'early-exit', kind: 'skip' } as const;
  const [only, ...others] = bypasses;
  const most = Math.max(0, ...(view.skippable ?? []).map(({ blocks }) => blocks.length));
  for (let count = 1; others.length === 0 && count <= most; count++) {
    const [automatic] = bypassesOn(view, { ...base, blocks: count });
    if (automatic?.from === only?.from && automatic?.to === only?.to) return { ...base, blocks: count };
  }
  return { ...base, bypass: bypasses.map(({ from, to }) => ({ from, to })) };
}

function withSkip(recipe: Recipe, operator: SkipExitOperator | null): Recipe {
  if (operator === null) return withoutSkip(recipe);
  if (recipe.some(isSkip)) return recipe.map((old) => (isSkip(old) ? operator : old));
  // Before what changes weights or splits files, which so see what remains of the model.
  const at = recipe.findIndex(({ op }) => op !== 'identity' && op !== 'early-exit');
  return at < 0 ? [...recipe, operator] : recipe.toSpliced(at, 0, operator);
}

function isSkip(operator: Operator): operator is SkipExitOperator {
  return operator.op === 'early-exit' && operator.kind === 'skip';
}
