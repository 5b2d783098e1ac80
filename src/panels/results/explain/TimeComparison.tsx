import { useMemo } from 'react';
import { formatMs } from '../../../base/units.ts';
import { useLab } from '../../../store/lab.ts';
import { timeDifferenceCsv } from '../../../study/explain/difference-csv.ts';
import {
  differenceMs,
  type PartTimes,
  timeDifference,
  typicalComputeMs,
} from '../../../study/explain/time-difference.ts';
import { isEmulatedTrial, timedSamples } from '../../../study/metrics.ts';
import type { Trial } from '../../../study/trial.ts';
import panel from '../../panel.module.css';
import { Button, ProgressBar } from '../../ui/controls.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Section } from '../../ui/Section.tsx';
import { OpenModelButton } from '../OpenModelButton.tsx';
import styles from './Explain.module.css';

interface Pair {
  readonly before: Trial;
  readonly after: Trial;
}

/** Where two variants spend their time, once both were profiled. */
export function TimeComparison({ before, after }: Pair) {
  return (
    <Section title="Where the time goes">
      <Content before={before} after={after} />
    </Section>
  );
}

function Content({ before, after }: Pair) {
  const openModelId = useLab((lab) => lab.model?.view.modelId);
  const hasImages = useLab((lab) => lab.data !== null && lab.preprocessing !== null);
  const times = useLab((lab) => lab.trialTimes);
  const explaining = useLab((lab) => lab.explaining);
  const calibrating = useLab((lab) => lab.calibrating !== null);
  const profileTrials = useLab((lab) => lab.profileTrials);
  const cancel = useLab((lab) => lab.cancelFormWork);
  const missing = [before, after].filter(({ id }) => !times.has(id));
  const [first, ...others] = missing;
  if (!first) return <Difference before={before} after={after} />;
  if (explaining || calibrating) {
    const name = [before, after].find(({ id }) => id === explaining?.trialId)?.strategy.name;
    const progress = explaining?.progress;
    const what = name === undefined ? 'Preparing' : `Profiling ${name}`;
    return (
      <div className={panel.stack} role="status">
        <p>{what}</p>
        <ProgressBar share={progress?.step === 'running' ? progress.runs / progress.of : null} label={what} />
        <div>
          <Button onClick={cancel}>Cancel</Button>
        </div>
      </div>
    );
  }
  const here = missing.filter(({ strategy }) => strategy.modelId === openModelId);
  const [some] = here;
  if (!some) return <OtherModel trial={first} isLast={others.length === 0} />;
  if (!hasImages) return <p className={panel.dim}>Open images to profile these strategies on this device.</p>;
  const isBoth = here.length === 2;
  return (
    <div className={panel.stack}>
      <p className={panel.small}>
        {isBoth ? 'Both run' : `${some.strategy.name} runs`} again here, with the runtime noting what each
        operator takes. It takes some seconds.
      </p>
      {here.length < missing.length && (
        <p className={panel.small}>The other is of another model: open that one next.</p>
      )}
      <div>
        <Button look="primary" onClick={() => void profileTrials(here)}>
          Profile {isBoth ? 'both' : some.strategy.name}
        </Button>
      </div>
    </div>
  );
}

/** What is missing is of a model that is not open: it can be, where it is kept. */
function OtherModel({ trial, isLast }: { readonly trial: Trial; readonly isLast: boolean }) {
  const { modelName, strategy } = trial;
  return (
    <div className={panel.stack}>
      <p className={panel.dim}>
        Open {modelName} to profile {isLast ? strategy.name : 'these strategies'} on this device.
      </p>
      <div>
        <OpenModelButton trial={trial} />
      </div>
    </div>
  );
}

function Difference({ before, after }: Pair) {
  const open = useLab((lab) => lab.model?.view);
  const times = useLab((lab) => lab.trialTimes);
  const isOfOpen = [before, after].every(({ strategy }) => strategy.modelId === open?.modelId);
  const view = open && isOfOpen ? open : null;
  const difference = useMemo(() => {
    const explained = (trial: Trial) => {
      const known = times.get(trial.id);
      return (
        known && { ...known, name: trial.strategy.name, latencyMs: typicalComputeMs(timedSamples(trial)) }
      );
    };
    const [old, now] = [explained(before), explained(after)];
    return old && now ? timeDifference(view, old, now) : null;
  }, [view, times, before, after]);
  if (difference === null) return null;
  const { sentences, operators, blocks, outside, total } = difference;
  const names = [before.strategy.name, after.strategy.name] as const;
  const isEmulated = [before, after].some(isEmulatedTrial);
  const isOfSeveral = new Set(operators.map(({ provider }) => provider)).size > 1;
  return (
    <div className={panel.stack}>
      {sentences.map((sentence) => (
        <p key={sentence} className={panel.wrapAnywhere}>
          {sentence}
        </p>
      ))}
      <ul className={styles.legend}>
        <li data-mark="before">{names[0]}</li>
        <li data-mark="after">{names[1]}</li>
      </ul>
      <Bars
        title="By kind of operator"
        names={names}
        parts={operators.map((times) => ({
          ...times,
          part: isOfSeveral ? `${times.part} on ${times.provider}` : times.part,
        }))}
        outside={outside}
        total={total}
      />
      {view && (
        <details>
          <summary className={panel.summaryLine}>By block of the model</summary>
          <Bars title="By block of the model" names={names} parts={blocks} outside={outside} total={total} />
        </details>
      )}
      <p className={`${panel.dim} ${panel.small}`}>
        Profiled here just now, as shares of the{' '}
        {isEmulated ? 'computing measured on this device' : 'latency'} in the study: all parts together are
        that. What is fused with an operator counts as that operator.
      </p>
      <div>
        <Button
          look="link"
          onClick={() => saveFile('time-difference.csv', timeDifferenceCsv(difference, names), 'text/csv')}
        >
          time-difference.csv
        </Button>
      </div>
    </div>
  );
}

interface BarsProps {
  readonly title: string;
  readonly names: readonly [string, string];
  readonly parts: readonly PartTimes[];
  readonly outside: PartTimes;
  readonly total: PartTimes;
}

function Bars({ title, names, parts, outside, total }: BarsProps) {
  const rows = [...parts, outside];
  const longestMs = Math.max(...rows.flatMap(({ beforeMs, afterMs }) => [beforeMs, afterMs]));
  return (
    <table className={styles.bars} aria-label={title}>
      <thead>
        <tr>
          <th scope="col">part</th>
          <th scope="col" aria-label={names[0]}>
            first
          </th>
          <th scope="col" aria-label={names[1]}>
            second
          </th>
          <th scope="col">difference</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((times, at) => (
          <tr key={at === rows.length - 1 ? 'outside' : `${at} ${times.part}`}>
            <th scope="row">
              {times.part}
              <span className={styles.pair} aria-hidden="true">
                <i style={{ width: `${(100 * times.beforeMs) / longestMs}%` }} />
                <i data-mark="after" style={{ width: `${(100 * times.afterMs) / longestMs}%` }} />
              </span>
            </th>
            <Cells times={times} />
          </tr>
        ))}
      </tbody>
      <tfoot>
        <tr>
          <th scope="row">all</th>
          <Cells times={total} />
        </tr>
      </tfoot>
    </table>
  );
}

function Cells({ times }: { readonly times: PartTimes }) {
  const ms = differenceMs(times);
  const text = formatMs(Math.abs(ms));
  // What rounds to nothing has no sign.
  const sign = Number.parseFloat(text) === 0 ? 0 : Math.sign(ms);
  return (
    <>
      <td>{timeText(times.beforeMs)}</td>
      <td>{timeText(times.afterMs)}</td>
      <td data-sign={sign}>
        {sign > 0 ? '+' : sign < 0 ? '−' : ''}
        {text}
      </td>
    </>
  );
}

function timeText(ms: number): string {
  return ms === 0 ? '–' : formatMs(ms);
}
