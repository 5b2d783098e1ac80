import type { SkippableBlock, SkippableRun } from '../../onnx/graph-view.ts';

/**
 * The blocks that an automatic skip leaves out: the last `count` of the last run with as many. Runs of at least two
 * come first, because a block without an equal neighbour is hardly one that the model can do without.
 * @returns in order; null if no run has enough
 * @source Singh et al., Algorithm 1
 */
export function lastBlocks(runs: readonly SkippableRun[], count: number): readonly SkippableBlock[] | null {
  const hasAtLeast = (least: number) => (run: SkippableRun) => run.blocks.length >= least;
  const run = runs.findLast(hasAtLeast(Math.max(2, count))) ?? runs.findLast(hasAtLeast(count));
  return run?.blocks.slice(-count) ?? null;
}
