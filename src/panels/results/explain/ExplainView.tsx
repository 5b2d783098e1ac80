import { useState } from 'react';
import { useLab } from '../../../store/lab.ts';
import { changedImages } from '../../../study/quality/by-class.ts';
import type { Trial } from '../../../study/trial.ts';
import { isIdentity } from '../../../transforms/recipe.ts';
import panel from '../../panel.module.css';
import { ChangedImages } from '../../quality/ChangedImages.tsx';
import { ChangedMasks } from '../../quality/ChangedMasks.tsx';
import { ImagesNotOpen } from '../../quality/ComparedWith.tsx';
import { SelectField } from '../../ui/controls.tsx';
import { Section } from '../../ui/Section.tsx';
import { TimeComparison } from './TimeComparison.tsx';

/** Of two strategies: where each spends its time, and which images they answer differently. */
export function ExplainView() {
  const trials = useLab((lab) => lab.trials);
  const selectedId = useLab((lab) => lab.selectedTrialId);
  const comparedId = useLab((lab) => lab.comparedTrialId);
  const [chosen, choose] = useState<{ readonly before?: string; readonly after?: string }>({});
  const measured = trials.filter(({ samples }) => samples.some(({ warmUp }) => !warmUp));
  const unchanged = measured.find(({ strategy }) => isIdentity(strategy.recipe));
  const find = (id: string | null | undefined) => measured.find((trial) => trial.id === id);
  const before = find(chosen.before) ?? find(comparedId) ?? unchanged ?? measured[0];
  const others = measured.filter((trial) => trial !== before);
  const after = others.find(({ id }) => id === (chosen.after ?? selectedId)) ?? others.at(-1);
  if (!before || !after) return <p className={panel.dim}>Measure two strategies to compare them here.</p>;
  return (
    <>
      <Section title="Two strategies">
        <SelectField
          title="First"
          value={before.id}
          options={optionsOf(measured)}
          onChange={(id) =>
            choose(id === after.id ? { before: id, after: before.id } : { ...chosen, before: id })
          }
        />
        <SelectField
          title="Second"
          value={after.id}
          options={optionsOf(others)}
          onChange={(id) => choose({ before: before.id, after: id })}
        />
      </Section>
      <TimeComparison before={before} after={after} />
      <Disagreements before={before} after={after} />
    </>
  );
}

function optionsOf(trials: readonly Trial[]) {
  return trials.map(({ id, strategy }) => ({ value: id, label: strategy.name }));
}

function Disagreements({ before, after }: { readonly before: Trial; readonly after: Trial }) {
  const data = useLab((lab) => lab.data);
  const classNames = useLab((lab) => lab.study?.classNames) ?? [];
  const title = 'Images answered differently';
  const nameOfClass = (label: number | null) =>
    label === null ? 'no answer' : classNames[label] || `class ${label}`;
  const shown = data?.dataset.id === after.datasetId ? data : null;
  if (before.datasetId === after.datasetId && before.maskAnswers && after.maskAnswers) {
    return (
      <Section title={title}>
        {!shown && <ImagesNotOpen trial={after} missing="pictures and masks" />}
        <ChangedMasks
          key={`${before.id} ${after.id}`}
          before={before.maskAnswers}
          after={after.maskAnswers}
          names={{ before: before.strategy.name, after: after.strategy.name }}
          onlyChanged
          data={shown}
          preprocessing={after.preprocessing}
          nameOfClass={nameOfClass}
        />
      </Section>
    );
  }
  if (before.datasetId !== after.datasetId || !before.predictions || !after.predictions) {
    return (
      <Section title={title}>
        <p className={panel.dim}>
          {before.datasetId === after.datasetId
            ? 'Not both answered images: they score no classes, or the study did not come so far.'
            : `They answered other images: ${before.datasetName} and ${after.datasetName}.`}
        </p>
      </Section>
    );
  }
  const truth = {
    labels: labelsOf(after, shown?.dataset.items),
    classOffset: after.preprocessing.classOffset,
    classOffsetBefore: before.preprocessing.classOffset,
  };
  const changed = changedImages(after.predictions, before.predictions, truth);
  return (
    <Section title={title}>
      {!shown && <ImagesNotOpen trial={after} missing="pictures" />}
      <ChangedImages
        key={`${before.id} ${after.id}`}
        changed={changed}
        before={before.strategy.name}
        after={after.strategy.name}
        data={shown}
        nameOfClass={nameOfClass}
        classNames={classNames}
      />
    </Section>
  );
}

/** By image index: as the open images have them, else as the trial kept them. */
function labelsOf(
  { predictions }: Trial,
  items: readonly { readonly label: number | null }[] | undefined,
): readonly (number | null)[] {
  if (items) return items.map(({ label }) => label);
  const labels: (number | null)[] = [];
  predictions?.imageIndices.forEach((image, at) => {
    labels[image] = predictions.labels?.[at] ?? null;
  });
  return labels;
}
