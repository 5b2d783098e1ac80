import type { GraphView } from '../../onnx/graph-view.ts';
import type { ValueName } from '../../onnx/model.ts';
import type { AutomaticCut, CutNames, PartitionOperator } from '../recipe.ts';
import { type CutGraph, type CutScope, cutGraphOfView } from './cut-graph.ts';
import {
  costOfFrontier,
  crossingNames,
  type FrontierCost,
  frontierOfValues,
  isNested,
  type UnitsBefore,
} from './frontier.ts';
import {
  AUTOMATIC_CUTS,
  type CutPrediction,
  type CutWish,
  cutWishOf,
  measuredTimesOf,
  namedCutsOf,
  resolveCuts,
} from './resolve-cut.ts';

/** A cut where it lies on the graph of the page. */
export interface PlacedCut {
  /** What `before` is of. */
  readonly graph: CutGraph;
  readonly crossing: readonly ValueName[];
  readonly before: UnitsBefore;
  /** Its line is drawn after this topological position: as few units as can be are on the wrong side of it. */
  readonly afterNode: number;
  /** False if branches are pulled further up or down than the line. */
  readonly isStraight: boolean;
  readonly cost: FrontierCost;
  /** Set if the lab chose the place. */
  readonly automatic: AutomaticCut | null;
  readonly prediction: CutPrediction | null;
}

/**
 * Where the cuts of an operator lie on a graph, in order.
 * @throws never: what does not fit is told in `problems`
 */
export function placeCuts(
  view: GraphView,
  operator: PartitionOperator,
  scope: CutScope,
): { readonly cuts: readonly PlacedCut[]; readonly problems: readonly string[] } {
  const graph = cutGraphFor(view, scope);
  const wish = cutWishOf(operator);
  if (wish !== null) return placeAutomatic(graph, wish, operator, view.nodes.length);
  const problems: string[] = [];
  const cuts = namedCutsOf(operator).flatMap((names): PlacedCut[] => {
    const found = frontierOfValues(graph, names);
    const listed = names.join(', ');
    switch (found.kind) {
      case 'frontier':
        return [placedCut(graph, found.before, null, null)];
      case 'incomplete':
        problems.push(
          `No place of this graph is crossed by exactly ${listed}: ${found.missing.join(', ')} would cross, too.`,
        );
        return [];
      case 'unknown': {
        // Still shown where it would be without exits and skipped blocks.
        const whole = cutGraphFor(view, {});
        const place = frontierOfValues(whole, names);
        if (place.kind !== 'frontier')
          problems.push(`No place of this graph is crossed by exactly ${listed}.`);
        else
          problems.push(
            `The cut at ${listed} lies behind the exit where inference stops, or in what is skipped.`,
          );
        return place.kind === 'frontier' ? [placedCut(whole, place.before, null, null)] : [];
      }
      case 'empty':
        problems.push(`Nothing is left ${found.side} the cut at ${listed}.`);
        return [];
    }
  });
  const [first, second] = cuts;
  if (first && second && first.graph === second.graph && !isNested(first.before, second.before))
    problems.push('The second cut must lie behind the first.');
  return { cuts, problems };
}

/** A frontier as a cut on the graph. */
export function placedCut(
  graph: CutGraph,
  before: UnitsBefore,
  automatic: AutomaticCut | null,
  prediction: CutPrediction | null,
): PlacedCut {
  // As the line moves down over a unit, it gets that one right or wrong.
  let wrong = before.reduce((sum, each) => sum + each, 0);
  let [leastWrong, lineUnit] = [wrong, -1];
  before.forEach((isBefore, unit) => {
    wrong += isBefore === 1 ? -1 : 1;
    if (wrong > leastWrong) return;
    [leastWrong, lineUnit] = [wrong, unit];
  });
  // Down to the next unit: the heads of exits between belong to what is before them.
  const next = graph.units[lineUnit + 1]?.nodes[0] ?? 1;
  return {
    graph,
    crossing: crossingNames(graph, before),
    before,
    afterNode: Math.max(0, next - 1),
    isStraight: leastWrong === 0,
    cost: costOfFrontier(graph, before),
    automatic,
    prediction,
  };
}

/** Whether a value is a tensor: nothing else can be sent. */
export function canCross(view: GraphView, name: ValueName): boolean {
  return !NOT_TENSORS.has(view.values.get(name)?.dataType ?? '');
}

const NOT_TENSORS: ReadonlySet<string> = new Set(['sequence', 'map', 'opaque', 'sparse tensor', 'optional']);

/** A cut as a recipe writes it. */
export function cutNames(crossing: readonly string[]): CutNames {
  const [only, ...others] = crossing;
  const isPlain = only !== undefined && others.length === 0 && !AUTOMATIC_CUTS.some((kind) => kind === only);
  return isPlain ? only : crossing;
}

const graphs = new WeakMap<GraphView, Map<string, CutGraph>>();

/** The view's graph for cutting, made once for each scope. */
export function cutGraphFor(view: GraphView, scope: CutScope): CutGraph {
  const known = graphs.get(view) ?? new Map<string, CutGraph>();
  graphs.set(view, known);
  const key = JSON.stringify(scope);
  const graph = known.get(key) ?? cutGraphOfView(view, scope);
  known.set(key, graph);
  return graph;
}

const automaticCuts = new WeakMap<CutGraph, Map<string, readonly PlacedCut[] | string>>();

/** Remembered, for the page asks at every change of the recipe. */
function placeAutomatic(
  graph: CutGraph,
  wish: CutWish,
  operator: PartitionOperator,
  nodeCount: number,
): { readonly cuts: readonly PlacedCut[]; readonly problems: readonly string[] } {
  const known = automaticCuts.get(graph) ?? new Map<string, readonly PlacedCut[] | string>();
  automaticCuts.set(graph, known);
  const key = JSON.stringify(wish);
  let placed = known.get(key);
  if (placed === undefined) {
    try {
      const { cuts, prediction } = resolveCuts(graph, wish, measuredTimesOf(operator, nodeCount));
      placed = cuts.map(({ before }) => placedCut(graph, before, wish.kind, prediction));
    } catch (thrown) {
      placed = thrown instanceof Error ? thrown.message : String(thrown);
    }
    known.set(key, placed);
  }
  return typeof placed === 'string' ? { cuts: [], problems: [placed] } : { cuts: placed, problems: [] };
}
