import type { DeviceReport } from '../../../study/compare/compare-devices.ts';
import { chanceText } from '../../../study/compare/comparison-text.ts';
import { axisOf } from '../../../study/metrics.ts';
import panel from '../../panel.module.css';
import { Section } from '../../ui/Section.tsx';
import styles from './Comparisons.module.css';

/** How sure it is that each strategy is on the front. */
export function FrontChances({ report: { front, frontAxes } }: { readonly report: DeviceReport }) {
  if (front.length < 2) return null;
  const names = new Map(front.map(({ trialId, name }) => [trialId, name]));
  return (
    <Section title="Chance of being on the front">
      <p className={`${panel.dim} ${panel.small}`}>
        Of {frontAxes.map((axis) => axisOf(axis).label).join(' and ')}, with rounds and images drawn anew
        2,000 times.
      </p>
      <ul className={styles.chances}>
        {front
          .toSorted((a, b) => b.probability - a.probability)
          .map(({ trialId, name, probability, rival }) => (
            <li key={trialId}>
              <span className={styles.name}>{name}</span>
              <span className={styles.track} aria-hidden="true">
                <span style={{ width: `${100 * probability}%` }} />
              </span>
              <span className={styles.percent}>{chanceText(probability)}</span>
              {rival && rival.probability > 0.5 && (
                <span className={`${styles.rival} ${panel.dim} ${panel.small}`}>
                  {names.get(rival.trialId) ?? ''} is better in both
                  {rival.probability < 0.995 ? `, ${chanceText(rival.probability)} sure` : ''}
                </span>
              )}
            </li>
          ))}
      </ul>
    </Section>
  );
}
