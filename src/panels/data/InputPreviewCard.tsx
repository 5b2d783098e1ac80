import { useEffect, useState } from 'react';
import type { Failure } from '../../base/result.ts';
import type { InputPreview } from '../../protocol/data-api.ts';
import { useLab } from '../../store/lab.ts';
import { dataWorker } from '../../store/workers.ts';
import { Problem } from '../ui/FailureText.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './DataPanel.module.css';
import { Pixels } from './Pixels.tsx';

/** One image beside what the network gets of it, kept up to date while the preprocessing is edited. */
export function InputPreviewCard({ imageIndex }: { readonly imageIndex: number }) {
  const data = useLab((lab) => lab.data);
  const preprocessing = useLab((lab) => lab.preprocessing);
  const [shown, setShown] = useState<InputPreview | null>(null);
  const [failure, setFailure] = useState<Failure | null>(null);
  useEffect(() => {
    if (!data || !preprocessing || preprocessing.random) return;
    let isCurrent = true;
    void dataWorker()
      .preview(data, imageIndex, preprocessing)
      .then((result) => {
        // Opening other images ends the worker; that is no failure of this preview.
        if (!isCurrent || (!result.ok && result.failure.code === 'cancelled')) return;
        setShown(result.ok ? result.value : null);
        setFailure(result.ok ? null : result.failure);
      });
    return () => {
      isCurrent = false;
    };
  }, [data, preprocessing, imageIndex]);
  if (!data || !preprocessing || preprocessing.random) return null;
  return (
    <Section title="What the network sees">
      {failure && <Problem failure={failure} />}
      {shown && (
        <div className={styles.preview}>
          <figure>
            <div>
              <Pixels {...shown.original} label={`${shown.imageName} as it is`} />
            </div>
            <figcaption>
              {shown.imageName}
              {shown.label !== null && ` · ${data.dataset.classNames[shown.label] ?? `class ${shown.label}`}`}
            </figcaption>
          </figure>
          <figure>
            <div>
              <Pixels {...shown.seen} label={`${shown.imageName} as the network sees it`} />
            </div>
            <figcaption>
              [{shown.tensor.dims.join(', ')}] · {shown.tensor.min.toFixed(2)} … {shown.tensor.max.toFixed(2)}
              , mean {shown.tensor.mean.toFixed(2)}
            </figcaption>
          </figure>
        </div>
      )}
    </Section>
  );
}
