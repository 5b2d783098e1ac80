import { useState } from 'react';
import type { GraphView } from '../../onnx/graph-view.ts';
import { useLab } from '../../store/lab.ts';
import { pruneScanKey, pruneScanOf } from '../../store/prune-slice.ts';
import { wholeAccuracyText } from '../../study/gate-effects.ts';
import { pruneScanCsv } from '../../study/prune-csv.ts';
import { bySensitivity, pointsIn, type PruneScan } from '../../study/prune-curves.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, NumberField } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { NeedsImages } from '../ui/NeedsImages.tsx';
import { RankedList } from '../ui/RankedList.tsx';
import { ScanProgress } from '../ui/ScanProgress.tsx';
import { saveFile } from '../ui/save-file.ts';
import { Allocation } from './Allocation.tsx';
import { CurveRow } from './CurveRow.tsx';
import styles from './Prune.module.css';

/** What pruning each group of channels alone does: the scan, its curves, and ratios for a target that follow. */
export function PruneSensitivity({ recipe, view }: { readonly recipe: Recipe; readonly view: GraphView }) {
  const scan = useLab((lab) => pruneScanOf(lab, recipe));
  const scanning = useLab((lab) => lab.pruneScanning);
  const problem = useLab((lab) => lab.pruneProblem);
  const images = useLab((lab) => lab.pruneImages);
  const setImages = useLab((lab) => lab.setPruneImages);
  const scanGroups = useLab((lab) => lab.scanGroups);
  const cancel = useLab((lab) => lab.cancelPruning);
  const isTiming = useLab((lab) => lab.pruneTiming !== null);
  const canScan = useLab((lab) => pruneScanKey(lab, recipe) !== null && !lab.preprocessing?.random);
  const known = scan === null ? 0 : pointsIn(scan);
  const total = scan?.total ?? 0;
  const isOver = known > 0 && known === total;
  return (
    <section className={styles.panel} aria-label="Sensitivity to pruning">
      <h3>Which channels can go?</h3>
      {scanning ? (
        <ScanProgress
          what={scanning.share === null ? null : `${Math.floor(scanning.share * total)} of ${total} answers`}
          share={scanning.share}
          cancelLabel="Cancel the scan"
          onCancel={cancel}
        />
      ) : (
        <>
          <NumberField title="Images to look at" value={images} min={1} max={1000} onChange={setImages} />
          {isOver ? (
            <p className={panel.dim}>All {scan?.curves.length} groups of channels were looked at.</p>
          ) : (
            <Button disabled={!canScan || isTiming} onClick={() => void scanGroups()}>
              {known === 0 ? 'Look at each group alone' : `Go on: ${total - known} answers are left`}
            </Button>
          )}
        </>
      )}
      {problem && <Problem failure={problem} />}
      {!canScan && <NeedsImages />}
      {view.hollow && (
        <p className={`${panel.dim} ${panel.small}`}>
          The weights of this model are random: what its channels are worth means little.
        </p>
      )}
      {scan !== null && known > 0 && (
        <>
          <Curves scan={scan} />
          <Allocation />
        </>
      )}
    </section>
  );
}

/** The most sensitive first, each with its curve; tapping one shows it large. */
function Curves({ scan }: { readonly scan: PruneScan }) {
  const [open, setOpen] = useState<string | null>(null);
  return (
    <>
      <RankedList
        ranked={bySensitivity(scan.curves)}
        label="Groups of channels by what half of each is worth"
        className={styles.curves}
        colour="pruning"
        row={(curve) => {
          const { at } = curve.subject;
          return (
            <CurveRow
              key={at}
              curve={curve}
              scan={scan}
              isOpen={open === at}
              onToggle={() => setOpen(open === at ? null : at)}
            />
          );
        }}
      >
        <Button
          look="link"
          onClick={() => saveFile('pruning-sensitivity.csv', pruneScanCsv(scan), 'text/csv')}
        >
          CSV
        </Button>
      </RankedList>
      <p className={`${panel.dim} ${panel.small}`}>
        What stays right as more of one group’s channels go, all others whole; those that hurt most first.{' '}
        {wholeAccuracyText(scan, scan.images)}
      </p>
    </>
  );
}
