import { useMemo } from 'react';
import { formatBytes, formatCount, formatShare } from '../base/units.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import panel from '../panels/panel.module.css';
import { neighbourCut } from '../panels/recipe/operators.ts';
import { MeasureButton } from '../panels/run/MeasureButton.tsx';
import { IconButton } from '../panels/ui/controls.tsx';
import { LeftIcon, RightIcon } from '../panels/ui/icons.tsx';
import { useLab } from '../store/lab.ts';
import { placementOf, withCut } from '../transforms/placement.ts';
import { placeOfCut } from '../transforms/recipe-name.ts';
import styles from './PlacementSheet.module.css';

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
  if (cut !== null) return <CutNumbers view={view} afterNode={cut} />;
  return <ModelLine view={view} />;
}

function CutNumbers({ view, afterNode }: { readonly view: GraphView; readonly afterNode: number }) {
  const recipe = useLab((lab) => lab.recipes.present);
  const editRecipe = useLab((lab) => lab.editRecipe);
  const frontier = view.frontiers[afterNode];
  const previous = neighbourCut(view, afterNode, -1);
  const next = neighbourCut(view, afterNode, 1);
  if (!frontier) return null;
  const before = Math.round((100 * frontier.macsBefore) / Math.max(1, view.totals.macs));
  const step = (place: number | null) => editRecipe(withCut(recipe, view, place));
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
        {frontier.bytes === null ? 'unknown size crosses' : `${formatBytes(frontier.bytes)} cross`} · {before}{' '}
        | {100 - before} % of the MACs
      </p>
      <CrossingBars view={view} afterNode={afterNode} />
    </>
  );
}

const mostBars = 48;

/** Bytes crossing along the graph, so that a narrow place is seen before it is found. */
function CrossingBars({ view, afterNode }: { readonly view: GraphView; readonly afterNode: number }) {
  const bars = useMemo(() => {
    const legal = view.frontiers.filter((frontier) => frontier.legal && frontier.bytes !== null);
    const perBar = Math.max(1, Math.ceil(legal.length / mostBars));
    return Array.from({ length: Math.ceil(legal.length / perBar) }, (_, bar) => {
      const places = legal.slice(bar * perBar, (bar + 1) * perBar);
      return {
        bytes: Math.min(...places.map((frontier) => frontier.bytes ?? Number.POSITIVE_INFINITY)),
        first: places[0]?.afterNode ?? 0,
        last: places.at(-1)?.afterNode ?? 0,
      };
    });
  }, [view]);
  const most = Math.max(1, ...bars.map(({ bytes }) => bytes));
  return (
    <div className={styles.bars} aria-hidden="true">
      {bars.map(({ bytes, first, last }) => (
        <div
          key={first}
          data-here={first <= afterNode && afterNode <= last}
          style={{ height: `${(100 * bytes) / most}%` }}
        />
      ))}
    </div>
  );
}

function ModelLine({ view }: { readonly view: GraphView }) {
  return (
    <div className={panel.stack}>
      <p className={panel.dim}>
        {formatCount(view.totals.params)} parameters · {formatCount(view.totals.macs)} MACs ·{' '}
        {view.exits.length > 1 ? `${view.exits.length} exits` : `${view.nodes.length} nodes`}
      </p>
      <MeasureButton />
    </div>
  );
}
