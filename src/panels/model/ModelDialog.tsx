import { useEffect, useState } from 'react';
import { attempt } from '../../base/result.ts';
import { formatBytes } from '../../base/units.ts';
import type { StoredModel } from '../../persist/database.ts';
import { listModels } from '../../persist/models.ts';
import { useLab } from '../../store/lab.ts';
import type { ModelSource } from '../../store/model-slice.ts';
import { openFiles, pickedFiles } from '../../store/open-files.ts';
import panel from '../panel.module.css';
import { Button, FileButton, ProgressBar, TextInput } from '../ui/controls.tsx';
import { Modal } from '../ui/Modal.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './ModelDialog.module.css';
import { ModelSummary } from './ModelSummary.tsx';
import { ZOO } from './zoo.ts';

/** The open model's facts, and every way to open another. */
export function ModelDialog({ onClose }: { readonly onClose: () => void }) {
  const view = useLab((lab) => lab.model?.view);
  const isRunning = useLab((lab) => lab.run !== null);
  const openModel = useLab((lab) => lab.openModel);
  const open = async (source: ModelSource) => {
    if (await openModel(source)) onClose();
  };
  return (
    <Modal title="Model" onClose={onClose}>
      <Opening />
      <div className={styles.columns}>
        <div>{view && <ModelSummary view={view} />}</div>
        <div>
          {isRunning ? (
            <p className={panel.dim}>
              A study is running. Another model can be opened when it is done or cancelled.
            </p>
          ) : (
            <OpenAnother open={open} />
          )}
        </div>
      </div>
      {!isRunning && <Gallery open={open} />}
    </Modal>
  );
}

interface Opener {
  readonly open: (source: ModelSource) => Promise<void>;
}

function Opening() {
  const opening = useLab((lab) => lab.openingModel);
  const cancel = useLab((lab) => lab.cancelOpeningModel);
  if (!opening) return null;
  return (
    <div className={panel.section} role="status">
      <div className={panel.row}>
        <span>{opening.what}</span>
        <Button onClick={cancel}>Cancel</Button>
      </div>
      <ProgressBar share={opening.share} label={opening.what} />
    </div>
  );
}

function OpenAnother({ open }: Opener) {
  const [url, setUrl] = useState('');
  const [kept, setKept] = useState<readonly StoredModel[]>([]);
  useEffect(() => void attempt(listModels).then((result) => result.ok && setKept(result.value)), []);
  return (
    <>
      <Section title="Open your own">
        <div className={styles.drop}>
          <FileButton look="primary" multiple onFiles={(files) => void openFiles(pickedFiles(files))}>
            Choose an .onnx file
          </FileButton>
          <p className={`${panel.dim} ${panel.small}`}>
            Or drop it anywhere on the page. If its weights are in other files, choose them along with it.
          </p>
          <form
            className={styles.url}
            onSubmit={(event) => {
              event.preventDefault();
              if (url.trim() !== '') void open({ kind: 'url', url });
            }}
          >
            <TextInput
              type="url"
              inputMode="url"
              aria-label="Address of a model"
              placeholder="https://…/model.onnx"
              value={url}
              onChange={(event) => setUrl(event.currentTarget.value)}
            />
            <Button type="submit" disabled={url.trim() === ''}>
              Fetch
            </Button>
          </form>
        </div>
      </Section>
      {kept.length > 0 && (
        <Section title="On this device">
          <ul className={styles.kept}>
            {kept.slice(0, 5).map(({ id, fileName, bytes }) => (
              <li key={id}>
                <button type="button" onClick={() => void open({ kind: 'kept', id, fileName })}>
                  <strong className={panel.wrapAnywhere}>{fileName}</strong>{' '}
                  <span className={panel.dim}>{formatBytes(bytes)}</span>
                </button>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Gallery({ open }: Opener) {
  return (
    <Section title="Gallery">
      <p className={`${panel.dim} ${panel.small}`}>
        The trained sample, and known architectures with random weights: size and latency only, no accuracy.
      </p>
      <ul className={styles.gallery}>
        <li>
          <button type="button" onClick={() => void open({ kind: 'sample' })}>
            <strong>Digits</strong>
            <div className={`${panel.dim} ${panel.small}`}>trained, with early exits</div>
          </button>
        </li>
        {ZOO.map(({ name, title, note }) => (
          <li key={name}>
            <button type="button" onClick={() => void open({ kind: 'zoo', name })}>
              <strong>{title}</strong>
              <div className={`${panel.dim} ${panel.small}`}>{note}</div>
            </button>
          </li>
        ))}
      </ul>
    </Section>
  );
}
