import { useEffect, useState } from 'react';
import { attempt } from '../../../base/result.ts';
import type { StudyHeader } from '../../../persist/database.ts';
import { listStudies } from '../../../persist/studies.ts';
import { useLab } from '../../../store/lab.ts';
import type { DeviceRun } from '../../../study/devices/device-runs.ts';
import panel from '../../panel.module.css';
import { CheckField, FileButton, TextInput } from '../../ui/controls.tsx';
import { useDraft } from '../../ui/use-draft.ts';
import styles from './Devices.module.css';

/** Studies kept here, of which several are chosen and their devices named; and files of others. */
export function DeviceChooser({ runs }: { readonly runs: readonly DeviceRun[] }) {
  const study = useLab((lab) => lab.study);
  const beside = useLab((lab) => lab.beside);
  const putBeside = useLab((lab) => lab.putBeside);
  const importStudies = useLab((lab) => lab.importStudies);
  const [kept, setKept] = useState<readonly StudyHeader[]>([]);
  // What was imported is kept, too.
  useEffect(() => {
    let isCurrent = true;
    void attempt(listStudies).then((listed) => isCurrent && listed.ok && setKept(listed.value));
    return () => {
      isCurrent = false;
    };
  }, [study?.id, beside]);
  const others = kept
    .filter(({ id }) => id !== study?.id)
    // Those of the same model first; the order within is that of the list, newest first.
    .toSorted((a, b) => Number(b.modelId === study?.modelId) - Number(a.modelId === study?.modelId));
  return (
    <>
      <ul className={styles.studies}>
        {study && (
          <li>
            <p>
              <strong>{study.name}</strong> <span className={panel.dim}>on screen</span>
            </p>
            <DeviceName study={study} runs={runs} />
          </li>
        )}
        {others.map((header) => (
          <li key={header.id}>
            <CheckField
              title={
                <>
                  {header.name}{' '}
                  <span className={panel.dim}>
                    {new Date(header.createdAtMs).toLocaleString()}
                    {header.modelId === study?.modelId ? '' : ' · another model'}
                  </span>
                </>
              }
              checked={beside.has(header.id)}
              onChange={(isWanted) => void putBeside(header.id, isWanted)}
            />
            {beside.has(header.id) && <DeviceName study={header} runs={runs} />}
          </li>
        ))}
      </ul>
      <FileButton
        accept=".json,.gz,.zip,application/json,application/gzip,application/zip"
        multiple
        onFiles={(files) => void importStudies(files, 'beside')}
      >
        Open study files
      </FileButton>
    </>
  );
}

/** What people call the device of a study. */
function DeviceName({
  study: { id, name, deviceName },
  runs,
}: {
  readonly study: { readonly id: string; readonly name: string; readonly deviceName?: string };
  readonly runs: readonly DeviceRun[];
}) {
  const nameDevice = useLab((lab) => lab.nameDevice);
  const [text, setText] = useDraft(deviceName ?? '');
  const told = runs.filter(({ study }) => study.id === id).map((run) => run.name);
  const commit = () => text.trim() !== (deviceName ?? '') && void nameDevice(id, text);
  return (
    <TextInput
      className={styles.name}
      aria-label={`Name of the device of ${name}`}
      placeholder={told.join('; ')}
      value={text}
      maxLength={60}
      onChange={(event) => setText(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => event.key === 'Enter' && commit()}
    />
  );
}
