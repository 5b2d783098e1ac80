import { formatShare } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import {
  blockCount,
  blockImagesOf,
  blockScanOf,
  blocksToFindOf,
  canScanBlocks,
} from '../../store/blocks-slice.ts';
import { useLab } from '../../store/lab.ts';
import {
  blockName,
  blockScanCsv,
  type BlockRemoval,
  type BlockScan,
  firstRemovals,
  leftAfterEach,
  removalsChosen,
} from '../../study/block-scan.ts';
import type { GateEffect } from '../../study/gate-effects.ts';
import type { BlockPruneOperator } from '../../transforms/prune/prune-operator.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { Button, NumberField } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { NeedsImages } from '../ui/NeedsImages.tsx';
import { ScanProgress } from '../ui/ScanProgress.tsx';
import { saveFile } from '../ui/save-file.ts';
import styles from './BlockOptions.module.css';

interface BlockOptionsProps {
  readonly operator: BlockPruneOperator;
  readonly recipe: Recipe;
  readonly view: GraphView;
  readonly onOperator: (next: BlockPruneOperator) => void;
}

/** Which blocks go: found on images one by one, and the first so many of them chosen from the list. */
export function BlockOptions({ operator, recipe, view, onOperator }: BlockOptionsProps) {
  const scan = useLab((lab) => blockScanOf(lab, recipe));
  const isScanning = useLab((lab) => lab.blockScanning !== null);
  const problem = useLab((lab) => lab.blockScanProblem);
  const images = useLab(blockImagesOf);
  const setImages = useLab((lab) => lab.setBlockImages);
  const most = useLab(blocksToFindOf);
  const setMost = useLab((lab) => lab.setBlocksToFind);
  const start = useLab((lab) => lab.scanBlocks);
  const canScan = useLab((lab) => canScanBlocks(lab, recipe));
  const total = scan?.total ?? blockCount(view);
  const found = scan?.removals.length ?? 0;
  if (total === 0)
    return (
      <p className={panel.small}>
        No block of this model has an input and an output of equal shape, so none can be left out.
      </p>
    );
  return (
    <>
      {typeof operator.blocks === 'number' && (
        <>
          <NumberField
            title="Blocks to leave out"
            value={operator.blocks}
            min={1}
            max={total}
            onChange={(blocks) => onOperator({ ...operator, blocks })}
          />
          <p className={panel.small}>
            {operator.blocks === 1 ? 'Which one changes' : `Which ${operator.blocks} change`} the output least
            is told by your images: find out below.
          </p>
        </>
      )}
      {isScanning ? (
        <Running />
      ) : (
        <>
          <NumberField title="Images to look at" value={images} min={1} max={1000} onChange={setImages} />
          <NumberField
            title={`Find up to, of ${total} blocks`}
            value={Math.min(most, total)}
            min={1}
            max={total}
            onChange={setMost}
          />
          {found < Math.min(most, total) && (
            <Button className={panel.wraps} disabled={!canScan} onClick={() => void start()}>
              {scan === null
                ? 'Find the blocks that matter least'
                : `Go on: ${Math.min(most, total) - found} more blocks`}
            </Button>
          )}
        </>
      )}
      {problem && <Problem failure={problem} />}
      {!canScan && <NeedsImages />}
      {view.hollow && (
        <p className={`${panel.dim} ${panel.small}`}>
          The weights of this model are random: what it does without blocks means little.
        </p>
      )}
      {scan !== null && found > 0 && (
        <Removals operator={operator} scan={scan} view={view} onOperator={onOperator} />
      )}
      <Chosen operator={operator} scan={scan} view={view} />
      <p className={`${panel.dim} ${panel.small}`}>
        What follows a block reads its input instead: less to compute, and nothing is trained. One block goes
        at a time, always the one without which the scores change least, and then the rest is judged anew.
      </p>
    </>
  );
}

function Running() {
  const progress = useLab((lab) => lab.blockScanning?.progress ?? null);
  const cancel = useLab((lab) => lab.cancelBlockScan);
  return (
    <ScanProgress
      what={progress && `${Math.floor(progress.done)} of ${progress.total} models with a block less`}
      share={progress && progress.done / Math.max(1, progress.total)}
      cancelLabel="Cancel the search"
      onCancel={cancel}
    />
  );
}

interface RemovalsProps {
  readonly operator: BlockPruneOperator;
  readonly scan: BlockScan;
  readonly view: GraphView;
  readonly onOperator: (next: BlockPruneOperator) => void;
}

/** In order; tapping one leaves out all up to it. */
function Removals({ operator, scan, view, onOperator }: RemovalsProps) {
  const chosen = removalsChosen(operator, scan);
  const left = leftAfterEach(scan);
  return (
    <>
      <p className={panel.small}>
        All blocks: {qualityOf(scan.whole)}. Tap a row to leave out all blocks up to it.
      </p>
      <ol className={styles.removals} aria-label="Blocks by how little the output changes without them">
        {scan.removals.map((removal, at) => (
          <li key={removal.block.to}>
            <button
              type="button"
              aria-pressed={chosen === at + 1}
              className={chosen !== null && at < chosen ? styles.gone : undefined}
              onClick={() => onOperator(firstRemovals(scan, at + 1))}
            >
              <span className={styles.count}>{at + 1}</span>
              <span className={styles.name}>{blockName(view, removal.block)}</span>
              <span className={styles.macs}>
                {formatShare((left[at]?.macs ?? 0) / Math.max(1, scan.macs))} of MACs left
              </span>
              <span className={styles.numbers}>{numbersOf(removal, scan.whole)}</span>
            </button>
          </li>
        ))}
      </ol>
      <div className={panel.buttons}>
        <Button look="link" onClick={() => saveFile('blocks.csv', blockScanCsv(scan, view), 'text/csv')}>
          blocks.csv
        </Button>
      </div>
    </>
  );
}

/** The blocks that an operator names where the list does not show it. */
function Chosen({
  operator,
  scan,
  view,
}: Pick<RemovalsProps, 'operator' | 'view'> & { readonly scan: BlockScan | null }) {
  const { blocks } = operator;
  if (typeof blocks === 'number' || (scan !== null && removalsChosen(operator, scan) !== null)) return null;
  return <p className={panel.small}>Left out: {blocks.map((block) => blockName(view, block)).join(', ')}.</p>;
}

function qualityOf({ accuracy, agreement }: GateEffect): string {
  if (accuracy !== null) return `accuracy ${formatShare(accuracy)}`;
  return agreement === null ? 'no classes to compare' : 'what others have to agree with';
}

function numbersOf({ effect }: BlockRemoval, whole: GateEffect): string {
  const { scoresDb, agreement, accuracy } = effect;
  const words = [scoresDb === null ? 'scores are not finite' : `scores ${decibelText(scoresDb)}`];
  if (agreement !== null) words.push(`${formatShare(agreement)} agree`);
  if (accuracy !== null && whole.accuracy !== null) {
    const points = 100 * (accuracy - whole.accuracy);
    words.push(
      `accuracy ${formatShare(accuracy)} (${points > 0 ? '+' : points < 0 ? '−' : '±'}${Math.abs(points).toFixed(1)})`,
    );
  }
  return words.join(' · ');
}

function decibelText(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : 'the same';
}
