import { formatBytes, formatMs, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { isTrialOf } from '../../store/placement-slice.ts';
import { defaultQualityAxis, timedSamples, trialMetrics } from '../../study/metrics.ts';
import { crossingBytes, expectedCuts, expectedWork } from '../../study/placement/expected-work.ts';
import { canHold, type PlacementName } from '../../study/placement/tiers.ts';
import { normaliseRecipe } from '../../transforms/parse-recipe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { TRANSFER_TYPES, type TransferType } from '../../transforms/transfer.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import styles from './PlacementPanel.module.css';

/** The ways in which values may cross: what each saves, and what it costs in accuracy once it is measured. */
export function TransferComparison({
  recipe,
  shown,
}: {
  readonly recipe: Recipe;
  readonly shown: PlacementName;
}) {
  const model = useLab((lab) => lab.model);
  const tierSetup = useLab((lab) => lab.tierSetup);
  const sends = useLab((lab) => lab.sends);
  const tierProfiles = useLab((lab) => lab.tierProfiles);
  const trials = useLab((lab) => lab.trials);
  const isBusy = useLab((lab) => lab.run !== null || lab.isProfiling || lab.recipeProblem !== null);
  const measureRecipes = useLab((lab) => lab.measureRecipes);
  if (!model) return null;
  const { view } = model;
  const work = expectedWork(view, recipe);
  const { cuts } = expectedCuts(work, recipe);
  const placement = canHold(shown, cuts.length + 1) ? shown : undefined;
  const quality = defaultQualityAxis(trials);
  const rows = TRANSFER_TYPES.map((transfer) => {
    const variant = normaliseRecipe(withTransfer(recipe, transfer));
    const bytes = cuts.map((cut) => crossingBytes(view, cut, transfer));
    const entry = { recipe: variant, ...(placement && { placement }) };
    const trial = trials.find((each) => isTrialOf(each, entry, { tierSetup, sends, tierProfiles, model }));
    const metrics = trial && timedSamples(trial).length > 0 ? trialMetrics(trial) : null;
    return {
      transfer,
      entry,
      bytes: bytes.includes(null) ? null : bytes.reduce<number>((sum, each) => sum + (each ?? 0), 0),
      quality: metrics?.[quality]?.value ?? null,
      totalMs: metrics?.totalMedianMs?.value ?? null,
    };
  });
  return (
    <details className={styles.details}>
      <summary>Values cross as float32, float16 or 8 bits</summary>
      <div className={panel.stack}>
        <table className={styles.table} aria-label="Transfers">
          <thead>
            <tr>
              <th scope="col">as</th>
              <th scope="col">bytes</th>
              <th scope="col">
                {quality === 'agreement' ? 'agrees' : quality === 'miou' ? 'mIoU' : 'top-1'}
              </th>
              <th scope="col">measured</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.transfer}>
                <th scope="row">{row.transfer}</th>
                <td>{row.bytes === null ? '–' : formatBytes(row.bytes)}</td>
                <td>{row.quality === null ? '–' : formatShare(row.quality)}</td>
                <td>{row.totalMs === null ? '–' : formatMs(row.totalMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        <div className={panel.buttons}>
          <Button disabled={isBusy} onClick={() => void measureRecipes(rows.map(({ entry }) => entry))}>
            Measure all three
          </Button>
        </div>
      </div>
    </details>
  );
}

/** The recipe with its values crossing in another way. */
function withTransfer(recipe: Recipe, transfer: TransferType): Recipe {
  return recipe.map((step) => (step.op === 'partition' ? { ...step, transfer } : step));
}
