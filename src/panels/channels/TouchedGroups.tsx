import { useLab } from '../../store/lab.ts';
import panel from '../panel.module.css';
import styles from './Channels.module.css';
import { fateText, ROLE_WORDS, type TouchedGroup, widthText } from './group-text.ts';

const FEW = 4;

/** The groups that the selection has to do with; tapping one lights it up. */
export function TouchedGroups({
  touched,
  shownId,
}: {
  readonly touched: readonly TouchedGroup[];
  readonly shownId: string | null;
}) {
  const showChannels = useLab((lab) => lab.showChannels);
  if (touched.length === 0)
    return <p className={`${panel.dim} ${panel.small}`}>No channels of a layer pass here.</p>;
  return (
    <ul className={styles.touched} aria-label="Channel groups here">
      {touched.slice(0, FEW).map(({ group, role }) => (
        <li key={group.id}>
          <button
            type="button"
            className={styles.row}
            aria-pressed={group.id === shownId}
            onClick={() => showChannels(group.id)}
          >
            <span className={styles.name}>
              <span className={panel.dim}>{ROLE_WORDS[role]} </span>
              {group.id}
            </span>
            <span className={styles.facts}>
              {[widthText(group), fateText(group)].filter((text) => text !== '').join(' · ')}
            </span>
          </button>
        </li>
      ))}
      {touched.length > FEW && (
        <li className={`${panel.dim} ${panel.small}`}>and {touched.length - FEW} more</li>
      )}
    </ul>
  );
}
