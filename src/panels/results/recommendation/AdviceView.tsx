import { useCallback, useDeferredValue, useMemo } from 'react';
import { useLab } from '../../../store/lab.ts';
import { withDeviceNames } from '../../../study/devices/device-runs.ts';
import type { AdviceForAll } from '../../../study/recommend/across-devices.ts';
import { adviceFilesOf } from '../../../study/recommend/advice-text.ts';
import type { Asked } from '../../../study/recommend/wishes.ts';
import panel from '../../panel.module.css';
import { Button } from '../../ui/controls.tsx';
import { Problem } from '../../ui/FailureText.tsx';
import { saveFile } from '../../ui/save-file.ts';
import { Section } from '../../ui/Section.tsx';
import { type Question, useStatistics } from '../use-statistics.ts';
import { AdviceCard } from './AdviceCard.tsx';
import { LimitsForm } from './LimitsForm.tsx';
import { OtherStudies } from './OtherStudies.tsx';

const filesOf = (advice: AdviceForAll, asked: Asked) => adviceFilesOf([{ ...asked, ...advice }]);

/** Names the strategy for the user's limits and wish, and says why. */
export function AdviceView() {
  const own = useDeferredValue(useLab((lab) => lab.trials));
  const beside = useLab((lab) => lab.beside);
  const asked = useLab((lab) => lab.asked);
  const { limits, wish } = asked;
  const trials = useMemo(
    () => [...own, ...[...beside.values()].flatMap((study) => study.trials)],
    [own, beside],
  );
  const study = useLab((lab) => lab.study);
  const question: Question<AdviceForAll> = useCallback(
    (api, facts) =>
      api.advise(withDeviceNames(facts, [...(study ? [study] : []), ...beside.values()]), limits, wish),
    [limits, wish, study, beside],
  );
  const answer = useStatistics(trials, question);
  return (
    <>
      <Section title="What you want">
        <LimitsForm hasPlacements={trials.some(({ strategy }) => strategy.placement !== undefined)} />
        <OtherStudies />
      </Section>
      {answer === null && <p className={panel.dim}>Thinking…</p>}
      {answer?.ok === false && <Problem failure={answer.failure} />}
      {answer?.ok && (
        <>
          {answer.value.devices.map((advice) => (
            <AdviceCard key={advice.deviceId} advice={advice} isAlone={answer.value.devices.length === 1} />
          ))}
          {answer.value.sharedText !== null && (
            <Section title="For all devices">
              <p>{answer.value.sharedText}</p>
            </Section>
          )}
          <Section title="Take home">
            <div className={panel.buttons}>
              <Button onClick={() => saveFile('advice.txt', filesOf(answer.value, asked).text, 'text/plain')}>
                advice.txt
              </Button>
              <Button
                onClick={() => saveFile('advice.json', filesOf(answer.value, asked).json, 'application/json')}
              >
                advice.json
              </Button>
            </div>
          </Section>
        </>
      )}
    </>
  );
}
