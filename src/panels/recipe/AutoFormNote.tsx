import { useMemo } from 'react';
import { figuresOfNow } from '../../store/forms-slice.ts';
import { useLab } from '../../store/lab.ts';
import { chooseForm, layerMix } from '../../study/forms/choose-form.ts';
import panel from '../panel.module.css';

/** What the form `auto` is here, and why; or when that will be known. */
export function AutoFormNote() {
  const nodes = useLab((lab) => lab.model?.view.nodes);
  const figures = useLab(figuresOfNow);
  const choice = useMemo(
    () => (nodes && figures ? chooseForm(layerMix(nodes), figures) : null),
    [nodes, figures],
  );
  return (
    <p className={`${panel.dim} ${panel.small}`}>
      {choice?.reason ??
        'Before it is first measured, layers are timed in every form, in at most a minute. What they took stands under This device.'}
    </p>
  );
}
