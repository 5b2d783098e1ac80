import { Fragment } from 'react';
import { useLab } from '../../../store/lab.ts';
import type { DeviceReport } from '../../../study/compare/compare-devices.ts';
import type { Comparison } from '../../../study/compare/compare-strategies.ts';
import { comparisonPhrases } from '../../../study/compare/comparison-text.ts';
import { isIdentity } from '../../../transforms/recipe.ts';
import panel from '../../panel.module.css';
import { SelectField } from '../../ui/controls.tsx';
import { Section } from '../../ui/Section.tsx';
import styles from './Comparisons.module.css';

const allPairs = 'all';

/** Pairs as sentences: those of one strategy, at first of the unchanged model, or all. */
export function PairList({ report }: { readonly report: DeviceReport }) {
  const trials = useLab((lab) => lab.trials);
  const comparedWith = useLab((lab) => lab.comparedWith);
  const showWith = useLab((lab) => lab.showComparisonsWith);
  const { comparisons, latencies, qualities } = report.compared;
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
  const shown = comparisons.filter(
    ({ a, b }) => chosen === null || a.trialId === chosen || b.trialId === chosen,
  );
  const real = comparisons.filter(({ latency }) => latency.kind === 'compared' && latency.isDifferent).length;
  const unlike = comparisons.filter(
    ({ quality }) => quality.kind === 'compared' && quality.isDifferent,
  ).length;
  return (
    <Section title="Which differences are real">
      <p>
        {latencies > 0 &&
          `${real} of ${latencies} ${latencies === 1 ? 'pair' : 'pairs'} are told apart by latency`}
        {latencies > 0 && qualities > 0 && ', '}
        {qualities > 0 && `${unlike} of ${qualities} by their answers`}
        {latencies + qualities > 0 && '.'}
      </p>
      <SelectField
        title="Compared with"
        value={chosen ?? allPairs}
        options={[
          ...[...names].map(([value, label]) => ({ value, label })),
          { value: allPairs, label: `Each other: all ${comparisons.length} pairs` },
        ]}
        onChange={(value) => showWith(value === allPairs ? null : value)}
      />
      <ul className={styles.pairs}>
        {shown.map((comparison) => (
          <li
            key={`${comparison.a.trialId} ${comparison.b.trialId}`}
            className={styles.pair}
            data-real={isReal(comparison)}
          >
            <p>
              {comparisonPhrases(comparison, report.compared).map(({ words, numbers }) => (
                <Fragment key={words}>
                  {words}
                  {numbers !== null && <span className={styles.numbers}> ({numbers})</span>}
                </Fragment>
              ))}
              .
            </p>
            {comparison.caveats.map((caveat) => (
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
            Adjusted over all pairs: the chance of calling any difference real that is none is at most 5 %.
          </p>
        </div>
      </details>
    </Section>
  );
}

function isReal({ latency, quality }: Comparison): boolean {
  return [latency, quality].some((each) => each.kind === 'compared' && each.isDifferent);
}
