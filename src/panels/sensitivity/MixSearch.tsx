import { useMemo, useState } from 'react';
import { formatBytes, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { scanOf } from '../../store/sensitivity-slice.ts';
import { useFromTrials } from '../../store/use-from-trials.ts';
import { axisOf, defaultQualityAxis, formatMetric, trialMetrics } from '../../study/metrics.ts';
import { type Assignment, bestAssignments, chooseAssignments } from '../../study/mixed-search.ts';
import { withMix } from '../../study/node-precision.ts';
import type { Trial } from '../../study/trial.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { mixedFrom } from '../../transforms/quantize/mixed-operator.ts';
import { staticPartOf } from '../../transforms/quantize/sensitivity-recipes.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, NumberField, SelectField } from '../ui/controls.tsx';
import styles from './Sensitivity.module.css';

type Limit = 'none' | 'changed' | 'size';
type Kept = 'float32' | 'float16';

const MOST_MIXES = 5;

/** Finds mixes of precisions that do least damage for their size, measures them and tells which is fastest. */
export function MixSearch({ recipe }: { readonly recipe: Recipe }) {
  const [kept, setKept] = useState<Kept>('float32');
  const [limit, setLimit] = useState<Limit>('none');
  const [changedPercent, setChangedPercent] = useState(2);
  const [sizePercent, setSizePercent] = useState(40);
  const listRecipes = useLab((lab) => lab.listRecipes);
  const measure = useLab((lab) => lab.measure);
  const showTab = useLab((lab) => lab.showTab);
  const isMeasuring = useLab((lab) => lab.run !== null);
  const tell = useLab((lab) => lab.tell);
  const int8 = useLab((lab) => scanOf(lab, recipe, 'int8').results);
  const int4 = useLab((lab) => scanOf(lab, recipe, 'int4-weights').results);
  const measured = useFromTrials(trialsByRecipe);
  const layers = int8.filter(({ unit }) => unit.kind === 'layer').length;
  const front = useMemo(() => bestAssignments({ int8, 'int4-weights': int4 }, kept), [int8, int4, kept]);
  const mixes = useMemo(() => {
    const shares = front.map(({ weightShare }) => weightShare);
    const limits = {
      weightShare:
        limit === 'size'
          ? sizePercent / 100
          : limit === 'none'
            ? (Math.min(...shares) + Math.max(...shares)) / 2
            : null,
      changed: limit === 'changed' ? changedPercent / 100 : null,
    };
    return chooseAssignments(front, limits, MOST_MIXES).map((mix) => ({
      ...mix,
      name: nameOf(mix, layers),
      recipe: recipeOf(mix, recipe),
    }));
  }, [front, limit, changedPercent, sizePercent, recipe, layers]);
  const trialOf = (mix: (typeof mixes)[number]): Trial | undefined =>
    measured.get(JSON.stringify(normaliseRecipe(mix.recipe)));
  const fastest = fastestOf(
    mixes.flatMap((mix) => trialOf(mix) ?? []),
    limit === 'changed' ? changedPercent / 100 : null,
  );
  const smallest = front[0];
  const add = () => {
    listRecipes(mixes);
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
          { value: 'none', label: 'none, halfway to float at most' },
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
          min={1}
          max={100}
          onChange={setSizePercent}
        />
      )}
      {mixes.length === 0 ? (
        <p>
          No mix of the layers looked at keeps within this limit.
          {limit === 'size' &&
            smallest &&
            ` The smallest takes ${formatShare(smallest.weightShare)}: ${nameOf(smallest, layers)}.`}
          {limit === 'size' && int4.length === 0 && ' Look at layers in 4 bits, too, for smaller ones.'}
        </p>
      ) : (
        <>
          <ul className={styles.mixes} aria-label="Mixes found">
            {mixes.map((mix) => (
              <li key={mix.name}>
                <strong>{mix.name}</strong>{' '}
                <span className={panel.dim}>
                  weights {formatBytes(mix.bytes)} ({formatShare(mix.weightShare)}) · scores about{' '}
                  {(-10 * Math.log10(mix.scoresNoise)).toFixed(0)} dB
                  {mix.changed !== null && mix.changed > 0 && ` · about ${formatShare(mix.changed)} changed`}
                </span>
                <Outcome trial={trialOf(mix)} isFastest={trialOf(mix) === fastest} />
              </li>
            ))}
          </ul>
          <div className={panel.buttons}>
            <Button
              look="primary"
              disabled={isMeasuring}
              onClick={() => {
                add();
                showTab('front');
                void measure();
              }}
            >
              {mixes.length === 1 ? 'Measure it' : `Measure these ${mixes.length}`}
            </Button>
            <Button look="link" onClick={add}>
              {mixes.length === 1 ? 'Only list it' : 'Only list them'}
            </Button>
          </div>
        </>
      )}
      <p className={`${panel.dim} ${panel.small}`}>
        Chosen from {layers} {layers === 1 ? 'layer' : 'layers'} in int8
        {int4.length > 0 ? ', in 4 bits' : ''} and in {kept} by what each loses alone and what its constants
        take in a file; the study then measures how accurate and how fast the mixes are here.
      </p>
    </div>
  );
}

/** What the study made of a mix. */
function Outcome({ trial, isFastest }: { readonly trial: Trial | undefined; readonly isFastest: boolean }) {
  if (trial === undefined) return null;
  const metrics = trialMetrics(trial);
  const words = ([defaultQualityAxis([trial]), 'latencyMedianMs', 'rawBytes'] as const).flatMap((id) => {
    const value = metrics[id]?.value;
    return value === undefined ? [] : [formatMetric(axisOf(id), value)];
  });
  return (
    <span className={styles.outcome}>
      measured: {words.join(' · ')}
      {isFastest && ' – the fastest of these'}
    </span>
  );
}

/** Finished trials on this device alone, by their recipes. */
function trialsByRecipe(trials: readonly Trial[]): ReadonlyMap<string, Trial> {
  return new Map(
    trials
      .filter(({ state, strategy }) => state.kind === 'done' && strategy.placement === undefined)
      .map((trial) => [JSON.stringify(normaliseRecipe(trial.strategy.recipe)), trial]),
  );
}

/** Of several that were measured the one with the least latency, among those that changed few enough answers. */
function fastestOf(trials: readonly Trial[], mostChanged: number | null): Trial | null {
  const latency = (trial: Trial): number => trialMetrics(trial).latencyMedianMs?.value ?? Infinity;
  const isWithin = (trial: Trial): boolean =>
    mostChanged === null || 1 - (trialMetrics(trial).agreement?.value ?? 0) <= mostChanged;
  if (trials.length < 2) return null;
  return trials.filter(isWithin).toSorted((a, b) => latency(a) - latency(b))[0] ?? null;
}

function recipeOf({ rules }: Assignment, recipe: Recipe): Recipe {
  return withMix(recipe, { ...mixedFrom(staticPartOf(recipe)), layers: rules });
}

/** Of how many layers, how many are in what. */
function nameOf({ rules }: Assignment, layers: number): string {
  const others = rules.reduce((sum, { nodes }) => sum + nodes.length, 0);
  const counts = [
    ...(layers > others ? [{ precision: 'int8', count: layers - others }] : []),
    ...rules.map(({ precision, nodes }) => ({ precision, count: nodes.length })),
  ];
  const [only] = counts;
  if (counts.length === 1 && only) return `${only.precision}, all layers`;
  return `layers: ${counts.map(({ precision, count }) => `${count} ${precision}`).join(', ')}`;
}
