import { formatBytes, formatCount, formatMs, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { type AllocatedPlan, pruneScanKey } from '../../store/prune-slice.ts';
import { wholeAccuracyText } from '../../study/gate-effects.ts';
import { planName, type PruneTarget, recipeOfPlan, TARGET_NAMES } from '../../study/prune-target.ts';
import panel from '../panel.module.css';
import { Button, SelectField } from '../ui/controls.tsx';
import { ScanProgress } from '../ui/ScanProgress.tsx';
import { Slider } from '../ui/Slider.tsx';
import styles from './Prune.module.css';

/** Ratios for each group that keep within a target and lose least. */
export function Allocation() {
  const target = useLab((lab) => lab.pruneTarget);
  const setTarget = useLab((lab) => lab.setPruneTarget);
  const allocateRatios = useLab((lab) => lab.allocateRatios);
  const cancel = useLab((lab) => lab.cancelPruning);
  const timing = useLab((lab) => lab.pruneTiming);
  const isScanning = useLab((lab) => lab.pruneScanning !== null);
  const plan = useLab((lab) =>
    lab.prunePlan !== null && lab.prunePlan.key === pruneScanKey(lab, lab.recipes.present)
      ? lab.prunePlan
      : null,
  );
  return (
    <div className={styles.allocation}>
      <h3>Ratios for a target</h3>
      <SelectField
        title="At most, of the"
        value={target.kind}
        options={Object.entries(TARGET_NAMES).map(([value, label]) => ({
          value: value as PruneTarget['kind'],
          label,
        }))}
        onChange={(kind) => setTarget({ ...target, kind })}
      />
      <Slider
        title={`Share of the ${TARGET_NAMES[target.kind]} that may stay`}
        min={0.05}
        max={0.95}
        step={0.01}
        value={target.share}
        format={(share) => `${Math.round(100 * share)} %`}
        onChange={(share) => setTarget({ ...target, share })}
      />
      {timing === null ? (
        <Button disabled={isScanning} onClick={() => void allocateRatios()}>
          Find ratios
        </Button>
      ) : (
        <ScanProgress what={timing} share={null} cancelLabel="Cancel" onCancel={cancel} />
      )}
      {plan && <Found found={plan} />}
    </div>
  );
}

function Found({ found }: { readonly found: AllocatedPlan }) {
  const listPlan = useLab((lab) => lab.listPlan);
  const tell = useLab((lab) => lab.tell);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const recipe = useLab((lab) => lab.recipes.present);
  const { plan, target, tries } = found;
  const { left, whole, operator } = plan;
  const groups = operator.groups ?? [];
  const last = tries.at(-1);
  return (
    <div className={styles.found} role="group" aria-label="Ratios found">
      {!plan.isReached && (
        <p>
          The target is not reached: this is as far as the curves go. Let the scan go on, or protect fewer
          layers.
        </p>
      )}
      <table className={styles.table}>
        <tbody>
          <Row title="MACs" share={left.macs / whole.macs} text={formatCount(left.macs)} />
          <Row title="Parameters" share={left.params / whole.params} text={formatCount(left.params)} />
          <Row title="Weights" share={left.bytes / whole.bytes} text={formatBytes(left.bytes)} />
          {left.ms !== null && whole.ms !== null && found.basis !== null && (
            <Row title="Expected latency" share={left.ms / whole.ms} text={formatMs(left.ms)} />
          )}
          {last && (
            <Row
              title={tries.length > 1 ? `Measured, ${tries.length} tries` : 'Measured'}
              share={last.prunedMs / last.wholeMs}
              text={formatMs(last.prunedMs)}
            />
          )}
        </tbody>
      </table>
      <p>{seenText(found)}</p>
      <details>
        <summary>
          {groups.length} {groups.length === 1 ? 'group loses' : 'groups lose'} channels
        </summary>
        <ul className={styles.ratios}>
          {groups.map(({ at, ratio }) => (
            <li key={at}>
              <span className={panel.wrapAnywhere}>{at}</span> <span>{formatShare(ratio)}</span>
            </li>
          ))}
        </ul>
      </details>
      <div className={panel.buttons}>
        <Button
          look="primary"
          disabled={groups.length === 0}
          onClick={() => {
            listPlan();
            tell(`“${planName(target)}” is in the strategies`);
          }}
        >
          Add to the strategies
        </Button>
        <Button
          look="link"
          disabled={groups.length === 0}
          onClick={() => editRecipe(recipeOfPlan(recipe, plan))}
        >
          Use in this recipe
        </Button>
      </div>
    </div>
  );
}

/** What was seen of the answers with all these channels out, on images that the search did not look at. */
function seenText({ effect, whole, images, plan }: AllocatedPlan): string {
  const words = [
    ...(effect.accuracy === null ? [] : [`${formatShare(effect.accuracy)} right`]),
    ...(effect.agreement === null ? [] : [`${formatShare(effect.agreement)} of answers unchanged`]),
    effect.scoresDb === null ? 'scores are not finite' : `scores ${effect.scoresDb.toFixed(0)} dB`,
  ];
  const { recalibrate = [] } = plan.operator;
  const later = recalibrate.length > 0 ? ' before recalibrating' : '';
  return `Seen on ${images} other images${later}: ${words.join(', ')}. ${wholeAccuracyText(whole, images)}`;
}

function Row({
  title,
  share,
  text,
}: {
  readonly title: string;
  readonly share: number;
  readonly text: string;
}) {
  return (
    <tr>
      <th scope="row">{title}</th>
      <td>{text}</td>
      <td>{formatShare(share)}</td>
    </tr>
  );
}
