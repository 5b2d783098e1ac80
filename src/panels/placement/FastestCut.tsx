import { useState } from 'react';
import { formatBytes, formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { type Expectations, useExpectations, useKnownCosts } from '../../store/predictions.ts';
import { sameRecipe } from '../../store/recipe-slice.ts';
import { fastestCuts, type FastestCuts as Found } from '../../study/placement/fastest-cut.ts';
import { type PlacementName, TIERS, tiersOfPlacement } from '../../study/placement/tiers.ts';
import { dividedWork, expectedTimes } from '../../study/predict.ts';
import { placedCut } from '../../transforms/cuts/placed-cut.ts';
import { withCuts } from '../../transforms/placement.ts';
import { placeOfCut } from '../../transforms/recipe-name.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import styles from './PlacementPanel.module.css';
import { splitText, tiersText } from './placement-text.ts';

/** Leaves the place of the cuts to the lab, which says what it chose and why. */
export function FastestCut({ view }: { readonly view: GraphView }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const shown = useLab((lab) => lab.shownPlacement);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const expectations = useExpectations(view, recipe);
  const { basis } = useKnownCosts(view, recipe);
  const [told, tell] = useState<{ readonly of: Recipe; readonly text: string } | null>(null);
  const tiers = tiersOfPlacement(shown).length;
  if (tiers < 2) return null;
  const search = () => {
    const { work, costs, assumptions } = expectations;
    const found = fastestCuts(work, costs, shown, assumptions);
    if (found === null) return tell({ of: recipe, text: 'The model has no place to cut.' });
    const cuts = found.before.map((before) => placedCut(found.graph, before, null, null));
    const next = withCuts(
      recipe,
      cuts.map(({ crossing }) => crossing),
    );
    editRecipe(next);
    const basisText = basis === 'nodes' ? 'By the measured time of each node' : 'By multiply-accumulates';
    const text = `${basisText}: ${cuts.map(({ afterNode }) => placeOfCut(view, afterNode)).join(' and ')}. ${reasonFor(expectations, shown, found)}`;
    tell({ of: next, text });
  };
  return (
    <div className={panel.stack}>
      <div className={`${panel.buttons} ${styles.fastest}`}>
        <Button onClick={search}>
          Fastest {tiers === 2 ? 'cut' : 'cuts'} for {tiersText(shown)}
        </Button>
      </div>
      <p className={panel.small} role="status">
        {told && sameRecipe(told.of, recipe) && told.text}
      </p>
    </div>
  );
}

function reasonFor({ work, costs, assumptions }: Expectations, name: PlacementName, found: Found): string {
  const cuts = found.before.map((before) => ({ graph: found.graph, before }));
  const { crossingBytes } = dividedWork(work, cuts, assumptions);
  const whole = dividedWork(work, [], assumptions);
  const alone = TIERS.map((tier) => ({
    tier,
    ms: expectedTimes(whole, costs, tier, assumptions)?.totalMs ?? Number.POSITIVE_INFINITY,
  })).toSorted((a, b) => a.ms - b.ms);
  const [best] = alone;
  const known = crossingBytes.flatMap((bytes) => (bytes === null ? [] : [formatBytes(bytes)]));
  const crossing = known.length === 0 ? '' : `${known.join(', then ')} cross. `;
  const comparison =
    best && best.ms <= found.times.totalMs
      ? ` No cut is faster than ${best.tier} alone, ${formatMs(best.ms)}.`
      : best
        ? ` The fastest tier alone, ${best.tier}, takes ${formatMs(best.ms)}.`
        : '';
  return `${crossing}${splitText(name, found.times)} = ${formatMs(found.times.totalMs)}.${comparison}`;
}
