import { useMemo } from 'react';
import { DrawingView } from '../../../charts/DrawingView.tsx';
import { useSize } from '../../../charts/use-size.ts';
import { type DeviceTable, placeText } from '../../../study/devices/device-table.ts';
import { ranksOf } from '../../../study/devices/devices-csv.ts';
import { DEVICES_FRONT, devicesFront } from '../../../study/devices/devices-front.ts';
import { answersText } from '../../../study/devices/devices-text.ts';
import { qualityAxisOf } from '../../../study/devices/quality-axis.ts';
import { agreementsWorthTelling, agreementText, changeText } from '../../../study/devices/rank-devices.ts';
import { type AxisId, axisOf, formatMetric, trialMetrics } from '../../../study/metrics.ts';
import type { Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { Section } from '../../ui/Section.tsx';
import { PictureExports } from '../pictures/PictureExports.tsx';
import styles from './Devices.module.css';

/** Places are told one by one up to so many. */
const mostChanges = 6;

/** Strategies that compare, on all devices that measured them. */
export function TableOfDevices({
  table,
  isAlone,
}: {
  readonly table: DeviceTable;
  readonly isAlone: boolean;
}) {
  const about = isAlone ? '' : `: ${table.datasetName}`;
  const quality = qualityAxisOf(table);
  const picture = useMemo(() => devicesFront(table), [table]);
  const [element, size] = useSize<HTMLDivElement>();
  const drawing = useMemo(() => (size ? picture.draw(Math.floor(size.width)) : null), [picture, size]);
  const answers = useMemo(() => answersText(table.rows), [table]);
  const names = table.runs.map(({ name }) => name).join(' · ');
  return (
    <>
      <Section title={`On one front${about}`}>
        <figure className={panel.stack} aria-label={DEVICES_FRONT.title}>
          <figcaption className={`${panel.dim} ${panel.small}`}>{DEVICES_FRONT.howToRead}</figcaption>
          <div ref={element} className={styles.canvas}>
            {drawing && (
              <DrawingView drawing={drawing} label={DEVICES_FRONT.title} finding={picture.finding} />
            )}
          </div>
          <PictureExports kind={DEVICES_FRONT} picture={picture} subtitle={names} />
        </figure>
      </Section>
      <Section title={`In one table${about}`}>
        <Rows table={table} quality={quality} />
        <p className={`${panel.dim} ${panel.small}`}>
          Median latency with its place among the strategies that all have, {axisOf(quality).label}, and where
          it ran.
        </p>
        {answers !== '' && <p className={`${panel.small} ${panel.wrapAnywhere}`}>{answers}</p>}
      </Section>
      {table.runs.length > 1 && <Agreements table={table} about={about} />}
    </>
  );
}

function Rows({ table, quality }: { readonly table: DeviceTable; readonly quality: AxisId }) {
  const { runs, rows } = table;
  const places = rows.flatMap(({ trials }) => trials.flatMap((trial) => (trial ? [placeText(trial)] : [])));
  const hasSeveralPlaces = new Set(places).size > 1;
  const ranks = useMemo(() => runs.map((_, column) => ranksOf(table, column)), [table, runs]);
  return (
    <div className={panel.tableScroll} role="region" aria-label="Strategies by device" tabIndex={0}>
      <table className={`${panel.figures} ${styles.table}`}>
        <thead>
          <tr>
            <th scope="col">Strategy</th>
            {runs.map(({ id, name }) => (
              <th key={id} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.name}>
              <th scope="row">{row.name}</th>
              {row.trials.map((trial, at) => (
                <td key={runs[at]?.id}>
                  {trial ? (
                    <Cell
                      trial={trial}
                      quality={quality}
                      rank={ranks[at]?.get(row)}
                      isPlaced={hasSeveralPlaces}
                    />
                  ) : (
                    '–'
                  )}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cell({
  trial,
  quality,
  rank,
  isPlaced,
}: {
  readonly trial: Trial;
  readonly quality: AxisId;
  readonly rank: number | undefined;
  /** Whether to tell where it ran. */
  readonly isPlaced: boolean;
}) {
  const { latencyMedianMs, [quality]: good } = trialMetrics(trial);
  return (
    <>
      <div>
        {latencyMedianMs && formatMetric(axisOf('latencyMedianMs'), latencyMedianMs.value)}
        {rank !== undefined && <span className={styles.rank}> #{rank}</span>}
      </div>
      <div className={panel.dim}>
        {good && formatMetric(axisOf(quality), good.value)}
        {good && isPlaced && ' · '}
        {isPlaced && placeText(trial)}
      </div>
    </>
  );
}

function Agreements({ table, about }: { readonly table: DeviceTable; readonly about: string }) {
  const agreements = useMemo(() => agreementsWorthTelling(table), [table]);
  return (
    <Section title={`Do they rank alike?${about && ` (${table.datasetName})`}`}>
      {agreements.map((agreement) => (
        <div key={`${agreement.here.id} ${agreement.there.id}`} className={styles.agreement}>
          <p className={panel.wrapAnywhere}>{agreementText(agreement)}</p>
          {agreement.changes.length > 0 && (
            <ul className={panel.small}>
              {agreement.changes.slice(0, mostChanges).map((change) => (
                <li
                  key={`${change.faster} ${change.slower}`}
                  className={change.isClear ? undefined : panel.dim}
                >
                  {changeText(change, agreement)}
                </li>
              ))}
              {agreement.changes.length > mostChanges && (
                <li className={panel.dim}>and {agreement.changes.length - mostChanges} more</li>
              )}
            </ul>
          )}
        </div>
      ))}
    </Section>
  );
}
