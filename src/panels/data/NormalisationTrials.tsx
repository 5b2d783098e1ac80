import { useMemo } from 'react';
import { formatShare } from '../../base/units.ts';
import { mostTriedImages } from '../../clients/try-preprocessings.ts';
import { candidateName, type CandidateScore } from '../../data/rank-preprocessings.ts';
import { useLab } from '../../store/lab.ts';
import { normalisationsToTry, trialOfNow } from '../../store/normalisation-slice.ts';
import panel from '../panel.module.css';
import { Button, ProgressBar } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import styles from './DataPanel.module.css';

/** Labelled images tell which normalisation is right: tries the plausible ones and shows how each did. */
export function NormalisationTrials() {
  const model = useLab((lab) => lab.model);
  const data = useLab((lab) => lab.data);
  const preprocessingProblem = useLab((lab) => lab.preprocessingProblem);
  const state = useLab((lab) => trialOfNow(lab)?.state);
  const isRunning = useLab((lab) => lab.run !== null);
  const start = useLab((lab) => lab.tryNormalisations);
  const stop = useLab((lab) => lab.stopTryingNormalisations);
  const count = useMemo(
    () => normalisationsToTry({ model, data, preprocessingProblem }).length,
    [model, data, preprocessingProblem],
  );
  if (count === 0) return null;
  if (state?.kind === 'running') {
    const { done, total } = state;
    const what = `Trying ${count} normalizations on labelled images`;
    return (
      <div className={panel.stack} role="status">
        <p>{what}</p>
        <ProgressBar share={total === null ? null : done / total} label={what} />
        <div>
          <Button onClick={stop}>Cancel</Button>
        </div>
      </div>
    );
  }
  return (
    <div className={panel.stack}>
      {state?.kind === 'failed' && <Problem failure={state.failure} />}
      {state?.kind === 'done' && <Scores scores={state.scores} />}
      <div>
        <Button onClick={() => void start()} disabled={isRunning}>
          Try {count} normalizations on {Math.min(mostTriedImages, data?.dataset.items.length ?? 0)} images
        </Button>
      </div>
    </div>
  );
}

function Scores({ scores }: { readonly scores: readonly CandidateScore[] }) {
  const present = useLab((lab) => lab.preprocessing);
  const edit = useLab((lab) => lab.editPreprocessing);
  return (
    <table className={styles.scores}>
      <caption className={`${panel.dim} ${panel.small}`}>
        Normalizations tried on {scores[0]?.images} labelled images
      </caption>
      <tbody>
        {scores.map(({ candidate, correct, images }) => {
          const { scale, mean, std, channelOrder, invert } = candidate.preprocessing;
          const change = { scale, mean, std, channelOrder, invert };
          const isUsed =
            present !== null && JSON.stringify({ ...present, ...change }) === JSON.stringify(present);
          const name = candidateName(candidate);
          return (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td>
                {correct} right, {formatShare(correct / images)}
              </td>
              <td>
                {isUsed ? (
                  'in use'
                ) : (
                  <button
                    type="button"
                    className={panel.link}
                    aria-label={`Use ${name}`}
                    onClick={() => edit(change)}
                  >
                    Use
                  </button>
                )}
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}
