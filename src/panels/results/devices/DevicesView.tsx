import { useDeferredValue, useMemo } from 'react';
import { useLab } from '../../../store/lab.ts';
import { apartText } from '../../../study/devices/apart.ts';
import { type DeviceRun, deviceRuns } from '../../../study/devices/device-runs.ts';
import { acrossDevices } from '../../../study/devices/device-table.ts';
import { devicesCsv } from '../../../study/devices/devices-csv.ts';
import { devicesText } from '../../../study/devices/devices-text.ts';
import { environmentDifferences } from '../../../study/devices/environment-differences.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Section } from '../../ui/Section.tsx';
import { DeviceChooser } from './DeviceChooser.tsx';
import styles from './Devices.module.css';
import { TableOfDevices } from './TableOfDevices.tsx';

/** Studies of several devices beside each other: one front, one table, whether they rank alike, and what differs. */
export function DevicesView() {
  const study = useLab((lab) => lab.study);
  const trials = useDeferredValue(useLab((lab) => lab.trials));
  const beside = useLab((lab) => lab.beside);
  const showView = useLab((lab) => lab.showResultsView);
  const runs = useMemo(
    () => deviceRuns([...(study ? [{ ...study, trials }] : []), ...beside.values()]),
    [study, trials, beside],
  );
  const across = useMemo(() => acrossDevices(runs), [runs]);
  const shared = across.tables.filter((table) => table.runs.length > 1);
  return (
    <>
      <Section title="Studies to compare">
        <DeviceChooser runs={runs} />
      </Section>
      {runs.length < 2 ? (
        <p className={panel.dim}>
          Choose a second study, or open the study.json of another device: both will stand on one front and in
          one table.
        </p>
      ) : (
        <>
          {shared.length === 0 && (
            <p className={panel.dim}>Nothing of these studies compares; what is different stands below.</p>
          )}
          {shared.map((table, at) => (
            <TableOfDevices key={at} table={table} isAlone={shared.length === 1} />
          ))}
          {across.apart.length > 0 && (
            <Section title="What does not compare">
              <ul className={panel.small}>
                {across.apart.map((apart) => (
                  <li key={apartText(apart)} className={panel.wrapAnywhere}>
                    {apartText(apart)}
                  </li>
                ))}
              </ul>
            </Section>
          )}
          <Differences runs={runs} />
          <Section title="Take home">
            <div className={panel.buttons}>
              <Button onClick={() => saveFile('devices.csv', devicesCsv(across), 'text/csv')}>
                devices.csv
              </Button>
              <Button onClick={() => saveFile('devices.txt', devicesText(across), 'text/plain')}>
                devices.txt
              </Button>
              <Button look="link" onClick={() => showView('advice')}>
                Advice for all of these
              </Button>
            </div>
          </Section>
        </>
      )}
    </>
  );
}

/** How the devices themselves differ. */
function Differences({ runs }: { readonly runs: readonly DeviceRun[] }) {
  const differences = useMemo(() => environmentDifferences(runs), [runs]);
  return (
    <Section title="How the devices differ">
      {differences.length === 0 ? (
        <p className={panel.dim}>In nothing that the browser tells.</p>
      ) : (
        <div className={panel.tableScroll} role="region" aria-label="How the devices differ" tabIndex={0}>
          <table className={`${panel.figures} ${styles.table}`}>
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">What</span>
                </th>
                {runs.map(({ id, name }) => (
                  <th key={id} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {differences.map(({ what, values }) => (
                <tr key={what}>
                  <th scope="row">{what}</th>
                  {values.map((value, at) => (
                    <td key={runs[at]?.id}>{value}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Section>
  );
}
