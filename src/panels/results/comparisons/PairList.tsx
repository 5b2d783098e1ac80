import { Fragment } from 'react';
import { useLab } from '../../../store/lab.ts';
import type { DeviceReport } from '../../../study/compare/compare-devices.ts';
import {
  type Comparison,
  comparisonsWith,
  latencyVerdict,
  type Verdict,
} from '../../../study/compare/compare-strategies.ts';
import { comparisonPhrases } from '../../../study/compare/comparison-text.ts';
import { isIdentity } from '../../../transforms/recipe.ts';
import panel from '../../panel.module.css';
import { SelectField } from '../../ui/controls.tsx';
import { Section } from '../../ui/Section.tsx';
import styles from './Comparisons.module.css';
import { MoreRounds } from './MoreRounds.tsx';

const allPairs = 'all';

/** Pairs as sentences: those of one strategy, at first of the unchanged model, or all. */
export function PairList({ report }: { readonly report: DeviceReport }) {
  const trials = useLab((lab) => lab.trials);
  const comparedWith = useLab((lab) => lab.comparedWith);
  const showWith = useLab((lab) => lab.showComparisonsWith);
  const { comparisons } = report.compared;
  if (comparisons.length === 0)
    return (
      <Section title="Which differences are real">
        <p>
          Comparing takes two strategies that were measured, and there{' '}
          {report.front.length === 1 ? 'is one' : 'are none'}.
        </p>
      </Section>
    );
  const names = new Map(
    comparisons.flatMap(({ a, b }) => [a, b]).map(({ trialId, name }) => [trialId, name]),
  );
  const original =
    trials.find(({ id, strategy }) => names.has(id) && isIdentity(strategy.recipe))?.id ?? null;
  const asked = comparedWith === undefined ? original : comparedWith;
  const chosen = asked !== null && names.has(asked) ? asked : null;
  const of = chosen === null ? report.compared : comparisonsWith(report.compared, chosen);
  const { latencies, qualities } = of;
  const speeds = of.comparisons.flatMap(({ latency }) => (latency.kind === 'compared' ? [latency] : []));
  const real = speeds.filter(({ isDifferent }) => isDifferent).length;
  const seeming = speeds.filter((each) => latencyVerdict(each) === 'seems-different').length;
  const unlike = of.comparisons.filter(
    ({ quality }) => quality.kind === 'compared' && quality.isDifferent,
  ).length;
  const shared = sharedCaveats(of.comparisons);
  return (
    <Section title="Which differences are real">
      <SelectField
        title="Compared with"
        value={chosen ?? allPairs}
        options={[
          ...[...names].map(([value, label]) => ({ value, label })),
          { value: allPairs, label: `Each other: all ${comparisons.length} pairs` },
        ]}
        onChange={(value) => showWith(value === allPairs ? null : value)}
      />
      <p>
        {latencies > 0 &&
          `${real} of ${latencies} ${latencies === 1 ? 'pair' : 'pairs'} are told apart by latency`}
        {latencies > 0 && qualities > 0 && ', '}
        {qualities > 0 && `${unlike} of ${qualities} by their answers`}
        {latencies + qualities > 0 && '.'}
        {seeming > 0 &&
          ` ${seeming === 1 ? 'One more seems' : `${seeming} more seem`} to differ, which is not certain.`}
      </p>
      {seeming > 0 && <MoreRounds />}
      {shared.map((caveat) => (
        <p key={caveat} className={`${panel.dim} ${panel.small}`}>
          {caveat}
        </p>
      ))}
      <ul className={styles.pairs}>
        {of.comparisons.map((comparison) => (
          <li
            key={`${comparison.a.trialId} ${comparison.b.trialId}`}
            className={styles.pair}
            data-verdict={verdictOf(comparison)}
          >
            <p>
              {comparisonPhrases(comparison, of).map(({ words, numbers }) => (
                <Fragment key={words}>
                  {words}
                  {numbers !== null && <span className={styles.numbers}> ({numbers})</span>}
                </Fragment>
              ))}
              .
            </p>
            {comparison.caveats
              .filter((caveat) => !shared.includes(caveat))
              .map((caveat) => (
                <p key={caveat} className={`${panel.dim} ${panel.small}`}>
                  {caveat}
                </p>
              ))}
          </li>
        ))}
      </ul>
      <details>
        <summary className={panel.summaryLine}>How this is told</summary>
        <div className={`${panel.stack} ${panel.small} ${panel.dim}`}>
          <p>
            Latency: inferences in a row are disturbed together, so the unit is the round. In each round the
            medians of both are divided; the mean of the logarithms without the outermost fifths is tested by
            Student's t. Up to 1 % counts as no difference, as much as two sessions of one model may differ
            by.
          </p>
          <p>
            Answers: McNemar's exact test over the images that only one of both gets right, by the labels;
            without labels, that only one answers as the unchanged model.
          </p>
          <p>
            Adjusted over the pairs asked about, those with one strategy or all: the chance of calling any
            difference real that is none is at most 5 % for them together. Who looks at one strategy after the
            other, or measures on until something is found, asks more often than that; all pairs together,
            also in comparisons.csv, answer the first.
          </p>
          <p>
            A difference seems real where its own interval lies beyond 5 %, and only the number of comparisons
            leaves it open.
          </p>
        </div>
      </details>
    </Section>
  );
}

/** Of both questions, what is surest. */
function verdictOf({ latency, quality }: Comparison): Verdict {
  if (quality.kind === 'compared' && quality.isDifferent) return 'different';
  return latency.kind === 'compared' ? latencyVerdict(latency) : 'not-told-apart';
}

/** What is to be known about every pair is told once. */
function sharedCaveats([first, ...others]: readonly Comparison[]): readonly string[] {
  if (others.length === 0) return [];
  return first?.caveats.filter((caveat) => others.every(({ caveats }) => caveats.includes(caveat))) ?? [];
}
