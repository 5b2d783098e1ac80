import { formatCount, formatShare } from '../../base/units.ts';
import { useLab } from '../../store/lab.ts';
import { type CurvePoint, type PruneCurve, type PruneScan, shareRemoved } from '../../study/prune-curves.ts';
import panel from '../panel.module.css';
import { Button } from '../ui/controls.tsx';
import { CurveChart } from './CurveChart.tsx';
import styles from './Prune.module.css';

interface CurveRowProps {
  readonly curve: PruneCurve;
  readonly scan: PruneScan;
  readonly isOpen: boolean;
  readonly onToggle: () => void;
}

/** A group with its small curve; opened, with its large one and all numbers. */
export function CurveRow({ curve, scan, isOpen, onToggle }: CurveRowProps) {
  const { subject, points } = curve;
  const half = points.findLast((point) => shareRemoved(curve, point) <= 0.5) ?? points[0];
  return (
    <li>
      <button type="button" className={styles.row} aria-expanded={isOpen} onClick={onToggle}>
        <span className={styles.name}>
          {subject.at}
          <span className={panel.dim}>
            {' '}
            {subject.opType}, {subject.channels} channels
          </span>
          {half && (
            <span className={styles.numbers}>
              without {formatShare(shareRemoved(curve, half))}: {qualityText(half)}
            </span>
          )}
        </span>
        <CurveChart curve={curve} scan={scan} size="small" />
      </button>
      {isOpen && <Opened curve={curve} scan={scan} />}
    </li>
  );
}

function Opened({ curve, scan }: Pick<CurveRowProps, 'curve' | 'scan'>) {
  const showChannels = useLab((lab) => lab.showChannels);
  const showTab = useLab((lab) => lab.showTab);
  const hasAccuracy = scan.accuracy !== null;
  return (
    <div className={styles.opened}>
      <CurveChart curve={curve} scan={scan} size="large" />
      <div className={styles.scroll}>
        <table className={styles.table}>
          <thead>
            <tr>
              <th>removed</th>
              <th>left</th>
              <th>{hasAccuracy ? 'accuracy' : 'agreement'}</th>
              <th>scores</th>
              <th>MACs</th>
              <th>params</th>
            </tr>
          </thead>
          <tbody>
            {curve.points.map((point) => (
              <tr key={point.unitsLeft}>
                <td>{formatShare(shareRemoved(curve, point))}</td>
                <td>{point.unitsLeft}</td>
                <td>{shareText(hasAccuracy ? point.accuracy : point.agreement)}</td>
                <td>{decibelText(point)}</td>
                <td>{formatCount(point.macs)}</td>
                <td>{formatCount(point.params)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <Button
        look="link"
        onClick={() => {
          showChannels(curve.subject.name);
          showTab('graph');
        }}
      >
        Show on the graph
      </Button>
    </div>
  );
}

function qualityText(point: CurvePoint): string {
  const { accuracy, agreement } = point;
  if (accuracy !== null) return `${formatShare(accuracy)} right · scores ${decibelText(point)}`;
  if (agreement !== null) return `${formatShare(agreement)} unchanged · scores ${decibelText(point)}`;
  return `scores ${decibelText(point)}`;
}

function shareText(share: number | null): string {
  return share === null ? '–' : formatShare(share);
}

function decibelText({ scoresDb }: CurvePoint): string {
  if (scoresDb === null) return 'not finite';
  return Number.isFinite(scoresDb) ? `${scoresDb.toFixed(1)} dB` : 'exact';
}
