import { formatShare } from '../../base/units.ts';
import type { GraphView, SkippableRun } from '../../onnx/graph-view.ts';
import { skippedBlocks, withSkippedInRun } from '../../transforms/exits/skip-placement.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Slider } from '../ui/Slider.tsx';

interface SkipOptionsProps {
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onRecipe: (next: Recipe) => void;
}

/** For every run of identical blocks, how many of its last are skipped. */
export function SkipOptions({ recipe, view, onRecipe }: SkipOptionsProps) {
  const skipped = skippedBlocks(recipe, view);
  const countOf = ({ blocks }: SkippableRun): number => blocks.filter((block) => skipped.has(block)).length;
  // A block without an equal neighbour is skipped on the graph; here it would only lengthen the list.
  const runs = (view.skippable ?? []).filter((run) => run.blocks.length > 1 || countOf(run) > 0);
  return (
    <>
      {runs.map((run) => (
        <Slider
          key={run.firstNode}
          title={runTitle(view, run)}
          min={0}
          max={run.blocks.length}
          step={1}
          value={countOf(run)}
          format={(count) => `${count} of ${run.blocks.length}`}
          onChange={(count) => onRecipe(withSkippedInRun(recipe, view, run, count))}
        />
      ))}
      <p className={`${panel.dim} ${panel.small}`}>
        What follows reads the value before the skipped blocks. Nothing is trained anew: faster and smaller at
        once, less accurate by as much as the measurement shows.
      </p>
    </>
  );
}

/** `Last of 64×56×56 · 12 % of the MACs`. */
function runTitle(view: GraphView, run: SkippableRun): string {
  const macs = run.blocks.reduce((sum, block) => sum + block.macs, 0);
  const value = view.values.get(run.from);
  const shape = (value?.counted ?? value?.shape)?.slice(1).join('×') ?? '?';
  return `Last blocks at ${shape} · ${formatShare(macs / Math.max(1, view.totals.macs))} of the MACs`;
}
