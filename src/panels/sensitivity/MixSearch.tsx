import { useMemo, useState } from 'react';
import { formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { type Assignment, bestAssignments, chooseAssignments } from '../../study/mixed-search.ts';
import { withMix } from '../../study/node-precision.ts';
import type { UnitSensitivity } from '../../study/sensitivity.ts';
import { mixedFrom } from '../../transforms/quantize/mixed-operator.ts';
import { PRECISION_SHARES } from '../../transforms/quantize/quantize-operator.ts';
import { staticPartOf } from '../../transforms/quantize/sensitivity-recipes.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, NumberField, SelectField } from '../ui/controls.tsx';
import styles from './Sensitivity.module.css';

type Limit = 'none' | 'changed' | 'size';
type Kept = 'float32' | 'float16';

const MOST_MIXES = 5;

/** Finds mixes of int8 and floats that do least damage for their size, and lists them as strategies. */
export function MixSearch({
  results,
  recipe,
}: {
  readonly results: readonly UnitSensitivity[];
  readonly recipe: Recipe;
}) {
  const [kept, setKept] = useState<Kept>('float32');
  const [limit, setLimit] = useState<Limit>('none');
  const [changedPercent, setChangedPercent] = useState(2);
  const [sizePercent, setSizePercent] = useState(40);
  const listRecipes = useLab((lab) => lab.listRecipes);
  const tell = useLab((lab) => lab.tell);
  const mixes = useMemo(
    () =>
      chooseAssignments(
        bestAssignments(results, PRECISION_SHARES[kept]),
        {
          weightShare: limit === 'size' ? sizePercent / 100 : limit === 'none' ? halfKept(kept) : null,
          changed: limit === 'changed' ? changedPercent / 100 : null,
        },
        MOST_MIXES,
      ),
    [results, kept, limit, changedPercent, sizePercent],
  );
  const layers = results.filter(({ unit }) => unit.kind === 'layer').length;
  const add = () => {
    listRecipes(mixes.map((mix) => ({ recipe: recipeOf(mix, recipe, kept), name: nameOf(mix, kept) })));
    tell(`${mixes.length === 1 ? 'One mix' : `${mixes.length} mixes`} added to the strategies`);
  };
  return (
    <div className={styles.search}>
      <h3>Mix precisions</h3>
      <SelectField<Kept>
        title="Sensitive layers in"
        value={kept}
        options={[
          { value: 'float32', label: 'float32' },
          { value: 'float16', label: 'float16 (smaller, seldom faster)' },
        ]}
        onChange={setKept}
      />
      <SelectField<Limit>
        title="Limit"
        value={limit}
        options={[
          { value: 'none', label: 'half of the weights in int8' },
          { value: 'changed', label: 'answers that change' },
          { value: 'size', label: 'size of the weights' },
        ]}
        onChange={setLimit}
      />
      {limit === 'changed' && (
        <NumberField
          title="At most, % of images"
          value={changedPercent}
          min={0.1}
          max={100}
          step="any"
          onChange={setChangedPercent}
        />
      )}
      {limit === 'size' && (
        <NumberField
          title="At most, % of float32"
          value={sizePercent}
          min={25}
          max={100}
          onChange={setSizePercent}
        />
      )}
      {mixes.length === 0 ? (
        <p>No mix of the layers looked at keeps within this limit.</p>
      ) : (
        <>
          <ul className={styles.mixes} aria-label="Mixes found">
            {mixes.map((mix) => (
              <li key={mix.weightShare}>
                <strong>{nameOf(mix, kept)}</strong>{' '}
                <span className={panel.dim}>
                  weights {formatShare(mix.weightShare)} · scores about{' '}
                  {(-10 * Math.log10(mix.scoresNoise)).toFixed(0)} dB
                  {mix.changed !== null && mix.changed > 0 && ` · about ${formatShare(mix.changed)} changed`}
                </span>
              </li>
            ))}
          </ul>
          <Button look="primary" onClick={add}>
            {mixes.length === 1 ? 'Add it to the strategies' : `Add these ${mixes.length} to the strategies`}
          </Button>
        </>
      )}
      <p className={`${panel.dim} ${panel.small}`}>
        Chosen from {layers} layers by what each loses alone and weighs; the study then measures how accurate
        and how fast the mixes are here.
      </p>
    </div>
  );
}

/** What the weights take with half of them in int8. */
function halfKept(kept: Kept): number {
  return (PRECISION_SHARES.int8 + PRECISION_SHARES[kept]) / 2;
}

function recipeOf({ kept }: Assignment, recipe: Recipe, precision: Kept): Recipe {
  return withMix(recipe, {
    ...mixedFrom(staticPartOf(recipe)),
    layers: kept.length === 0 ? [] : [{ nodes: kept, precision }],
  });
}

function nameOf({ kept }: Assignment, precision: Kept): string {
  if (kept.length === 0) return 'int8, all layers';
  return `int8, ${kept.length} ${kept.length === 1 ? 'layer' : 'layers'} in ${precision}`;
}
