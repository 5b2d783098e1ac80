import { formatMs, formatShare } from '../../base/units.ts';
import {
  framesPerSecond,
  likeness,
  type LiveTally,
  recentLatencyMs,
  recentlySame,
  recentPrepareMs,
  recentSpeedUp,
} from '../../study/live/live-tally.ts';
import { NO_CLASS } from '../../study/trial.ts';
import { DEFAULT_CONFIDENCE } from '../../transforms/exits/confidence.ts';
import panel from '../panel.module.css';
import styles from './Camera.module.css';
import { LiveClasses, type MaskLook } from './LiveMask.tsx';

interface LiveAnswersProps {
  readonly tally: LiveTally;
  /** Of the variants, in order of their answers. */
  readonly names: readonly string[];
  /** How many exits the model has. */
  readonly exits: number;
  readonly nameOfClass: (best: number) => string;
  /** What is missing before the first frame. */
  readonly waitsFor: string | null;
  readonly look: MaskLook;
  readonly isPaused: boolean;
}

/** What each variant says of the last frame, how sure it is, where it left, and how long that takes. */
export function LiveAnswers({
  tally,
  names,
  exits,
  nameOfClass,
  waitsFor,
  look,
  isPaused,
}: LiveAnswersProps) {
  const last = tally.recent.at(-1);
  if (!last) return waitsFor && <p className={`${panel.dim} ${styles.waiting}`}>{waitsFor}</p>;
  const [first, second] = last.answers;
  const rate = framesPerSecond(tally);
  const alike = second ? likeness(first, second) : 1;
  const isOfPixels = first?.mask !== undefined;
  const speedUp = recentSpeedUp(tally);
  const differs = !isOfPixels && alike < 1;
  return (
    <div className={panel.stack}>
      <div className={styles.answers}>
        {last.answers.map(({ best, confidence, exitIndex, mask, ranked = [], leftBy }, at) => (
          <section key={names[at]} className={styles.answer} data-differs={differs} aria-label={names[at]}>
            <h3>{names[at]}</h3>
            {mask ? (
              <LiveClasses mask={mask} look={look} />
            ) : (
              <>
                <p className={styles.label}>{best === NO_CLASS ? 'no answer' : nameOfClass(best)}</p>
                <span className={styles.track} aria-hidden="true">
                  <span style={{ width: `${Number.isFinite(confidence) ? 100 * confidence : 0}%` }} />
                </span>
              </>
            )}
            <dl className={panel.facts}>
              {!mask && (
                <>
                  <dt>confidence</dt>
                  <dd>{percentText(confidence)}</dd>
                </>
              )}
              <dt>latency</dt>
              <dd>{formatMs(recentLatencyMs(tally, at) ?? Number.NaN)}</dd>
              {exitIndex !== null && exits > 1 && (
                <>
                  <dt>left at</dt>
                  <dd>{exitIndex === exits - 1 ? 'the end' : `exit ${exitIndex + 1}`}</dd>
                  {leftBy && leftBy.measure !== DEFAULT_CONFIDENCE && (
                    <>
                      <dt>{leftBy.measure}</dt>
                      <dd>{leftBy.sureness.toFixed(2)}</dd>
                    </>
                  )}
                  {leftBy && (
                    <>
                      <dt>threshold</dt>
                      <dd>{leftBy.threshold.toFixed(2)}</dd>
                    </>
                  )}
                </>
              )}
            </dl>
            {ranked.length > 1 && (
              <ol className={styles.others} start={2} aria-label="Next likeliest">
                {ranked.slice(1).map((other) => (
                  <li key={other.best}>
                    <span>{nameOfClass(other.best)}</span>
                    <span className={styles.track} aria-hidden="true">
                      <span style={{ width: `${100 * other.probability}%` }} />
                    </span>
                    <span>{percentText(other.probability)}</span>
                  </li>
                ))}
              </ol>
            )}
          </section>
        ))}
      </div>
      <p className={panel.small}>
        {isPaused ? 'paused' : rate !== null && <>{rate.toFixed(1)} frames a second</>}
        {tally.compared > 0 && isOfPixels && (
          <>
            {' · '}
            {formatShare(alike)} of the pixels alike · {formatShare(tally.same / tally.compared)} of all{' '}
            {tally.compared} frames
          </>
        )}
        {tally.compared > 0 && !isOfPixels && (
          <>
            {' · '}
            {differs ? <strong className={styles.differs}>they differ</strong> : 'same answer'} · {tally.same}{' '}
            of {tally.compared} frames alike
            {tally.compared > tally.recent.length &&
              `, ${recentlySame(tally)} of the last ${tally.recent.length}`}
          </>
        )}
      </p>
      {speedUp !== null && (
        <p className={panel.small}>
          <strong>{speedUp.toFixed(2)} ×</strong> as fast as the {names[1]}
        </p>
      )}
      <p className={`${panel.dim} ${panel.small}`}>
        Latency is the median of the last 30 frames{tally.compared > 0 && ', one variant after the other'}; to
        prepare a picture takes {formatMs(recentPrepareMs(tally) ?? Number.NaN)} more.
      </p>
    </div>
  );
}

function percentText(share: number): string {
  if (!Number.isFinite(share)) return '–';
  return share > 0 && share < 0.005 ? '< 1 %' : `${Math.round(100 * share)} %`;
}
