import { useCallback, useDeferredValue } from 'react';
import { useLab } from '../../../store/lab.ts';
import type { DeviceReport } from '../../../study/compare/compare-devices.ts';
import { comparisonsCsv } from '../../../study/csv/comparison-columns.ts';
import { defaultVerticalAxis } from '../../../study/metrics.ts';
import type { Adjustment } from '../../../study/statistics/adjust.ts';
import panel from '../../panel.module.css';
import { Button, SelectField } from '../../ui/controls.tsx';
import { Problem } from '../../ui/FailureText.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Section } from '../../ui/Section.tsx';
import { type Question, useStatistics } from '../use-statistics.ts';
import { FrontChances } from './FrontChances.tsx';
import { PairList } from './PairList.tsx';
import { PaperTestsPart } from './PaperTestsPart.tsx';

const adjustments: readonly { readonly value: Adjustment; readonly label: string }[] = [
  { value: 'holm', label: 'Holm' },
  { value: 'bonferroni', label: 'Bonferroni' },
  { value: 'benjamini-hochberg', label: 'Benjamini-Hochberg' },
];

/** Which differences between strategies are real: each as a sentence with its numbers. */
export function CompareView() {
  const trials = useDeferredValue(useLab((lab) => lab.trials));
  const adjustment = useLab((lab) => lab.adjustment);
  const setAdjustment = useLab((lab) => lab.setAdjustment);
  const axis = defaultVerticalAxis(trials);
  const quality = axis === 'rawBytes' ? null : axis;
  const question: Question<readonly DeviceReport[]> = useCallback(
    (api, facts) => api.compare(facts, adjustment, quality),
    [adjustment, quality],
  );
  const answer = useStatistics(trials, question);
  if (answer === null) return <p className={panel.dim}>Comparing…</p>;
  if (!answer.ok) return <Problem failure={answer.failure} />;
  const reports = answer.value;
  return (
    <>
      {reports.map((report) => (
        <div key={report.deviceId}>
          {reports.length > 1 && <h3>{report.deviceName}</h3>}
          <PairList report={report} />
          <FrontChances report={report} />
          <PaperTestsPart report={report} />
        </div>
      ))}
      <Section title="Adjustment and file">
        <SelectField
          title="Adjusted for the number of pairs by"
          value={adjustment}
          options={adjustments}
          onChange={setAdjustment}
        />
        <div className={panel.buttons}>
          <Button onClick={() => saveFile('comparisons.csv', comparisonsCsv(reports), 'text/csv')}>
            comparisons.csv
          </Button>
        </div>
      </Section>
    </>
  );
}
