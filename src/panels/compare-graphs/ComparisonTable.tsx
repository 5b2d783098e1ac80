import { formatBytes, formatCount, formatMs, formatShare } from '../../base/units.ts';
import panel from '../panel.module.css';
import styles from './CompareGraphs.module.css';
import type { ComparedVariant, KnownTime } from './compared-variant.ts';

interface Row {
  readonly title: string;
  readonly before: number | null;
  readonly after: number | null;
  readonly format: (value: number) => string;
  /** How each is known, where that is not the same for all. */
  readonly notes?: readonly [string, string];
}

interface ComparisonTableProps {
  readonly before: ComparedVariant;
  readonly after: ComparedVariant;
}

/** What two variants cost, and the ratios. */
export function ComparisonTable({ before, after }: ComparisonTableProps) {
  const rows: readonly Row[] = [
    { title: 'Parameters', before: before.params, after: after.params, format: formatCount },
    ...ifKnown('not zero', before.nonZeroParams, after.nonZeroParams, formatCount),
    { title: 'MACs', before: before.macs, after: after.macs, format: formatCount },
    { title: 'Size', before: before.rawBytes, after: after.rawBytes, format: formatBytes },
    ...ifKnown('gzipped', before.gzipBytes, after.gzipBytes, formatBytes),
    {
      title: 'Latency',
      before: before.time?.ms ?? null,
      after: after.time?.ms ?? null,
      format: formatMs,
      notes: [howKnown(before.time), howKnown(after.time)],
    },
    ...ifKnown('Top-1 accuracy', before.accuracy, after.accuracy, formatShare),
  ];
  return (
    <table className={styles.table}>
      <thead>
        <tr>
          <td />
          <th scope="col">Before</th>
          <th scope="col">After</th>
          <th scope="col">Ratio</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ title, before: first, after: second, format, notes = ['', ''] }) => (
          <tr key={title}>
            <th scope="row">{title}</th>
            <Cell value={first} format={format} note={notes[0]} />
            <Cell value={second} format={format} note={notes[1]} />
            <td>{ratioText(first, second)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A row, if trials told one of the two. */
function ifKnown(
  title: string,
  before: number | null,
  after: number | null,
  format: Row['format'],
): readonly Row[] {
  return before === null && after === null ? [] : [{ title, before, after, format }];
}

function Cell({
  value,
  format,
  note,
}: {
  readonly value: number | null;
  readonly format: (value: number) => string;
  readonly note: string;
}) {
  return (
    <td>
      {value === null ? '–' : format(value)}
      {note !== '' && <div className={`${panel.dim} ${panel.small}`}>{note}</div>}
    </td>
  );
}

function howKnown(time: KnownTime | null): string {
  if (time === null) return 'measure the model first';
  return time.isMeasured ? 'measured' : 'expected';
}

/** `0.27 ×`. */
function ratioText(before: number | null, after: number | null): string {
  if (before === null || after === null || before === 0) return '–';
  return `${Number((after / before).toPrecision(3))} ×`;
}
