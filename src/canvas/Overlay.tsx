import { useStoreApi } from '@xyflow/react';
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, type ReactNode } from 'react';
import type { GraphView } from '../onnx/graph-view.ts';
import { cutGraphFor, type PlacedCut } from '../transforms/cuts/placed-cut.ts';
import {
  cutScope,
  DEFAULT_EXIT_THRESHOLD,
  placementOf,
  withCut,
  withCuts,
  withDynamicExits,
  withoutExits,
} from '../transforms/placement.ts';
import type { Knob } from './branch-knobs.ts';
import { CutChooser } from './CutChooser.tsx';
import { CutChartLayer } from './CutChartLayer.tsx';
import { CutHandles, useShownCuts } from './CutHandles.tsx';
import { cutsAfterMove } from './cut-moves.ts';
import { type Drop, shownPlace, type Subject } from './drag-state.ts';
import { recipeAfter, withExitToggled } from './edits.ts';
import { ExitTags } from './ExitTags.tsx';
import type { Layout } from './layout.ts';
import { MovingCard } from './MovingCard.tsx';
import { Palette } from './Palette.tsx';
import { PlaceHandle } from './PlaceHandle.tsx';
import { stopText } from './exit-text.ts';
import { nearestPlace } from './places.ts';
import type { Forecast, GraphCanvasProps, PreviewInfo } from './props.ts';
import { SkipRamps } from './SkipRamps.tsx';
import type { Theme } from './theme.ts';
import { TrainedExits } from './TrainedExits.tsx';
import { useBranchMoves } from './use-branch-moves.ts';
import { useHandleMoves } from './use-handle-moves.ts';
import { useTagPlaces } from './use-tag-places.ts';
import styles from './GraphCanvas.module.css';
import tagStyles from './tags.module.css';
import toolStyles from './Tools.module.css';

interface OverlayProps
  extends Pick<
    GraphCanvasProps,
    | 'view'
    | 'recipe'
    | 'onRecipe'
    | 'onPreview'
    | 'compact'
    | 'exitNotes'
    | 'tapNotes'
    | 'forecast'
    | 'cutCosts'
    | 'nodeMs'
    | 'isGuess'
    | 'problem'
    | 'tiers'
    | 'note'
  > {
  readonly isReadOnly: boolean;
  readonly layout: Layout;
  readonly theme: Theme | null;
  readonly litExits: ReadonlySet<number>;
  readonly onUnfold: (foldKey: string, node: number) => void;
  /** The rest of the toolbar, left of the palette. */
  readonly tools: ReactNode;
}

/** Exits and cuts over the graph, in screen space: they keep their size, and their place follows the zoom. */
export function Overlay(props: OverlayProps) {
  const { view, layout, recipe, onPreview, compact, exitNotes, onUnfold, tools, isReadOnly } = props;
  const { forecast, cutCosts, nodeMs, isGuess = false, theme } = props;
  const onRecipe = isReadOnly ? ignore : props.onRecipe;
  const store = useStoreApi();
  const rootRef = useRef<HTMLDivElement>(null);
  useViewportVariables(rootRef);
  useTagPlaces(rootRef);

  const placement = useMemo(() => placementOf(recipe, view), [recipe, view]);
  const onDrop = useCallback(
    (drop: Drop) => onRecipe(recipeAfter(drop, recipe, view, placement)),
    [recipe, view, placement, onRecipe],
  );
  const moves = useHandleMoves(view, layout, placement.skips, onDrop);
  const restingStop = placement.exit.kind === 'fixed' ? placement.exit.exit : null;
  const onPull = useCallback(
    (knob: Knob, place: number) => {
      const cut = knob.places[place]?.cut;
      if (cut !== undefined) onRecipe(withCuts(recipe, cutsAfterMove(placement, knob.cutIndex, cut)));
    },
    [placement, recipe, onRecipe],
  );
  const branches = useBranchMoves(onPull);
  const shownCuts = useShownCuts(view, layout, placement, moves, branches);
  const stop = shownPlace(moves.state, 'stop', restingStop);

  const movingCut = shownCuts.find(({ isMoving }) => isMoving)?.cut;
  const forecasts = useMemo(
    () =>
      shownCuts.length === 0 ? NO_FORECASTS : (forecast?.(shownCuts.map(({ cut }) => cut)) ?? NO_FORECASTS),
    [forecast, shownCuts],
  );
  const moving = moves.state.kind === 'dragging' || moves.state.kind === 'stepping' || branches.move !== null;
  const preview = useMemo(() => {
    if (movingCut) return cutPreview(view, movingCut);
    if (moves.state.kind !== 'dragging' && moves.state.kind !== 'stepping') return null;
    const { subject, place } = moves.state;
    if (place === null) return null;
    // A trained exit says on its own tag what it is.
    return subject === 'stop' ? exitPreview(view, place) : null;
  }, [moves.state, movingCut, view]);
  const previewed = useRef(false);
  useEffect(() => {
    if (!moving && !previewed.current) return;
    previewed.current = moving;
    onPreview?.(preview);
  }, [moving, preview, onPreview]);

  const remove = (subject: Subject): void =>
    onRecipe(subject === 'cut' ? withCut(recipe, view, null) : withoutExits(recipe));
  /** A click on the palette: as near to the middle of what is in sight as is legal. */
  const addInSight = (subject: Subject): void => {
    const { height, transform } = store.getState();
    const middle = (height / 2 - transform[1]) / transform[2];
    const place = nearestPlace(moves.places[subject], middle, transform[2]);
    if (place) onDrop({ subject, place: place.at, from: null });
  };

  const stopY = stop === null ? null : layout.frontierY[Math.max(0, view.exits[stop]?.node ?? 0)];
  return (
    <>
      <div ref={rootRef} className={styles.overlay} data-compact={compact || undefined}>
        {stopY !== null && stopY !== undefined && stop !== null && (
          <>
            {/* At rest the boxes themselves are faded; while it moves this is quicker. */}
            {stop !== restingStop && stop < view.exits.length - 1 && (
              <div className={tagStyles.cutAway} style={{ '--gy': stopY } as React.CSSProperties} />
            )}
            <PlaceHandle
              subject="stop"
              name="fixed exit"
              moves={moves}
              at={stop}
              resting={restingStop}
              valueText={stopText(view, stop).join(', ')}
              onRemove={() => remove('stop')}
            >
              <TagLines lines={stopText(view, stop)} />
            </PlaceHandle>
          </>
        )}
        {theme && cutCosts && shownCuts.length === 1 && (
          <CutChartLayer
            layout={layout}
            places={moves.places.cut}
            costs={cutCosts.costs}
            theme={theme}
            onCut={(place) => onDrop({ subject: 'cut', place, from: placement.cut })}
          />
        )}
        {!isReadOnly && (
          <SkipRamps
            view={view}
            layout={layout}
            recipe={recipe}
            onRecipe={onRecipe}
            nodeMs={nodeMs}
            isGuess={isGuess}
          />
        )}
        <ExitTags
          view={view}
          layout={layout}
          exit={placement.exit}
          notes={exitNotes}
          isReadOnly={isReadOnly}
          onToggle={(exit) => onRecipe(withExitToggled(recipe, view, placement.exit, exit))}
          litExits={props.litExits}
          onUnfold={onUnfold}
        />
        <TrainedExits
          view={view}
          recipe={recipe}
          onRecipe={onRecipe}
          moves={moves}
          notes={props.tapNotes}
          layout={layout}
          skips={placement.skips}
        />
        <CutHandles
          view={view}
          layout={layout}
          shown={shownCuts}
          moves={moves}
          branches={branches}
          compact={compact}
          forecasts={forecasts}
          isGuess={isGuess}
          isGone={({ graph }) => graph !== cutGraphFor(view, cutScope(placement, view))}
          onRemove={(index) =>
            onRecipe(
              withCuts(
                recipe,
                placement.cuts.filter((_, at) => at !== index).map(({ crossing }) => crossing),
              ),
            )
          }
        />
        <MovingCard
          view={view}
          layout={layout}
          moves={moves}
          branches={branches}
          cuts={shownCuts}
          forecasts={forecasts}
          isGuess={isGuess}
          nodeMs={nodeMs}
        />
      </div>
      <div
        className={toolStyles.toolbar}
        data-compact={compact || undefined}
        data-moving={moving || undefined}
      >
        <div className={toolStyles.tools}>{tools}</div>
        {props.note !== undefined && (
          <p className={toolStyles.note} data-testid="graph-note">
            {props.note}
          </p>
        )}
        {!isReadOnly && placement.cuts.length > 0 && (
          <CutChooser
            view={view}
            recipe={recipe}
            placement={placement}
            onRecipe={onRecipe}
            compact={compact}
            tiers={props.tiers}
          />
        )}
        {!isReadOnly && (
          <Palette
            exitCount={view.exits.length}
            exit={placement.exit}
            cut={placement.cut}
            moves={moves}
            onAdd={addInSight}
            onRemove={remove}
            onDynamic={() =>
              onRecipe(
                placement.exit.kind === 'dynamic'
                  ? withoutExits(recipe)
                  : withDynamicExits(recipe, allExits(view), DEFAULT_EXIT_THRESHOLD),
              )
            }
          />
        )}
      </div>
      {(placement.problems.length > 0 || props.problem) && (
        <div className={styles.problems} role="status" data-testid="graph-problem">
          <p>{props.problem?.text ?? placement.problems.join(' ')}</p>
          {props.problem?.help}
        </div>
      )}
    </>
  );
}

function TagLines({ lines: [first, second] }: { readonly lines: readonly [string, string] }) {
  return (
    <>
      <b>{first}</b>
      <span>{second}</span>
    </>
  );
}

/** What a cut would mean. */
function cutPreview(view: GraphView, { afterNode, crossing, cost }: PlacedCut): PreviewInfo {
  return {
    kind: 'cut',
    afterNode,
    crossing: crossing.flatMap((name) => view.values.get(name) ?? []),
    bytes: cost.crossingBytes,
    macShareBefore: view.totals.macs > 0 ? cost.macsBefore / view.totals.macs : 0,
  };
}

function exitPreview(view: GraphView, exit: number): PreviewInfo {
  const macs = view.exits[exit]?.macs ?? 0;
  return { kind: 'exit', exit, macShare: view.totals.macs > 0 ? macs / view.totals.macs : 0 };
}

const NO_FORECASTS: readonly Forecast[] = [];

function ignore(): void {}

function allExits(view: GraphView): readonly number[] {
  return view.exits.map(({ index }) => index);
}

/** Writes the viewport into CSS variables, so that following it needs no rendering. */
function useViewportVariables(root: React.RefObject<HTMLElement | null>): void {
  const store = useStoreApi();
  useLayoutEffect(() => {
    const write = (): void => {
      const { transform, width, height } = store.getState();
      const style = root.current?.style;
      if (!style) return;
      style.setProperty('--tx', String(transform[0]));
      style.setProperty('--ty', String(transform[1]));
      style.setProperty('--zoom', String(transform[2]));
      style.setProperty('--pane-width', String(width));
      style.setProperty('--pane-height', String(height));
    };
    write();
    return store.subscribe((state, before) => {
      if (
        state.transform !== before.transform ||
        state.width !== before.width ||
        state.height !== before.height
      )
        write();
    });
  }, [store, root]);
}
