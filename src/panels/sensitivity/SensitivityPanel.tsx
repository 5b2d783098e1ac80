import { formatShare } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { scanKey, scanOf } from '../../store/sensitivity-slice.ts';
import { useLab } from '../../store/lab.ts';
import { nodeCalled } from '../../study/node-precision.ts';
import { bySensitivity, type UnitSensitivity } from '../../study/sensitivity.ts';
import type { ScannedPrecision } from '../../transforms/quantize/mixed-operator.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import panel from '../panel.module.css';
import { PRECISION_OPTIONS } from '../recipe/precision-options.ts';
import { Button, NumberField, SelectField } from '../ui/controls.tsx';
import { Problem } from '../ui/FailureText.tsx';
import { NeedsImages } from '../ui/NeedsImages.tsx';
import { RankedList } from '../ui/RankedList.tsx';
import { ScanProgress } from '../ui/ScanProgress.tsx';
import { MixSearch } from './MixSearch.tsx';
import styles from './Sensitivity.module.css';

interface SensitivityPanelProps {
  readonly recipe: Recipe;
  readonly view: GraphView;
}

/** Which layers int8 hurts: the scan, what it found, and mixes of precisions that follow. */
export function SensitivityPanel({ recipe, view }: SensitivityPanelProps) {
  const precision = useLab((lab) => lab.scanPrecision);
  const choosePrecision = useLab((lab) => lab.chooseScanPrecision);
  const { results, total } = useLab((lab) => scanOf(lab, recipe, lab.scanPrecision));
  const canMix = useLab((lab) => scanOf(lab, recipe, 'int8').results.length > 0);
  const scanning = useLab((lab) => lab.scanning);
  const problem = useLab((lab) => lab.scanProblem);
  const images = useLab((lab) => lab.scanImages);
  const setImages = useLab((lab) => lab.setScanImages);
  const scan = useLab((lab) => lab.scanLayers);
  const cancel = useLab((lab) => lab.cancelScan);
  const canScan = useLab(
    (lab) => scanKey(lab, recipe, lab.scanPrecision) !== null && !lab.preprocessing?.random,
  );
  const isHollow = view.hollow;
  const progress = scanning?.progress ?? null;
  return (
    <section className={styles.panel} aria-label="Sensitivity">
      <h3>Which layers do few bits hurt?</h3>
      {scanning ? (
        <ScanProgress
          what={progress && `${Math.floor(progress.done)} of ${progress.total} layers and blocks`}
          share={progress && progress.done / Math.max(1, progress.total)}
          cancelLabel="Cancel the scan"
          onCancel={cancel}
        />
      ) : (
        <>
          <SelectField
            title="Layers in"
            value={precision}
            options={PRECISION_OPTIONS.filter(isScanned)}
            onChange={choosePrecision}
          />
          <NumberField title="Images to look at" value={images} min={1} max={1000} onChange={setImages} />
          {results.length > 0 && results.length === total ? (
            <p className={panel.dim}>All {total} layers and blocks were looked at.</p>
          ) : (
            <Button disabled={!canScan} onClick={() => void scan()}>
              {results.length === 0
                ? 'Quantize layers one by one'
                : `Go on: ${total - results.length} layers are left`}
            </Button>
          )}
        </>
      )}
      {problem && <Problem failure={problem} />}
      {!canScan && <NeedsImages />}
      {isHollow && (
        <p className={`${panel.dim} ${panel.small}`}>
          The weights of this model are random: what its layers lose means little.
        </p>
      )}
      {results.length > 0 && <Ranking results={results} view={view} precision={precision} />}
      {canMix && <MixSearch recipe={recipe} />}
    </section>
  );
}

function isScanned(
  option: (typeof PRECISION_OPTIONS)[number],
): option is { readonly value: ScannedPrecision; readonly label: string } {
  return option.value === 'int8' || option.value === 'int4-weights';
}

/** The most damaging first; tapping one shows it on the graph. */
function Ranking({
  results,
  view,
  precision,
}: {
  readonly results: readonly UnitSensitivity[];
  readonly view: GraphView;
  readonly precision: ScannedPrecision;
}) {
  const ranked = bySensitivity(results);
  const highest = ranked[0]?.scoresNoise ?? 0;
  const setColour = useLab((lab) => lab.setColour);
  const showTab = useLab((lab) => lab.showTab);
  const selectNode = useLab((lab) => lab.selectNode);
  const selectRange = useLab((lab) => lab.selectRange);
  const selected = useLab((lab) => (lab.selectedRange === null ? lab.selectedNode : null));
  const show = ({ unit }: UnitSensitivity) => {
    const nodes = unit.values.flatMap((name) => nodeCalled(view, name)?.index ?? []);
    if (nodes.length === 0) return;
    const [firstNode, lastNode] = [Math.min(...nodes), Math.max(...nodes)];
    selectNode(
      unit.kind === 'block' ? firstNode : (nodeCalled(view, unit.layers[0] ?? '')?.index ?? firstNode),
    );
    selectRange(unit.kind === 'block' ? { label: unit.label, firstNode, lastNode } : null);
    setColour('sensitivity');
    showTab('graph');
  };
  return (
    <>
      <RankedList
        ranked={ranked}
        label={`Layers by what they lose in ${precision}`}
        className={styles.ranking}
        colour="sensitivity"
        row={(each) => {
          const { unit } = each;
          const node = nodeCalled(view, unit.layers[0] ?? '');
          return (
            <li key={unit.id}>
              <button
                type="button"
                aria-pressed={unit.kind === 'layer' && node !== undefined && node.index === selected}
                style={{ '--share': barShare(each.scoresNoise, highest) } as React.CSSProperties}
                onClick={() => show(each)}
              >
                <span className={styles.name}>
                  {unit.label}
                  <span className={panel.dim}>
                    {' '}
                    {unit.kind === 'block' ? `${unit.layers.length} layers` : (node?.opType ?? '')}
                  </span>
                </span>
                <span className={styles.numbers}>{numbersOf(each, precision)}</span>
              </button>
            </li>
          );
        }}
      />
      <p className={`${panel.dim} ${panel.small}`}>
        Signal to noise of the scores and of the layer’s own output when it alone is in few bits (below about
        20 dB answers begin to change), and the images whose answer changes.
      </p>
    </>
  );
}

/** In dB half the length is a hundredth of the power, so that the mild ones are seen, too. */
function barShare(noise: number, highest: number): number {
  if (noise <= 0 || highest <= 0) return 0;
  return Math.max(0, 1 + Math.log10(noise / highest) / 4);
}

function numbersOf(
  { scoresDb, outputDb, changed, accuracyChange }: UnitSensitivity,
  precision: ScannedPrecision,
): string {
  if (outputDb === Infinity) return `stays as it is: it has no ${precision} form`;
  const words = [`scores ${decibelText(scoresDb)}`, `output ${decibelText(outputDb)}`];
  if (changed !== null && changed > 0) words.push(`${formatShare(changed)} changed`);
  if (accuracyChange !== null && accuracyChange !== 0)
    words.push(
      `accuracy ${accuracyChange > 0 ? '+' : '−'}${(100 * Math.abs(accuracyChange)).toFixed(1)} points`,
    );
  return words.join(' · ');
}

function decibelText(value: number): string {
  return Number.isFinite(value) ? `${value.toFixed(1)} dB` : value > 0 ? 'exact' : 'not finite';
}
