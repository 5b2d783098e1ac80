import { useState } from 'react';
import type { DeviceReport } from '../../../study/compare/compare-devices.ts';
import { ADJUSTMENT_NAMES, pText } from '../../../study/compare/comparison-text.ts';
import type { CliffsDelta } from '../../../study/statistics/cliffs-delta.ts';
import panel from '../../panel.module.css';
import { FailureText } from '../../ui/FailureText.tsx';
import styles from './Comparisons.module.css';

/** `−0.42 (−0.51 to −0.32) medium`: below 0 the first is faster. */
function cliffText({ delta, low, high, magnitude }: CliffsDelta): string {
  return `${signed(delta)} (${signed(low)} to ${signed(high)}) ${magnitude}`;
}

function signed(value: number): string {
  return value.toFixed(2).replace('-', '−');
}

/** Rows that a page shows without getting slow. */
const MOST_ROWS = 400;

/** The tests of the papers on raw latencies, folded away, with what is wrong with them. */
export function PaperTestsPart({ report }: { readonly report: DeviceReport }) {
  const [isOpen, setIsOpen] = useState(false);
  if (report.papers.normality.length < 2) return null;
  return (
    <details className={styles.papers} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary className={panel.summaryLine}>As the papers test it</summary>
      {isOpen && <PaperTests report={report} />}
    </details>
  );
}

function PaperTests({ report: { papers, compared } }: { readonly report: DeviceReport }) {
  const { kruskal, pairs, normality } = papers;
  const names = new Map(
    compared.comparisons.flatMap(({ a, b }) => [a, b]).map(({ trialId, name }) => [trialId, name]),
  );
  const normal = normality.filter(({ test }) => test.ok && test.value.p >= 0.05).map(({ name }) => name);
  return (
    <div className={panel.stack}>
      <p>
        These tests take every inference as independent of all others, which inferences in a row are not:
        between strategies that are the same they find differences, too. Below 0, Cliff's delta says that the
        first of a pair is faster.
      </p>
      <p>
        Shapiro-Wilk: the latencies of {normal.length === 0 ? 'no strategy' : normal.join(', ')} look normal
        (p ≥ 0.05).
      </p>
      {kruskal.ok ? (
        <p>
          Kruskal-Wallis: H = {kruskal.value.h.toFixed(1)} with {kruskal.value.degreesOfFreedom} degrees of
          freedom, {pText(kruskal.value.p)}.
        </p>
      ) : (
        <FailureText failure={kruskal.failure} />
      )}
      {pairs.ok ? (
        <div className={panel.tableScroll} role="region" aria-label="Pairs by Conover's test" tabIndex={0}>
          <table className={panel.figures}>
            <thead>
              <tr>
                <th scope="col">pair</th>
                <th scope="col">Conover, after {ADJUSTMENT_NAMES[compared.adjustment]}</th>
                <th scope="col">Cliff's delta, 95 % interval</th>
              </tr>
            </thead>
            <tbody>
              {pairs.value.slice(0, MOST_ROWS).map(({ a, b, adjustedP, cliff }) => (
                <tr key={`${a} ${b}`}>
                  <td>
                    {names.get(a) ?? a} : {names.get(b) ?? b}
                  </td>
                  <td>{pText(adjustedP)}</td>
                  <td>{cliff ? cliffText(cliff) : '–'}</td>
                </tr>
              ))}
            </tbody>
          </table>
          {pairs.value.length > MOST_ROWS && (
            <p className={panel.dim}>{pairs.value.length - MOST_ROWS} more are in comparisons.csv.</p>
          )}
        </div>
      ) : (
        kruskal.ok && <FailureText failure={pairs.failure} />
      )}
    </div>
  );
}
