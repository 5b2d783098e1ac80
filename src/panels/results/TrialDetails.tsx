import { useMemo } from 'react';
import { formatMs, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { type TimePart, timeParts } from '../../study/breakdown.ts';
import {
  COMPARED_AXES,
  comparisonText,
  differenceText,
  expectationTexts,
} from '../../study/compare-trials.ts';
import { measuringNotes } from '../../study/measuring/notes.ts';
import {
  type AxisId,
  axisOf,
  exitShares,
  formatMetric,
  isEmulatedTrial,
  type Measure,
  trialMetrics,
} from '../../study/metrics.ts';
import { sparsityTexts } from '../../study/sparsity-text.ts';
import type { Trial } from '../../study/trial.ts';
import { recipeLabel } from '../../transforms/parse-recipe.ts';
import { recipeName } from '../../transforms/recipe-name.ts';
import { isIdentity } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, IconButton, SelectField } from '../ui/controls.tsx';
import { CloseIcon } from '../ui/icons.tsx';
import { Section } from '../ui/Section.tsx';
import styles from './TrialDetails.module.css';
import { WhySlow } from './WhySlow.tsx';

interface TrialDetailsProps {
  readonly trial: Trial;
  readonly trials: readonly Trial[];
  readonly isOnFront: boolean;
  /** Accuracy or agreement. */
  readonly quality: AxisId;
}

/** All about the chosen trial; beside another one, if wanted. */
export function TrialDetails({ trial, trials, isOnFront, quality }: TrialDetailsProps) {
  const comparedId = useLab((lab) => lab.comparedTrialId);
  const compareWith = useLab((lab) => lab.compareWith);
  const closeTrial = useLab((lab) => lab.closeTrial);
  const openDialog = useLab((lab) => lab.openDialog);
  const compareGraphs = useLab((lab) => lab.compareGraphs);
  const isOfOpenModel = useLab((lab) => lab.model?.view.modelId === trial.strategy.modelId);
  const others = trials.filter((other) => other !== trial && other.samples.length > 0);
  const other = others.find(({ id }) => id === comparedId) ?? null;
  const shown = other ? [trial, other] : [trial];
  return (
    <Section
      title="Chosen trial"
      tools={
        <IconButton label="Close the chosen trial" onClick={closeTrial}>
          <CloseIcon />
        </IconButton>
      }
    >
      <div className={styles.card}>
        <Heading trial={trial} isOnFront={isOnFront} />
        {others.length > 0 && (
          <SelectField
            title="Compare with"
            value={other?.id ?? ''}
            options={[
              { value: '', label: 'nothing' },
              ...others.map(({ id, strategy }) => ({ value: id, label: strategy.name })),
            ]}
            onChange={(id) => compareWith(id === '' ? null : id)}
          />
        )}
        {trial.state.kind === 'failed' && <p className={styles.bad}>{trial.state.message}</p>}
        {other && <p>{comparisonText(other, trial, quality)}</p>}
        <Breakdowns trials={shown} />
        <WhySlow trial={trial} trials={trials} />
        <Exits trials={shown} />
        {[...sparsityTexts(trial, trials), ...expectationTexts(trial)].map((text) => (
          <p key={text} className={panel.small}>
            {text}
          </p>
        ))}
        <Numbers trial={trial} other={other} />
        {(trial.predictions || trial.maskAnswers) && (
          <Button onClick={() => openDialog('quality')}>Classes, changed images, layers…</Button>
        )}
        {isOfOpenModel && !isIdentity(trial.strategy.recipe) && (
          <Button onClick={() => compareGraphs(trial.strategy)}>Graphs before and after…</Button>
        )}
        {isOfOpenModel && <Button onClick={() => openDialog('camera')}>Try live…</Button>}
        {[...trial.warnings, ...measuringNotes(trial)].map((text) => (
          <p key={text} className={`${panel.small} ${styles.warning}`}>
            {text}
          </p>
        ))}
      </div>
    </Section>
  );
}

function Heading({ trial, isOnFront }: { readonly trial: Trial; readonly isOnFront: boolean }) {
  const view = useLab((lab) => lab.model?.view);
  const { name, recipe, modelId, provider, threads, placement } = trial.strategy;
  const what = view?.modelId === modelId ? recipeName(recipe, view) : recipeLabel(recipe);
  const notes = [
    ...(name.startsWith(what) ? [] : [what]),
    ...(isEmulatedTrial(trial) && placement
      ? [`emulated on ${placement.name.replaceAll('-', ' and ')}`]
      : []),
    `${provider}, ${threads === 1 ? '1 thread' : `${threads} threads`}`,
    ...(trial.state.kind === 'done' ? [isOnFront ? 'on the front' : 'dominated'] : []),
  ];
  return (
    <div>
      <strong className={panel.wrapAnywhere}>{name}</strong>
      <p className={`${panel.dim} ${panel.small} ${panel.wrapAnywhere}`}>{notes.join(' · ')}</p>
    </div>
  );
}

/** Where the time goes, as bars of one scale. */
function Breakdowns({ trials }: { readonly trials: readonly Trial[] }) {
  const [first, second] = trials;
  const all = useMemo(
    () =>
      [first, second].flatMap((trial) => {
        const parts = trial ? timeParts(trial) : [];
        const totalMs = parts.reduce((sum, part) => sum + part.meanMs, 0);
        return trial && parts.length > 0 ? [{ trial, parts, totalMs }] : [];
      }),
    [first, second],
  );
  const longestMs = Math.max(...all.map(({ totalMs }) => totalMs));
  return all.map(({ trial, parts, totalMs }) => (
    <figure key={trial.id} className={styles.breakdown}>
      <figcaption>
        {all.length > 1 && <strong>{trial.strategy.name} </strong>}
        {formatMs(totalMs)} from image to answer, on average
        {isEmulatedTrial(trial) && <span className={styles.emulated}>emulated</span>}
      </figcaption>
      <div className={styles.bar} aria-hidden="true">
        {parts.map((part, index) => (
          <span
            key={part.label}
            data-kind={part.kind}
            data-odd={index % 2 === 1}
            style={{ width: `${(100 * part.meanMs) / longestMs}%` }}
          />
        ))}
      </div>
      <ul className={styles.parts}>
        {parts.map((part, index) => (
          <Part key={part.label} part={part} isOdd={index % 2 === 1} totalMs={totalMs} />
        ))}
      </ul>
    </figure>
  ));
}

function Part({
  part,
  isOdd,
  totalMs,
}: {
  readonly part: TimePart;
  readonly isOdd: boolean;
  readonly totalMs: number;
}) {
  return (
    <li>
      <span className={styles.swatch} data-kind={part.kind} data-odd={isOdd} />
      {part.label} <strong>{formatMs(part.meanMs)}</strong>{' '}
      <span className={panel.dim}>{Math.round((100 * part.meanMs) / totalMs)} %</span>
    </li>
  );
}

/** How many images left at each exit. */
function Exits({ trials }: { readonly trials: readonly Trial[] }) {
  return trials.map((trial) => {
    const shares = [...exitShares(trial)];
    if (shares.length === 0) return null;
    return (
      <p key={trial.id} className={panel.small}>
        {trials.length > 1 && <strong>{trial.strategy.name}: </strong>}
        {shares.map(([exit, share]) => `${formatShare(share)} leave at exit ${exit + 1}`).join(', ')}
      </p>
    );
  });
}

function Numbers({ trial, other }: { readonly trial: Trial; readonly other: Trial | null }) {
  const [mine, others] = [trialMetrics(trial), other && trialMetrics(other)];
  const axes = COMPARED_AXES.filter((axisId) => mine[axisId] !== null || others?.[axisId]);
  return (
    <table className={styles.numbers}>
      {other && (
        <thead>
          <tr>
            <td />
            <th scope="col">{trial.strategy.name}</th>
            <th scope="col">{other.strategy.name}</th>
          </tr>
        </thead>
      )}
      <tbody>
        {axes.map((axisId) => (
          <tr key={axisId}>
            <th scope="row">{axisOf(axisId).label}</th>
            <td>
              <Value axisId={axisId} measure={mine[axisId]} />
              {others && (
                <div className={`${panel.dim} ${panel.small}`}>
                  {differenceText(axisId, others[axisId], mine[axisId])}
                </div>
              )}
            </td>
            {others && (
              <td>
                <Value axisId={axisId} measure={others[axisId]} />
              </td>
            )}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A value, and its 95 % interval where it has one. */
function Value({ axisId, measure }: { readonly axisId: AxisId; readonly measure: Measure | null }) {
  const axis = axisOf(axisId);
  if (measure === null) return '–';
  const { value, low, high } = measure;
  return (
    <>
      {formatMetric(axis, value)}
      {low !== null && high !== null && low < high && (
        <div className={`${panel.dim} ${panel.small}`}>
          {rangeText(formatMetric(axis, low), formatMetric(axis, high))}
        </div>
      )}
    </>
  );
}

/** `0.69–1.50 ms`, `980 kB–1.02 MB`: a unit that both have is told once. */
function rangeText(low: string, high: string): string {
  const [lowUnit, highUnit] = [low, high].map((text) => text.slice(text.indexOf(' ')));
  return lowUnit === highUnit ? `${low.slice(0, low.indexOf(' '))}–${high}` : `${low}–${high}`;
}
