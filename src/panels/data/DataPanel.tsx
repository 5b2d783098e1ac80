import { useMemo, useState } from 'react';
import type { Dataset } from '../../data/dataset.ts';
import { describeMisfit } from '../../data/describe-misfit.ts';
import { useLab } from '../../store/lab.ts';
import { openFiles, pickedFiles } from '../../store/open-files.ts';
import panel from '../panel.module.css';
import { Button, FileButton, ProgressBar } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './DataPanel.module.css';
import { InputPreviewCard } from './InputPreviewCard.tsx';
import { PreprocessingForm } from './PreprocessingForm.tsx';
import { Thumbnails } from './Thumbnails.tsx';

/** The images: open others, look at them, and say how they become the model's input. */
export function DataPanel() {
  const data = useLab((lab) => lab.data);
  const [selected, setSelected] = useState(0);
  const index = data ? Math.min(selected, data.dataset.items.length - 1) : 0;
  return (
    <div className={styles.columns}>
      <div>
        <OpenImages />
        {data && (
          <Section title={data.dataset.name}>
            <DatasetFacts dataset={data.dataset} />
            <Misfit dataset={data.dataset} />
            <Thumbnails data={data} selected={index} onSelect={setSelected} />
          </Section>
        )}
      </div>
      <div>
        {data && <InputPreviewCard imageIndex={index} />}
        <PreprocessingForm />
      </div>
    </div>
  );
}

function OpenImages() {
  const opening = useLab((lab) => lab.openingData);
  const cancel = useLab((lab) => lab.cancelOpeningData);
  const openSample = useLab((lab) => lab.openSampleData);
  const openDialog = useLab((lab) => lab.openDialog);
  const isRunning = useLab((lab) => lab.run !== null);
  if (isRunning) {
    return (
      <Section title="Images">
        <p className={panel.dim}>
          A study is running. Other images can be opened when it is done or cancelled.
        </p>
      </Section>
    );
  }
  return (
    <Section title="Images">
      {opening ? (
        <div className={panel.stack} role="status">
          <p>{opening.what}</p>
          <ProgressBar share={opening.share} label={opening.what} />
          <div>
            <Button onClick={cancel}>Cancel</Button>
          </div>
        </div>
      ) : (
        <>
          <div className={panel.buttons}>
            <FileButton look="primary" multiple onFiles={(files) => void openFiles(pickedFiles(files))}>
              Open a zip or files
            </FileButton>
            <FileButton folder onFiles={(files) => void openFiles(pickedFiles(files))}>
              Open a folder
            </FileButton>
            <Button look="ghost" onClick={() => void openSample()}>
              Use the sample
            </Button>
            <Button onClick={() => openDialog('camera')}>Camera…</Button>
          </div>
          <p className={`${panel.dim} ${panel.small}`}>
            One folder for each class, a CSV of file and label, or MNIST files; for segmentation folders{' '}
            <code>images</code> and <code>masks</code>, PNGs whose values are classes. Without labels the
            original model's answers take their place.
          </p>
        </>
      )}
    </Section>
  );
}

/** Labels that the open model has no class for. */
function Misfit({ dataset }: { readonly dataset: Dataset }) {
  const view = useLab((lab) => lab.model?.view);
  const preprocessing = useLab((lab) => lab.preprocessing);
  // Without preprocessing the form beside says why no image fits.
  const misfit = useMemo(
    () => (view && preprocessing ? describeMisfit(view, dataset, preprocessing) : null),
    [view, dataset, preprocessing],
  );
  return misfit && <Problem failure={misfit} />;
}

const labelSources = {
  folders: 'labels from the folders',
  csv: 'labels from the CSV',
  idx: 'labels from the IDX file',
  masks: 'labels from masks',
  none: 'no labels: agreement with the original model takes the place of accuracy',
} as const;

function DatasetFacts({ dataset }: { readonly dataset: Dataset }) {
  const counts = useMemo(() => countClasses(dataset), [dataset]);
  return (
    <>
      <p>
        {dataset.items.length} images · {labelSources[dataset.labelSource]}
      </p>
      {counts.length > 0 && (
        <ul className={styles.classes} aria-label="Images of each class">
          {counts.map(({ label, name, count }) => (
            <li key={label}>
              {name} <span className={panel.dim}>{count}</span>
            </li>
          ))}
        </ul>
      )}
      {dataset.masks && <p className={panel.dim}>{maskedText(dataset)}</p>}
      {dataset.warnings.map((warning) => (
        <p key={warning} className={panel.problem}>
          {warning}
        </p>
      ))}
    </>
  );
}

/** `39 images with masks of the classes 0–6, 8–11` */
function maskedText({ items, masks }: Dataset): string {
  const masked = items.filter(({ mask }) => mask).length;
  const ranges: [number, number][] = [];
  for (const each of masks?.classes ?? []) {
    const last = ranges.at(-1);
    if (last && last[1] === each - 1) last[1] = each;
    else ranges.push([each, each]);
  }
  const told = ranges.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`));
  return `${masked} ${masked === 1 ? 'image' : 'images'} with masks of the classes ${told.join(', ')}`;
}

/** Long tails of classes are counted, not listed. */
const listedClasses = 60;

function countClasses({ items, classNames }: Dataset) {
  const counts = new Map<number, number>();
  for (const { label } of items) if (label !== null) counts.set(label, (counts.get(label) ?? 0) + 1);
  const all = [...counts]
    .sort(([a], [b]) => a - b)
    .map(([label, count]) => ({ label, name: classNames[label] ?? `class ${label}`, count: String(count) }));
  if (all.length <= listedClasses) return all;
  const more = { label: -1, name: `and ${all.length - listedClasses} more classes`, count: '' };
  return [...all.slice(0, listedClasses), more];
}
