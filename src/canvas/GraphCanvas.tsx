import { ReactFlow, ReactFlowProvider, useStore, ViewportPortal, type ReactFlowState } from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { keptNodes } from '../transforms/kept-nodes.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ValueName } from '../onnx/model.ts';
import { placementOf } from '../transforms/placement.ts';
import { BoxActionsContext, type BoxFlowNode, BoxNode } from './BoxNode.tsx';
import { allFoldKeys, type Box, boxCost, boxesOf, foldKeysAround, formatCost } from './boxes.ts';
import { changeOf } from './graph-changes.ts';
import { heatOf } from './heat.ts';
import { type Layout, layOut } from './layout.ts';
import type { Folding } from './camera-link.ts';
import { lightOfBoxes } from './lit.ts';
import { Overlay } from './Overlay.tsx';
import { Overview } from './Overview.tsx';
import { PaintedLayer } from './PaintedLayer.tsx';
import type { Scene } from './paint.ts';
import type { ColourMode, GraphCanvasProps, MeasuredColour, NodeCosts } from './props.ts';
import { searchMatches } from './search.ts';
import { useTheme } from './theme.ts';
import { isKnown, Legend, offeredColours, ToolbarChips, ZoomButtons } from './Tools.tsx';
import { useCameraLink } from './use-camera-link.ts';
import { marginsOf, useCamera } from './use-camera.ts';
import { DETAIL_ZOOM, fitAll } from './viewport.ts';
import styles from './GraphCanvas.module.css';

const nodeTypes = { box: BoxNode };
const NOTHING_UNFOLDED: ReadonlySet<string> = new Set();
const NO_NODES: BoxFlowNode[] = [];
const NO_COSTS: NodeCosts = {};
const NO_HEAT: readonly number[] = [];

/** The model's graph with its exits and cut on it. Everything it changes goes through `onRecipe`. */
export function GraphCanvas(props: GraphCanvasProps) {
  return (
    <ReactFlowProvider>
      {/* A new model starts folded, from its top. */}
      <Stage key={props.view.modelId} {...props} />
    </ReactFlowProvider>
  );
}

function Stage(props: GraphCanvasProps) {
  const { view, recipe, compact, selectedNode, nodeCosts = NO_COSTS, isBare = false } = props;
  const offered = offeredColours(nodeCosts, props.costHelp);
  const colour = offered.includes(props.colour) ? props.colour : 'macs';
  const help = isKnown(colour, nodeCosts) ? undefined : props.costHelp?.[colour as MeasuredColour];
  const [unfolded, setUnfolded] = useState(NOTHING_UNFOLDED);
  const matches = useMemo(() => searchMatches(view, props.search), [view, props.search]);
  const match = matches.length > 0 ? (matches[(props.searchIndex ?? 0) % matches.length] ?? null) : null;
  // What surrounds the current match is unfolded for as long as it is the match.
  const boxes = useMemo(
    () => boxesOf(view, match === null ? unfolded : new Set([...unfolded, ...foldKeysAround(view, match)])),
    [view, unfolded, match],
  );
  const layout = useMemo(() => layOut(view, boxes), [view, boxes]);
  const placement = useMemo(() => placementOf(recipe, view), [recipe, view]);
  const heat = useHeat(view, colour, nodeCosts, boxes);
  const rowOf = (node: number | null): number | null =>
    node === null ? null : (layout.rowOfNode[node] ?? null);
  const [matchRow, selectedRow] = [rowOf(match), rowOf(selectedNode)];
  const matchRows = useMemo(
    () => new Set(matches.map((node) => layout.rowOfNode[node] ?? 0)),
    [matches, layout],
  );
  const activeExits = useMemo(
    () =>
      new Set(
        placement.exit.kind === 'dynamic'
          ? placement.exit.exits
          : placement.exit.kind === 'fixed'
            ? [placement.exit.exit]
            : [],
      ),
    [placement.exit],
  );
  // Skipped blocks are shown on their own: they are still passed by.
  const awayRows = useMemo(() => {
    const kept = keptNodes(view, { exit: placement.exit, skips: [] });
    return layout.boxes.map(
      ({ box }) => !kept.subarray(box.firstNode, box.lastNode + 1).includes(1) && box.kind !== 'input',
    );
  }, [view, placement.exit, layout]);
  const { changes, lit } = props;
  const litRows = useMemo(() => lit && lightOfBoxes(boxes, lit), [boxes, lit]);
  const litExits = useMemo(
    () =>
      new Set(
        boxes.flatMap(({ kind, exit }, row) => (kind === 'head' && litRows?.[row] ? (exit ?? []) : [])),
      ),
    [boxes, litRows],
  );
  const fadedRows = useMemo(
    () =>
      litRows === undefined
        ? awayRows
        : litRows.map((light, row) => light === null || (awayRows[row] ?? false)),
    [litRows, awayRows],
  );
  const rowChanges = useMemo(
    () => changes && boxes.map(({ firstNode, lastNode }) => changeOf(changes.slice(firstNode, lastNode + 1))),
    [boxes, changes],
  );
  const scene = useMemo(
    () => ({
      layout,
      heats: heat.heats,
      selectedRow,
      matchRow,
      matchRows,
      activeExits,
      awayRows,
      fadedRows,
      litRows,
      rowChanges,
    }),
    [layout, heat, selectedRow, matchRow, matchRows, activeExits, awayRows, fadedRows, litRows, rowChanges],
  );

  const rootRef = useRef<HTMLDivElement>(null);
  const theme = useTheme(rootRef);
  const detail = useStore((state: ReactFlowState) => state.transform[2] >= DETAIL_ZOOM);
  const { shapeChanges } = props;
  const boxShapes = useMemo(
    () =>
      shapeChanges &&
      boxes.map(({ lastNode }) => shapeChanges.get(view.nodes[lastNode]?.outputs[0] ?? ('' as ValueName))),
    [shapeChanges, boxes, view],
  );
  const nodes = useFlowNodes(detail, scene, help ? NO_HEAT : heat.costs, colour, boxShapes);
  const margins = marginsOf(compact, isBare);
  const camera = useCamera(layout, { compact, margins }, match);
  useEffect(() => {
    if (lit !== undefined) camera.bringInSight([...lit.keys()]);
  }, [lit, camera]);

  const { linked } = props;
  const applyFolding = useCallback(
    (folding: Folding) => {
      setUnfolded((old) =>
        folding.kind === 'one'
          ? toggled(old, folding.key)
          : folding.isUnfolded
            ? allFoldKeys(view)
            : NOTHING_UNFOLDED,
      );
    },
    [view],
  );
  useCameraLink(linked, view, layout, applyFolding);
  const fold = useCallback(
    (folding: Folding) => {
      applyFolding(folding);
      linked?.link.folded(linked.side, folding);
    },
    [applyFolding, linked],
  );
  const { onSelectNode, onSelectRange } = props;
  const actions = useMemo(
    () => ({
      select(box: Box) {
        onSelectNode(box.firstNode);
        onSelectRange?.({ label: box.title, firstNode: box.firstNode, lastNode: box.lastNode });
      },
      toggleFold(box: Box) {
        const key = box.foldKey;
        if (!key) return;
        camera.keepInPlace(box.firstNode);
        fold({ kind: 'one', key, node: box.firstNode });
      },
    }),
    [onSelectNode, onSelectRange, fold, camera],
  );

  const minZoom = useStore((state: ReactFlowState) =>
    Math.min(0.2, 0.9 * fitAll(layout.bounds, state.width, state.height, margins).zoom || 0.2),
  );
  const someUnfolded = unfolded.size > 0;
  const cutY = placement.cut === null ? null : (layout.frontierY[placement.cut] ?? null);
  return (
    <div
      ref={rootRef}
      className={`${styles.canvas} graph-canvas`}
      data-compact={compact || undefined}
      data-testid="graph-canvas"
      data-model={view.fileName}
    >
      <BoxActionsContext value={actions}>
        <ReactFlow
          nodes={nodes}
          edges={[]}
          nodeTypes={nodeTypes}
          minZoom={minZoom}
          maxZoom={2.5}
          onlyRenderVisibleElements
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          elementsSelectable={false}
          edgesFocusable={false}
          zoomOnDoubleClick={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          zoomActivationKeyCode={null}
          panActivationKeyCode={null}
          proOptions={{ hideAttribution: true }}
          onPaneClick={(event) => {
            const node = detail ? null : nodeAt(layout, camera.toGraph(event));
            if (node) actions.select(node);
            else onSelectNode(null);
          }}
        >
          {theme && <PaintedLayer scene={scene} theme={theme} detail={detail} />}
          <CutProgress layout={layout} cut={placement.cut} />
          <Overlay
            view={view}
            layout={layout}
            recipe={recipe}
            onRecipe={props.onRecipe}
            compact={compact}
            {...(props.onPreview && { onPreview: props.onPreview })}
            theme={theme}
            {...(props.forecast && { forecast: props.forecast })}
            {...(props.cutCosts && { cutCosts: props.cutCosts })}
            {...(props.nodeMs && { nodeMs: props.nodeMs })}
            isGuess={props.isGuess ?? false}
            {...(props.tiers && { tiers: props.tiers })}
            isReadOnly={props.isReadOnly ?? false}
            {...(props.note !== undefined && { note: props.note })}
            {...(props.problem && { problem: props.problem })}
            {...(props.exitNotes && { exitNotes: props.exitNotes })}
            {...(props.tapNotes && { tapNotes: props.tapNotes })}
            litExits={litExits}
            onUnfold={(key, node) => fold({ kind: 'one', key, node })}
            tools={
              !isBare && (
                <>
                  <ToolbarChips
                    colour={colour}
                    offered={offered}
                    onColour={props.onColour}
                    shown={boxes.filter(({ kind }) => kind !== 'header' && kind !== 'input').length}
                    total={view.nodes.length}
                    unfolded={someUnfolded}
                    onFold={() => {
                      camera.keepInPlace(camera.middleNode());
                      fold({ kind: 'all', isUnfolded: !someUnfolded });
                    }}
                  />
                  {props.tools}
                </>
              )
            }
          />
          {!isBare && (
            <Legend
              colour={colour}
              highest={heat.highest}
              compact={compact}
              help={help}
              chart={placement.cuts.length === 1 ? props.cutCosts?.label : undefined}
              isGuess={props.isGuess ?? false}
            />
          )}
          {!isBare && <ZoomButtons onFit={camera.fit} />}
          {!compact && !isBare && theme && <Overview scene={scene} theme={theme} cutY={cutY} />}
        </ReactFlow>
      </BoxActionsContext>
    </div>
  );
}

/** Costs of all rows and their heat. */
function useHeat(view: GraphView, colour: ColourMode, nodeCosts: NodeCosts, boxes: readonly Box[]) {
  return useMemo(() => {
    const costs = boxes.map((box) => (box.kind === 'header' ? 0 : boxCost(view, box, colour, nodeCosts)));
    const highest = costs.reduce((a, b) => Math.max(a, b), 0);
    return { costs, highest, heats: Float32Array.from(costs, (cost) => heatOf(cost, highest)) };
  }, [view, colour, nodeCosts, boxes]);
}

/** React Flow's nodes: none when seen from afar, where boxes are painted. */
function useFlowNodes(
  detail: boolean,
  scene: Scene & { readonly awayRows: readonly boolean[] },
  costs: readonly number[],
  colour: GraphCanvasProps['colour'],
  shapes: readonly (string | undefined)[] | undefined,
): BoxFlowNode[] {
  const { layout, heats, selectedRow, matchRow, matchRows, awayRows, litRows, rowChanges } = scene;
  const all = useMemo(
    () =>
      layout.boxes.flatMap(({ box, column, x, y, width, height }, row): BoxFlowNode[] => {
        // A folded head is drawn by its exit's tag.
        if (box.kind === 'head') return [];
        const cost = costs[row];
        return [
          {
            id: box.id,
            type: 'box',
            position: { x, y },
            // Known sizes and no handles: React Flow need not measure anything.
            width,
            height,
            measured: { width, height },
            handles: [],
            data: {
              box,
              column,
              costText: cost === undefined ? '' : formatCost(cost, colour),
              heat: heats[row] ?? 0,
              newShape: shapes?.[row],
              selected: row === selectedRow,
              away: awayRows[row] ?? false,
              light: litRows === undefined ? null : (litRows[row] ?? 'none'),
              change: rowChanges?.[row] ?? 'same',
              match: row === matchRow ? 'current' : matchRows.has(row) ? 'other' : null,
            },
          },
        ];
      }),
    [layout, heats, selectedRow, matchRow, matchRows, awayRows, litRows, rowChanges, costs, colour, shapes],
  );
  return detail ? all : NO_NODES;
}

/** A bar inside a folded box that the cut goes through: how much of it lies before. */
function CutProgress({ layout, cut }: { readonly layout: Layout; readonly cut: number | null }) {
  if (cut === null) return null;
  const at = layout.boxes.find(
    ({ box }) => box.kind !== 'header' && box.firstNode <= cut && cut < box.lastNode,
  );
  if (!at) return null;
  const share = (cut - at.box.firstNode + 1) / (at.box.lastNode - at.box.firstNode + 1);
  const transform = `translate(${at.x + 12}px, ${at.y + at.height - 6}px)`;
  return (
    <ViewportPortal>
      <div className={styles.progress} style={{ transform, width: at.width - 24 }}>
        <div style={{ width: `${100 * share}%` }} />
      </div>
    </ViewportPortal>
  );
}

function toggled(keys: ReadonlySet<string>, key: string): ReadonlySet<string> {
  const next = new Set(keys);
  if (!next.delete(key)) next.add(key);
  return next;
}

/** The box at a point, for clicks on painted boxes. */
function nodeAt(layout: Layout, point: { readonly x: number; readonly y: number }): Box | undefined {
  return layout.boxes.find(
    (at) =>
      at.box.lastNode >= at.box.firstNode &&
      at.box.kind !== 'header' &&
      point.x >= at.x &&
      point.x <= at.x + at.width &&
      point.y >= at.y &&
      point.y <= at.y + at.height,
  )?.box;
}
