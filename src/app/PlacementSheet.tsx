import { useMemo } from 'react';
import { formatBytes, formatCount, formatShare } from '../base/units.ts';
import { expectedText } from '../canvas/exit-text.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import panel from '../panels/panel.module.css';
import { CutChart } from '../panels/placement/CutChart.tsx';
import { tiersText } from '../panels/placement/placement-text.ts';
import { MeasureButton } from '../panels/run/MeasureButton.tsx';
import { IconButton } from '../panels/ui/controls.tsx';
import { LeftIcon, RightIcon } from '../panels/ui/icons.tsx';
import { useLab } from '../store/lab.ts';
import { forecastCuts, useExpectations, usePredictions } from '../store/predictions.ts';
import { neighbourCut } from '../transforms/cuts/neighbour-cut.ts';
import type { PlacedCut } from '../transforms/cuts/placed-cut.ts';
import { placementOf, withCut } from '../transforms/placement.ts';
import { placeOfCut } from '../transforms/recipe-name.ts';
import styles from './PlacementSheet.module.css';
import { useVariantNumbers } from './use-variant-numbers.ts';

/** The phone's sheet under the graph: what the cut or exit under the thumb means, else the model in a line. */
export function PlacementSheet({ view }: { readonly view: GraphView }) {
  const preview = useLab((lab) => lab.preview);
  const recipe = useLab((lab) => lab.recipes.present);
  const placement = useMemo(() => placementOf(recipe, view), [recipe, view]);
  if (preview?.kind === 'exit') {
    return (
      <>
        <div className={styles.title}>
          <h2 className={styles.exit}>Exit {preview.exit + 1}</h2>
        </div>
        <p>needs {formatShare(preview.macShare)} of the MACs</p>
      </>
    );
  }
  const cut = preview?.afterNode ?? placement.cut;
  const [resting] = placement.cuts;
  const frontier = preview ?? (resting && numbersOf(view, resting));
  if (cut !== null && frontier) {
    // While a cut is dragged, the card over the graph tells what it would take.
    const cuts = preview ? null : placement.cuts;
    return <CutNumbers view={view} afterNode={cut} cuts={cuts} {...frontier} />;
  }
  return <ModelLine view={view} />;
}

function numbersOf(
  { totals }: GraphView,
  { cost }: PlacedCut,
): Pick<CutNumbersProps, 'bytes' | 'macShareBefore'> {
  return { bytes: cost.crossingBytes, macShareBefore: cost.macsBefore / Math.max(1, totals.macs) };
}

interface CutNumbersProps {
  readonly view: GraphView;
  readonly afterNode: number;
  readonly bytes: number | null;
  readonly macShareBefore: number;
  /** Where they rest; null while one is dragged. */
  readonly cuts: readonly PlacedCut[] | null;
}

function CutNumbers({ view, afterNode, bytes, macShareBefore, cuts }: CutNumbersProps) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const previous = neighbourCut(view, afterNode, -1);
  const next = neighbourCut(view, afterNode, 1);
  const before = Math.round(100 * macShareBefore);
  const step = (place: number | null) => editRecipe(withCut(recipe, view, place));
  const predictions = usePredictions(view, recipe);
  const shown = useLab((lab) => lab.shownPlacement);
  const expectations = useExpectations(view, recipe);
  const predicted = useMemo(
    () =>
      cuts === null ? predictions.cut.get(shown)?.[afterNode] : forecastCuts(expectations, cuts).get(shown),
    [cuts, predictions, expectations, shown, afterNode],
  );
  return (
    <>
      <div className={styles.title}>
        <h2 className={`${styles.cut} ${panel.ellipsis}`}>Cut {placeOfCut(view, afterNode)}</h2>
        <span className={panel.row}>
          <IconButton label="Earlier cut" disabled={previous === null} onClick={() => step(previous)}>
            <LeftIcon />
          </IconButton>
          <IconButton label="Later cut" disabled={next === null} onClick={() => step(next)}>
            <RightIcon />
          </IconButton>
        </span>
      </div>
      <p>
        {bytes === null ? 'unknown size' : formatBytes(bytes)} · {before} | {100 - before} % of MACs
        {predicted != null && Number.isFinite(predicted) && (
          <>
            {' · '}
            <strong title={`Decode to answer, ${tiersText(shown)}`}>
              predicted {expectedText(predicted, expectations.isGuess)}
            </strong>
          </>
        )}
      </p>
      {(cuts?.length ?? 1) < 2 && (
        <CutChart
          isCompact
          view={view}
          predictions={predictions}
          placement={shown}
          afterNode={afterNode}
          onCut={step}
        />
      )}
    </>
  );
}

function ModelLine({ view }: { readonly view: GraphView }) {
  const variant = useVariantNumbers(view);
  return (
    <div className={panel.stack}>
      <p className={panel.dim}>
        {variant ? (
          <>
            {variant.macs} · {variant.params}
          </>
        ) : (
          <>
            {formatCount(view.totals.params)} parameters · {formatCount(view.totals.macs)} MACs ·{' '}
            {view.exits.length > 1 ? `${view.exits.length} exits` : `${view.nodes.length} nodes`}
          </>
        )}
      </p>
      <MeasureButton />
    </div>
  );
}
