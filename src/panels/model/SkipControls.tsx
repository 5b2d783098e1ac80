import { formatShare } from '../../base/units.ts';
import type { GraphView, SkippableBlock, SkippableRun } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import {
  skippableAt,
  skippedBlocks,
  withBlockSkipped,
  withSkippedInRun,
} from '../../transforms/exits/skip-placement.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Slider } from '../ui/Slider.tsx';

interface SkipControlsProps {
  readonly view: GraphView;
  readonly firstNode: number;
  readonly lastNode: number;
}

/** Leaving out the selected block, or the last ones of the selected stack; nothing where that is not possible. */
export function SkipControls({ view, firstNode, lastNode }: SkipControlsProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const skipped = skippedBlocks(recipe, view);
  return skippableAt(view, firstNode, lastNode).map(({ blocks, ...selected }) => {
    const [only, ...others] = blocks;
    const run = view.skippable?.find((each) => each.firstNode === selected.firstNode);
    if (!only || !run) return null;
    if (others.length === 0) {
      const isSkipped = skipped.has(only);
      return (
        <Button
          key={only.firstNode}
          aria-pressed={isSkipped}
          onClick={() => editRecipe(withBlockSkipped(recipe, view, only, !isSkipped))}
        >
          {isSkipped ? 'Take this block in again' : `Skip this block · −${share(view, [only])} of the MACs`}
        </Button>
      );
    }
    return (
      <div key={run.firstNode}>
        <Slider
          title="Skip the last blocks"
          min={0}
          max={run.blocks.length}
          step={1}
          value={run.blocks.filter((block) => skipped.has(block)).length}
          format={(count) => skipText(view, run, count)}
          onChange={(count) => editRecipe(withSkippedInRun(recipe, view, run, count))}
        />
        <p className={`${panel.dim} ${panel.small}`}>
          No training: what follows reads the value before them.
        </p>
      </div>
    );
  });
}

function skipText(view: GraphView, { blocks }: SkippableRun, count: number): string {
  const of = `${count} of ${blocks.length}`;
  return count === 0 ? of : `${of} · −${share(view, blocks.slice(-count))} of the MACs`;
}

function share(view: GraphView, blocks: readonly SkippableBlock[]): string {
  return formatShare(blocks.reduce((sum, { macs }) => sum + macs, 0) / Math.max(1, view.totals.macs));
}
