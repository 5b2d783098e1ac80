import { useMemo } from 'react';
import { useLab } from '../../store/lab.ts';
import { type ShortTier, workingPlacements } from '../../study/placement/check-placement.ts';
import type { ExpectedWork } from '../../study/placement/expected-work.ts';
import { expectedPartBytes, nearestFittingCut } from '../../study/placement/part-bytes.ts';
import { type TierPlacement, tiersOfPlacement } from '../../study/placement/tiers.ts';
import type { PlacedCut } from '../../transforms/cuts/placed-cut.ts';
import { withCut } from '../../transforms/placement.ts';
import { placeOfCut } from '../../transforms/recipe-name.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import styles from './PlacementPanel.module.css';
import { shortText, tiersText } from './placement-text.ts';

interface MemoryOfferProps {
  readonly work: ExpectedWork;
  readonly recipe: Recipe;
  readonly cuts: readonly PlacedCut[];
  readonly placement: Pick<TierPlacement, 'name' | 'setup'>;
  readonly short: ShortTier;
}

/** A tier without enough memory, with the nearest things that work, each a press away. */
export function MemoryOffer({ work, recipe, cuts, placement, short }: MemoryOfferProps) {
  const editRecipe = useLab((lab) => lab.editRecipe);
  const show = useLab((lab) => lab.showPlacement);
  const { view } = work;
  const others = workingPlacements(placement, { partBytes: expectedPartBytes(work, cuts, recipe) });
  const [only] = cuts;
  const fitting = useMemo(
    () =>
      only && cuts.length === 1 && tiersOfPlacement(placement.name).length === 2
        ? nearestFittingCut(work, recipe, placement, only.afterNode)
        : null,
    [work, recipe, placement, only, cuts.length],
  );
  const [nearest] = others;
  const isQuantized = recipe.some(({ op }) => op === 'quantize');
  return (
    <div className={`${panel.problem} ${panel.stack} ${styles.offer}`}>
      <p>{shortText(short)}.</p>
      <div className={panel.buttons}>
        {fitting !== null && (
          <Button onClick={() => editRecipe(withCut(recipe, view, fitting))}>
            Cut {placeOfCut(view, fitting)}: it fits
          </Button>
        )}
        {nearest && <Button onClick={() => show(nearest)}>Run on {tiersText(nearest)}</Button>}
        {!isQuantized && (
          <Button onClick={() => editRecipe([...recipe, { op: 'quantize', mode: 'dynamic' }])}>
            Quantize: about a quarter
          </Button>
        )}
      </div>
    </div>
  );
}
