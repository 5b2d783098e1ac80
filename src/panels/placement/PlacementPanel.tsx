import { useMemo } from 'react';
import { formatBytes, formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { isTrialOf } from '../../store/placement-slice.ts';
import { useCostProfile, usePredictions } from '../../store/predictions.ts';
import { trialMetrics } from '../../study/metrics.ts';
import { canHold, PLACEMENT_NAMES, type PlacementName } from '../../study/placement/tiers.ts';
import type { Predictions } from '../../study/predict.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import { placementOf } from '../../transforms/placement.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './PlacementPanel.module.css';
import { TierFields } from './TierFields.tsx';

/** Where the parts of the recipe on the canvas would run: what is expected, what was measured, what to measure. */
export function PlacementPanel() {
  const view = useLab((lab) => lab.model?.view);
  return view ? <Placements view={view} /> : null;
}

function Placements({ view }: { readonly view: GraphView }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const trials = useLab((lab) => lab.trials);
  const tierSetup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const shown = useLab((lab) => lab.shownPlacement);
  const show = useLab((lab) => lab.showPlacement);
  const listRecipe = useLab((lab) => lab.listRecipe);
  const tell = useLab((lab) => lab.tell);
  const problem = useLab((lab) => lab.recipeProblem);
  const predictions = usePredictions(view, recipe);
  const { cuts } = useMemo(() => placementOf(recipe, view), [recipe, view]);
  const parts = cuts.length + 1;
  const afterNode = cuts.length === 1 ? (cuts[0]?.afterNode ?? null) : null;
  const possible = PLACEMENT_NAMES.filter((name) => canHold(name, parts));
  const measuredMs = (name: PlacementName): number | null => {
    const entry = {
      recipe: normaliseRecipe(recipe.length > 0 ? recipe : [{ op: 'identity' }]),
      placement: name,
    };
    const trial = trials.find((each) => isTrialOf(each, entry, { tierSetup, sends }));
    return (trial && trialMetrics(trial).totalMedianMs?.value) ?? null;
  };
  const add = (names: readonly PlacementName[]): void => {
    for (const name of names) listRecipe(recipe.length > 0 ? recipe : [{ op: 'identity' }], undefined, name);
    tell(names.length === 1 ? `${names[0]} is in the study` : `${names.length} placements are in the study`);
  };
  return (
    <Section title="Placement">
      <table className={styles.table}>
        <thead>
          <tr>
            <th scope="col">tiers</th>
            <th scope="col">predicted</th>
            <th scope="col">measured</th>
          </tr>
        </thead>
        <tbody>
          {possible.map((name) => {
            const predicted = predictedMs(predictions, name, afterNode);
            const measured = measuredMs(name);
            return (
              <tr key={name} data-shown={name === shown}>
                <th scope="row">
                  <label className={styles.choice}>
                    <input
                      type="radio"
                      name="placement"
                      checked={name === shown}
                      onChange={() => show(name)}
                    />
                    {tiersText(name)}
                  </label>
                </th>
                <td>{predicted === null ? '–' : formatMs(predicted)}</td>
                <td>{measured === null ? '–' : formatMs(measured)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
      <div className={panel.buttons}>
        <Button
          disabled={problem !== null || !possible.includes(shown)}
          aria-label={`Add ${tiersText(shown)} to the study`}
          onClick={() => add([shown])}
        >
          Add to study
        </Button>
        <Button disabled={problem !== null} onClick={() => add(possible)}>
          Add all {possible.length}
        </Button>
        <ProfileButton view={view} />
      </div>
      <p className={`${panel.dim} ${panel.small}`}>
        {parts === 1
          ? 'From decoding the image to the answer. Add a cut to share the model between two tiers.'
          : crossingText(predictions, afterNode)}{' '}
        Other tiers and links are emulated: computing is measured here and divided by the tier's speed,
        sending is calculated. Such results are marked.
      </p>
      <TierFields />
    </Section>
  );
}

/** Measures each node's time here, so that predictions rest on more than a guess. */
export function ProfileButton({ view }: { readonly view: GraphView }) {
  const isProfiling = useLab((lab) => lab.isProfiling);
  const isBusy = useLab((lab) => lab.run !== null || lab.data === null || lab.environment === null);
  const profile = useLab((lab) => lab.profile);
  const cancel = useLab((lab) => lab.cancelProfiling);
  const { source } = useCostProfile(view);
  if (isProfiling) return <Button onClick={cancel}>Cancel profiling</Button>;
  return (
    <Button disabled={isBusy} onClick={() => void profile()}>
      {source === 'measured' ? 'Profile again' : 'Profile on this device'}
    </Button>
  );
}

/** Decode to answer; null where nothing can be said. */
export function predictedMs(
  { alone, cut }: Predictions,
  name: PlacementName,
  afterNode: number | null,
): number | null {
  const ms = alone.get(name) ?? (afterNode === null ? undefined : cut.get(name)?.[afterNode]);
  return ms === undefined || Number.isNaN(ms) ? null : ms;
}

function crossingText({ crossingBytes }: Predictions, afterNode: number | null): string {
  const bytes = afterNode === null ? undefined : crossingBytes[afterNode];
  return bytes === undefined || Number.isNaN(bytes) ? '' : `${formatBytes(bytes)} cross the cut.`;
}

/** `mobile → edge`, `edge`. */
export function tiersText(name: PlacementName): string {
  return name.replaceAll('-', ' → ');
}
