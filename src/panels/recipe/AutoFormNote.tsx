import { useMemo } from 'react';
import { figuresOfNow } from '../../store/forms-slice.ts';
import { useLab } from '../../store/lab.ts';
import { chooseForm } from '../../study/forms/choose-form.ts';
import { NOTABLE_RATIO } from '../../study/forms/model-times.ts';
import type { StaticQuantizeOperator } from '../../transforms/quantize/quantize-operator.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import styles from './AutoFormNote.module.css';

/** What the form `auto` is here, and why; or when that will be known. */
export function AutoFormNote({ operator }: { readonly operator: StaticQuantizeOperator }) {
  const view = useLab((lab) => lab.model?.view);
  const figures = useLab(figuresOfNow);
  const choice = useMemo(
    () => (view && figures ? chooseForm(view, operator, figures) : null),
    [view, operator, figures],
  );
  const isSlower = choice !== null && choice.basis !== 'expected' && (choice.relative ?? 0) > NOTABLE_RATIO;
  return (
    <>
      <p className={isSlower ? `${styles.slower} ${panel.small}` : `${panel.dim} ${panel.small}`}>
        {choice?.reason ??
          'Before it is first measured, layers are timed in every form, in at most a minute, and then this model in the fastest. What layers took stands under This device.'}
      </p>
      {choice?.basis !== 'timed' && <TimeNow operator={operator} isAgain={choice?.basis === 'unsteady'} />}
    </>
  );
}

function TimeNow({
  operator,
  isAgain,
}: {
  readonly operator: StaticQuantizeOperator;
  readonly isAgain: boolean;
}) {
  const probe = useLab((lab) => lab.formProbe);
  const hasImages = useLab((lab) => lab.data !== null && lab.preprocessing !== null);
  const isBusy = useLab((lab) => lab.run !== null || lab.isProfiling || lab.explaining !== null);
  const timeModelForms = useLab((lab) => lab.timeModelForms);
  const cancel = useLab((lab) => lab.cancelFormWork);
  if (!hasImages) return null;
  if (probe) {
    return (
      <>
        <ProgressBar share={probe.share} label="Timing the forms" />
        <Button onClick={cancel}>Cancel</Button>
      </>
    );
  }
  return (
    <Button disabled={isBusy} onClick={() => void timeModelForms(operator)}>
      {isAgain ? 'Time this model again' : 'Time this model in them now'}
    </Button>
  );
}
