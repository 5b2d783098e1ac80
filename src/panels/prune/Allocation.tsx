import { formatBytes, formatCount, formatMs, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { type AllocatedPlan, pruneScanKey, recipeOfPlan } from '../../store/prune-slice.ts';
import type { PruneTarget } from '../../study/prune-plan.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar, SelectField } from '../ui/controls.tsx';
import { Slider } from '../ui/Slider.tsx';
import styles from './Prune.module.css';

const TARGETS: Readonly<Record<PruneTarget['kind'], string>> = {
  macs: 'MACs',
  params: 'parameters',
  bytes: 'size of the weights',
  latency: 'measured latency',
};

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
        options={Object.entries(TARGETS).map(([value, label]) => ({
          value: value as PruneTarget['kind'],
          label,
        }))}
        onChange={(kind) => setTarget({ ...target, kind })}
      />
      <Slider
        title={`Share of the ${TARGETS[target.kind]} that may stay`}
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
        <div className={styles.running} role="status">
          <span>{timing}</span>
          <ProgressBar share={null} label={timing} />
          <Button onClick={cancel}>Cancel</Button>
        </div>
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
  const { plan, target, expected, tries } = found;
  const { left, whole, operator } = plan;
  const groups = operator.groups ?? [];
  const last = tries.at(-1);
  const name = `channels for ${percent(target.share)} of the ${TARGETS[target.kind]}`;
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
      <p>Expected: {expectedText(found)}</p>
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
            listPlan(name);
            tell(`“${name}” is in the strategies`);
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
      {expected.accuracy === null && expected.agreement === null ? null : (
        <p className={`${panel.dim} ${panel.small}`}>
          What groups lose alone is taken to add up, which is optimistic where much goes. The study tells what
          was expected beside what it measures.
        </p>
      )}
    </div>
  );
}

function expectedText({ expected, plan }: AllocatedPlan): string {
  const scores = `scores about ${(10 * Math.log10(1 / Math.max(1e-9, 1 - Math.exp(-plan.loss)))).toFixed(0)} dB`;
  const words = [
    ...(expected.accuracy === null ? [] : [`about ${formatShare(expected.accuracy)} right`]),
    ...(expected.agreement === null ? [] : [`about ${formatShare(expected.agreement)} of answers unchanged`]),
    scores,
  ];
  return `${words.join(', ')}.`;
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

function percent(share: number): string {
  return `${Math.round(100 * share)} %`;
}
