import { failed, type Failure, ok, type Result } from '../base/result.ts';
import { type BlockRemoval, type BlockScan, leastHarmful } from '../study/block-scan.ts';
import type { RemovableBlock } from '../transforms/prune/gated-recipe.ts';
import { type GatedRun, openGates } from './run-gates.ts';

export interface BlockScanJob extends Omit<GatedRun, 'question'> {
  /** How many blocks to remove at most. */
  readonly most: number;
  /** How many images are asked for. */
  readonly images: number;
  /** What is known already is not looked at again. */
  readonly known: BlockScan | null;
}

export interface BlockScanProgress {
  /** Null until the first blocks were looked at. */
  readonly scan: BlockScan | null;
  /** Models looked at, of all that will be; while a pass runs, with its part. */
  readonly done: number;
  readonly total: number;
}

/** Blocks in one pass over the images: what was seen is told, and kept, after each. */
const BLOCKS_AT_ONCE = 4;

/**
 * Removes blocks from a model one at a time: of those that are left always the one without which the scores change
 * least, and judges what then is left anew. One session does it all: see `gatedModel`.
 * @param onProgress told of what was found as it comes
 * @param signal cancels at once; what was told stays true
 */
export async function scanBlocks(
  job: BlockScanJob,
  onProgress: (progress: BlockScanProgress) => void,
  signal: AbortSignal,
): Promise<Result<BlockScan>> {
  const { model, recipe, most, images, known, ...rest } = job;
  const removable = await model.removableBlocks(recipe);
  if (!removable.ok) return removable;
  const { blocks, macs, params } = removable.value;
  if (blocks.length === 0) return failed(noBlocks);
  const wanted = Math.min(most, blocks.length);
  if (known !== null && known.removals.length >= wanted) return ok(known);
  const gates = await openGates({ ...rest, model, recipe, question: { channels: false, blocks } }, signal);
  if (!gates.ok) return gates;
  const { ask, close, gateCount, firstBlock } = gates.value;
  try {
    let scan = known;
    const total = blocksToJudge(blocks.length, wanted);
    for (;;) {
      const { removals, judged } = scan ?? { removals: [], judged: [] };
      if (scan !== null && removals.length >= wanted) return ok(scan);
      const isKnown = new Set([...removals, ...judged].map(({ block }) => block.to));
      const some = blocks.filter(({ to }) => !isKnown.has(to)).slice(0, BLOCKS_AT_ONCE);
      const done = blocksToJudge(blocks.length, removals.length) + judged.length;
      onProgress({ scan, done, total });
      const gone = new Set(removals.map(({ block }) => block.to));
      const settings = some.map((next) =>
        Float32Array.from({ length: gateCount }, (_, gate) => {
          const block = blocks[gate - firstBlock];
          return block !== undefined && (block === next || gone.has(block.to)) ? 0 : 1;
        }),
      );
      const at = scan;
      const answer = await ask(settings, (share) =>
        onProgress({ scan: at, done: done + share * some.length, total }),
      );
      if (!answer.ok) return answer;
      const seen = [
        ...judged,
        ...answer.value.settings.map(
          (effect, position): BlockRemoval => ({ block: some[position] as RemovableBlock, effect }),
        ),
      ];
      const isRoundOver = removals.length + seen.length === blocks.length;
      const least = isRoundOver ? leastHarmful(seen) : undefined;
      scan = {
        macs,
        params,
        total: blocks.length,
        images,
        whole: answer.value.whole,
        removals: least === undefined ? removals : [...removals, least],
        judged: isRoundOver ? [] : seen,
      };
      onProgress({ scan, done: done + some.length, total });
    }
  } finally {
    close();
  }
}

/** How often a block is judged until so many are removed. */
function blocksToJudge(blocks: number, removed: number): number {
  return (removed * (2 * blocks - removed + 1)) / 2;
}

const noBlocks: Failure = {
  code: 'no-removable-blocks',
  message: 'prune: found no block whose input and output have equal shapes, so none can be left out',
  hint: 'Prune channels or single weights instead.',
};
