import { useLab } from '../../../store/lab.ts';
import type { StudyDesign } from '../../../study/design/design.ts';
import { PRESETS } from '../../../study/design/presets.ts';
import { protocolSentence } from '../../../study/measuring/protocol-text.ts';
import panel from '../../panel.module.css';
import { changesOf } from './design-text.ts';
import styles from './Design.module.css';

/** Protocol and metrics of the preset in full, what is done otherwise than in its source, and what was changed. */
export function WhatIsMeasured({ design }: { readonly design: StudyDesign }) {
  const images = useLab((lab) => lab.data?.dataset.items.length ?? 0);
  const preset = PRESETS.find(({ id }) => id === design.preset);
  if (!preset) return null;
  const { steps, metrics, differences, source } = preset;
  const changes = changesOf(preset.protocol(images), design.protocol);
  return (
    <details className={styles.fold}>
      <summary className={panel.summaryLine}>What is measured</summary>
      <div className={styles.prose}>
        <ol>
          {steps.map((step) => (
            <li key={step}>{step}</li>
          ))}
        </ol>
        <table className={styles.told}>
          <thead>
            <tr>
              <th scope="col">Told of each strategy</th>
              <th scope="col">in trials.csv</th>
            </tr>
          </thead>
          <tbody>
            {metrics.map(({ label, csv }) => (
              <tr key={label}>
                <td>{label}</td>
                <td>{csv.filter((name) => !/_(low|high)$/.test(name)).join(' ')}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {differences.length > 0 && (
          <>
            <h4>Other than {source ?? 'usual'}</h4>
            <ul>
              {differences.map((difference) => (
                <li key={difference}>{difference}</li>
              ))}
            </ul>
          </>
        )}
        {changes.length > 0 && (
          <p>
            <strong>Changed by you:</strong> {changes.join(', ')}. {protocolSentence(design.protocol)}
          </p>
        )}
      </div>
    </details>
  );
}
