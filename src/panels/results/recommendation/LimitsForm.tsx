import { useId } from 'react';
import { useLab } from '../../../store/lab.ts';
import type { Tier } from '../../../transforms/variant.ts';
import { hasMasks } from '../../../study/quality/by-pixel-class.ts';
import { type Limits, type Wish, WISHES } from '../../../study/recommend/wishes.ts';
import { SelectField, TextInput } from '../../ui/controls.tsx';
import { useDraft } from '../../ui/use-draft.ts';
import styles from './Advice.module.css';

type TierChoice = 'any' | 'mobile' | 'mobile-edge';

const tierChoices: readonly {
  readonly value: TierChoice;
  readonly label: string;
  readonly tiers: Limits['tiers'];
}[] = [
  { value: 'any', label: 'anywhere', tiers: null },
  { value: 'mobile', label: 'on this device only', tiers: ['mobile'] },
  { value: 'mobile-edge', label: 'on this device and an edge server', tiers: ['mobile', 'edge'] },
];

const wishes = WISHES.map(({ id, label }) => ({ value: id, label }));

/** What the user wishes, and what a strategy must keep within. */
export function LimitsForm({ hasPlacements }: { readonly hasPlacements: boolean }) {
  const { limits, wish } = useLab((lab) => lab.asked);
  const ask = useLab((lab) => lab.ask);
  const ofMasks = useLab((lab) => lab.trials.some(({ maskAnswers }) => maskAnswers && hasMasks(maskAnswers)));
  const limit = (change: Partial<Limits>) => ask({ wish, limits: { ...limits, ...change } });
  const { link } = limits;
  return (
    <div className={styles.form}>
      <SelectField<Wish>
        title="Wish"
        value={wish}
        options={wishes}
        onChange={(next) => ask({ limits, wish: next })}
      />
      <LimitField
        title={ofMasks ? 'Mean IoU lost at most' : 'Accuracy lost at most'}
        unit="points"
        scale={0.01}
        value={limits.accuracyLoss}
        onChange={(accuracyLoss) => limit({ accuracyLoss })}
      />
      <LimitField
        title="p90 latency at most"
        unit="ms"
        scale={1}
        value={limits.latencyP90Ms}
        onChange={(latencyP90Ms) => limit({ latencyP90Ms })}
      />
      <LimitField
        title="Size at most"
        unit="MB"
        scale={1e6}
        value={limits.rawBytes}
        onChange={(rawBytes) => limit({ rawBytes })}
      />
      <LimitField
        title="Memory at most"
        unit="MB"
        scale={1e6}
        value={limits.heapBytes}
        onChange={(heapBytes) => limit({ heapBytes })}
      />
      {hasPlacements && (
        <>
          <SelectField
            title="Runs"
            value={choiceOf(limits.tiers)}
            options={tierChoices}
            onChange={(value) =>
              limit({ tiers: tierChoices.find((each) => each.value === value)?.tiers ?? null })
            }
          />
          <LimitField
            title="My link to the edge"
            unit="Mbit/s"
            scale={1}
            value={link?.bandwidthMbps ?? null}
            onChange={(bandwidthMbps) =>
              limit({ link: bandwidthMbps ? { bandwidthMbps, rttMs: link?.rttMs ?? 10 } : null })
            }
          />
          {link && (
            <LimitField
              title="Its round trip"
              unit="ms"
              scale={1}
              value={link.rttMs}
              onChange={(rttMs) => limit({ link: { ...link, rttMs: rttMs ?? 0 } })}
            />
          )}
        </>
      )}
    </div>
  );
}

function choiceOf(tiers: readonly Tier[] | null): TierChoice {
  return tierChoices.find((each) => JSON.stringify(each.tiers) === JSON.stringify(tiers))?.value ?? 'any';
}

interface LimitFieldProps {
  readonly title: string;
  readonly unit: string;
  /** The value of one unit. */
  readonly scale: number;
  /** Null: no limit. */
  readonly value: number | null;
  readonly onChange: (value: number | null) => void;
}

/** A number from 0 up, or nothing; taken over when it is complete. What is no such number goes back. */
function LimitField({ title, unit, scale, value, onChange }: LimitFieldProps) {
  const id = useId();
  const shown = value === null ? '' : String(Number((value / scale).toPrecision(12)));
  const [text, setText] = useDraft(shown);
  const commit = (typed: string) => {
    const number = typed.trim() === '' ? null : Number(typed);
    if (number !== null && !(number >= 0 && Number.isFinite(number))) setText(shown);
    else if (typed !== shown) onChange(number === null ? null : number * scale);
  };
  return (
    <label className={styles.limit} htmlFor={id}>
      <span>{title}</span>
      <TextInput
        id={id}
        type="number"
        inputMode="decimal"
        min={0}
        step="any"
        placeholder="any"
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onBlur={(event) => commit(event.currentTarget.value)}
        onKeyDown={(event) => event.key === 'Enter' && commit(event.currentTarget.value)}
      />
      <span className={styles.unit}>{unit}</span>
    </label>
  );
}
