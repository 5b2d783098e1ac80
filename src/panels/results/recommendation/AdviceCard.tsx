import { useLab } from '../../../store/lab.ts';
import { choiceNumbers } from '../../../study/recommend/advice-text.ts';
import type { Advice, Choice } from '../../../study/recommend/recommend.ts';
import panel from '../../panel.module.css';
import { Section } from '../../ui/Section.tsx';
import styles from './Advice.module.css';
import { TakeChoice } from './TakeChoice.tsx';

/** What is recommended on one device. */
export function AdviceCard({ advice, isAlone }: { readonly advice: Advice; readonly isAlone: boolean }) {
  const { outcome, measure, evidence, mindChangers, next, measured } = advice;
  return (
    <>
      <Section title={isAlone ? 'Advice' : advice.deviceName}>
        <div className={panel.card} aria-live="polite">
          {outcome.kind === 'chosen' && (
            <>
              <Named title="Use" choice={outcome.winner} measure={measure} isFirst />
              <TakeChoice trialId={outcome.winner.trialId} />
              {outcome.runnerUp && <Named title="Runner-up" choice={outcome.runnerUp} measure={measure} />}
              <p className={`${panel.dim} ${panel.small}`}>{fittingText(outcome.fitting, measured)}</p>
            </>
          )}
          {outcome.kind === 'nothing-fits' && (
            <>
              <p>Nothing measured keeps within the limits.</p>
              <Named title="The nearest" choice={outcome.nearest} measure={measure} />
              <Sentences texts={outcome.misses} />
            </>
          )}
          {outcome.kind === 'no-answer' && <p>{outcome.reason}</p>}
        </div>
      </Section>
      {evidence.length > 0 && (
        <Section title="Evidence">
          <Sentences texts={evidence} />
        </Section>
      )}
      {mindChangers.length > 0 && (
        <Section title="What would change that">
          <Sentences texts={mindChangers.map(({ text }) => text)} />
        </Section>
      )}
      {next.length > 0 && (
        <Section title="What to measure next">
          <Sentences texts={next} />
        </Section>
      )}
    </>
  );
}

function fittingText(fitting: number, measured: number): string {
  return measured === 1
    ? 'It is the only strategy measured.'
    : `${fitting} of ${measured} measured strategies ${fitting === 1 ? 'keeps' : 'keep'} within the limits.`;
}

interface NamedProps {
  readonly title: string;
  readonly choice: Choice;
  readonly measure: Advice['measure'];
  readonly isFirst?: boolean;
}

/** A strategy with its numbers; pressed, it is shown like one chosen in the table. */
function Named({ title, choice, measure, isFirst = false }: NamedProps) {
  const showTrial = useLab((lab) => lab.showTrial);
  const showView = useLab((lab) => lab.showResultsView);
  const isHere = useLab((lab) => lab.trials.some(({ id }) => id === choice.trialId));
  const open = () => {
    showTrial(choice.trialId);
    showView('front');
  };
  return (
    <div className={styles.named} data-first={isFirst}>
      <span className={panel.dim}>{title}</span>
      {isHere ? (
        <button type="button" className={panel.link} title="Show its recipe and details" onClick={open}>
          {choice.name}
        </button>
      ) : (
        <strong>{choice.name}</strong>
      )}
      <span className={panel.small}>{choiceNumbers(choice, measure)}</span>
    </div>
  );
}

function Sentences({ texts }: { readonly texts: readonly string[] }) {
  return (
    <ul className={styles.sentences}>
      {texts.map((text) => (
        <li key={text}>{text}</li>
      ))}
    </ul>
  );
}
