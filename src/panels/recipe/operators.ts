import { unreachable } from '../../base/assert.ts';
import { capitalized, formatBytes, formatShare } from '../../base/units.ts';
import type { GraphView, SkippableRun } from '../../onnx/graph-view.ts';
import { scoresMaps } from '../../study/scores-classes.ts';
import { lastBlocks } from '../../transforms/exits/last-blocks.ts';
import {
  skippedBlocks,
  skippedNodes,
  skipsOf,
  skipsOfExit,
  withSkippedInRun,
} from '../../transforms/exits/skip-placement.ts';
import {
  DEFAULT_EXIT_THRESHOLD,
  placementOf,
  withCut,
  withDynamicExits,
  withFixedExit,
} from '../../transforms/placement.ts';
import { tapPlaces, withTap } from '../../transforms/exits/trained-placement.ts';
import { prepareLabel } from '../../transforms/prepare/prepare-operator.ts';
import {
  type BlockPruneOperator,
  PRUNE_DEFAULTS,
  pruneLabel,
  type PruneOperator,
} from '../../transforms/prune/prune-operator.ts';
import {
  type QuantizeOperator,
  quantizeLabel,
  STATIC_DEFAULTS,
} from '../../transforms/quantize/quantize-operator.ts';
import { stepOf } from '../../transforms/recipe-sequence.ts';
import {
  type Bypass,
  DEFAULT_SKIPPED_BLOCKS,
  type Operator,
  type Recipe,
  type TrainedExitOperator,
} from '../../transforms/recipe.ts';

/** How an operator is called, coloured and offered. */
export interface OperatorKind {
  readonly op: Operator['op'] | 'skip';
  readonly title: string;
  readonly note: string;
  /** CSS colour of its card. */
  readonly colour: string;
  /** The recipe with a sensible first version of the operator. */
  readonly add: (recipe: Recipe, view: GraphView) => Recipe;
  /** Why it cannot be added to this recipe and model; null if it can. */
  readonly refusal: (recipe: Recipe, view: GraphView) => string | null;
}

const onlyOnce = (recipe: Recipe, op: OperatorKind['op']) =>
  recipe.some((operator) => stepOf(operator) === op) ? 'already in the recipe' : null;

/** In the order in which they are offered. */
export const OPERATOR_KINDS: readonly OperatorKind[] = [
  {
    op: 'early-exit',
    title: 'Early exits',
    note: 'stop when an exit is confident',
    colour: 'var(--exit)',
    add: (recipe, view) => {
      const exits = view.exits.map(({ index }) => index);
      const [first] = exits;
      if (first === undefined || exits.length < 2)
        return firstTaps(view).reduce((grown, value) => withTap(grown, view, value), recipe);
      // Nobody can be confident of outputs that are not one score for each class.
      return scoresMaps(view)
        ? withFixedExit(recipe, first)
        : withDynamicExits(recipe, exits, DEFAULT_EXIT_THRESHOLD);
    },
    refusal: (recipe, view) => {
      if (view.exits.length > 1 || firstTaps(view).length > 0) return onlyOnce(recipe, 'early-exit');
      return scoresMaps(view)
        ? 'exits are trained for one score per class only'
        : 'this model gives no place for exits';
    },
  },
  {
    op: 'skip',
    title: 'Skip blocks',
    note: 'leave out repeated blocks, no training',
    colour: 'var(--exit)',
    add: (recipe, view) => {
      const run = runToSkip(view);
      return run
        ? withSkippedInRun(recipe, view, run, Math.min(DEFAULT_SKIPPED_BLOCKS, run.blocks.length))
        : recipe;
    },
    refusal: (recipe, view) =>
      runToSkip(view) ? onlyOnce(recipe, 'skip') : 'no block has equal input and output',
  },
  {
    op: 'quantize',
    title: 'Quantize',
    note: '8-bit integers, 4-bit weights or float16',
    colour: 'var(--good)',
    add: (recipe) => insertBeforeCut(recipe, { op: 'quantize', mode: 'dynamic' }),
    refusal: (recipe) => onlyOnce(recipe, 'quantize'),
  },
  {
    op: 'prepare',
    title: 'Prepare',
    note: 'fold, equalize or convert before quantizing',
    colour: 'var(--good)',
    add: (recipe) => [{ op: 'prepare', kind: 'fold-batch-norm' }, ...recipe],
    refusal: () => null,
  },
  {
    op: 'prune',
    title: 'Prune',
    note: 'weights to zero, channels or blocks away',
    colour: 'var(--accent)',
    // Before quantize, whose integers cannot be ranked any more.
    add: (recipe, view) => {
      const kind = nextPruneKind(recipe, view) ?? 'unstructured';
      return [
        kind === 'block' ? { op: 'prune', kind, blocks: 1 } : { op: 'prune', kind, ratio: 0.5 },
        ...recipe,
      ];
    },
    refusal: (recipe, view) => (nextPruneKind(recipe, view) === null ? 'already in the recipe' : null),
  },
  {
    op: 'partition',
    title: 'Partition',
    note: 'cut into two parts',
    colour: 'var(--cut)',
    add: (recipe, view) => withCut(recipe, view, middleCut(view)),
    refusal: (recipe, view) =>
      middleCut(view) === null ? 'there is no place to cut' : onlyOnce(recipe, 'partition'),
  },
];

/** Weights, channels and blocks can be pruned in one recipe, each once. */
function nextPruneKind(recipe: Recipe, view: GraphView): PruneOperator['kind'] | null {
  const isThere = (kind: PruneOperator['kind']): boolean =>
    recipe.some((operator) => operator.op === 'prune' && operator.kind === kind);
  const kinds: readonly PruneOperator['kind'][] =
    runToSkip(view) === undefined ? ['unstructured', 'structured'] : ['unstructured', 'structured', 'block'];
  return kinds.find((kind) => !isThere(kind)) ?? null;
}

/** Whether a kind of step is offered for a recipe: again where it makes sense again. */
export function isOffered({ op, refusal }: OperatorKind, recipe: Recipe, view: GraphView): boolean {
  if (op === 'prune') return refusal(recipe, view) === null;
  return !recipe.some((operator) => stepOf(operator) === op);
}

/** Values for the first exits of a model that has none: about a third and two thirds through its work. */
function firstTaps(view: GraphView): readonly string[] {
  const places = tapPlaces(view).filter(({ afterNode }) =>
    view.blocks.some(({ lastNode }) => lastNode === afterNode),
  );
  const all = places.length > 0 ? places : tapPlaces(view);
  const nearest = [1 / 3, 2 / 3].flatMap((share) => {
    const off = (afterNode: number): number =>
      Math.abs((view.frontiers[afterNode]?.macsBefore ?? 0) - share * view.totals.macs);
    const [first, ...rest] = all;
    if (!first) return [];
    return rest.reduce((best, next) => (off(next.afterNode) < off(best.afterNode) ? next : best), first)
      .value;
  });
  return [...new Set(nearest)];
}

/** Kind of an operator; none for `identity`, which shows as an empty recipe. */
export function kindOf(operator: Operator): OperatorKind | undefined {
  return OPERATOR_KINDS.find(({ op }) => op === stepOf(operator));
}

/** Exits and cuts stay last, where they have always been placed on the finished weights. */
function insertBeforeCut(recipe: Recipe, operator: Operator): Recipe {
  const cut = recipe.findIndex(({ op }) => op === 'partition' || op === 'early-exit');
  return cut < 0 ? [...recipe, operator] : [...recipe.slice(0, cut), operator, ...recipe.slice(cut)];
}

/** The legal cut nearest to half of the work, with as few values crossing as can be; null if none is legal. */
function middleCut(view: GraphView): number | null {
  const legal = view.frontiers.filter((frontier) => frontier.legal);
  const single = legal.filter((frontier) => frontier.crossing.length === 1);
  const places = single.length > 0 ? single : legal;
  const half = view.totals.macs / 2;
  const distance = (macs: number) => Math.abs(macs - half);
  const [first, ...rest] = places;
  if (!first) return null;
  return rest.reduce(
    (best, next) => (distance(next.macsBefore) < distance(best.macsBefore) ? next : best),
    first,
  ).afterNode;
}

/** One line about an operator with its options. */
export function describeOperator(operator: Operator, recipe: Recipe, view: GraphView): string {
  switch (operator.op) {
    case 'identity':
      return 'the model as it is';
    case 'early-exit':
      if (operator.kind === 'skip') return describeSkip(recipe, view);
      if (operator.kind === 'trained') return describeTrained(operator);
      if (operator.exit !== undefined) {
        const exit = view.exits[operator.exit];
        const share = exit ? ` · ${formatShare(exit.macs / Math.max(1, view.totals.macs))} of the MACs` : '';
        return `always stop at exit ${operator.exit + 1}${share}`;
      }
      return `stop when confident · τ ${[operator.threshold ?? DEFAULT_EXIT_THRESHOLD]
        .flat()
        .map((t) => t.toFixed(2))
        .join(', ')}`;
    case 'quantize':
      return describeQuantize(operator);
    case 'prepare':
      return prepareLabel(operator);
    case 'prune':
      return describePrune(operator, view);
    case 'partition': {
      const { cuts } = placementOf(recipe, view);
      if (cuts.length === 0) return 'at values this model does not have';
      const shares = cuts.map(({ cost }) =>
        Math.round((100 * cost.macsBefore) / Math.max(1, view.totals.macs)),
      );
      const parts = [...shares, 100].map((share, part) => share - (shares[part - 1] ?? 0));
      const bytes = cuts.map(({ cost }) =>
        cost.crossingBytes === null ? 'unknown size' : formatBytes(cost.crossingBytes),
      );
      const how = cuts[0]?.automatic ? `${cuts[0].automatic.replace('-', ' ')} · ` : '';
      return `${how}${parts.join(' | ')} % of the MACs · ${bytes.join(', then ')} cross`;
    }
    default:
      return unreachable(operator);
  }
}

function describeQuantize(operator: QuantizeOperator): string {
  switch (operator.mode) {
    case 'dynamic':
      return `dynamic int8 · ${operator.weights ?? 'u8'} weights${operator.perChannel ? ' · per channel' : ''}`;
    case 'static': {
      const { format, activations, weights, calibration } = { ...STATIC_DEFAULTS, ...operator };
      if (format === 'auto') return `static int8 · in the form that is fastest here · ${calibration}`;
      const form = format === 'qdq' ? 'QDQ' : 'QOperator';
      return `static int8 · ${form} · ${activations} values, ${weights} weights · ${calibration}`;
    }
    case 'mixed':
      return quantizeLabel(operator);
    case 'weight-only':
      return `weights in ${operator.bits} bits, arithmetic in float32`;
    case 'float16':
      return 'half precision inside';
    default:
      return unreachable(operator);
  }
}

function describePrune(operator: PruneOperator, view: GraphView): string {
  if (operator.kind === 'block') return describeBlocks(operator, view);
  const { importance = PRUNE_DEFAULTS.importance, scope = PRUNE_DEFAULTS.scope, protect = [] } = operator;
  const rules = operator.kind === 'structured' ? (operator.groups ?? []) : (operator.layers ?? []);
  const pattern = operator.kind === 'structured' ? undefined : operator.pattern;
  const share = pattern ?? `${Number((100 * (operator.ratio ?? 0)).toFixed(1))} %`;
  const areChannels = operator.kind === 'structured';
  const isOfRules = operator.ratio === 0 && rules.length > 0;
  return [
    isOfRules
      ? `${areChannels ? 'channels' : 'weights'} by ${rules.length} ${rules.length === 1 ? 'share' : 'shares'} of their own`
      : `${share} of the ${areChannels ? 'channels away' : 'weights'}`,
    ...(pattern === undefined && !isOfRules
      ? [scope === 'global' ? 'over the whole model' : 'in each layer']
      : []),
    ...(importance === PRUNE_DEFAULTS.importance ? [] : [importance]),
    ...(rules.length === 0 || isOfRules ? [] : ['some with their own share']),
    ...(protect.length === 0 ? [] : ['some kept whole']),
  ].join(' · ');
}

function describeTrained({ at, exit, threshold }: TrainedExitOperator): string {
  const exits = at.length === 1 ? '1 trained exit' : `${at.length} trained exits`;
  if (exit !== undefined) return `${exits} · always stop at exit ${exit + 1}`;
  if (threshold === undefined) return `${exits} · all run, none stops`;
  const thresholds = typeof threshold === 'number' ? [threshold] : threshold;
  return `${exits} · τ ${thresholds.map((each) => each.toFixed(2)).join(', ')}`;
}

function describeBlocks(operator: BlockPruneOperator, view: GraphView): string {
  const what = capitalized(pruneLabel(operator).replace('prune ', ''));
  if (typeof operator.blocks === 'number') return `${what}: which is not found out yet`;
  return `${what} · ${shareLeftOut(view, skipsOf([operator], view).skips)} of the MACs`;
}

function shareLeftOut(view: GraphView, skips: readonly Bypass[]): string {
  const nodes = skippedNodes(view, skips);
  const macs = view.nodes.reduce((sum, node) => sum + (nodes.has(node.index) ? node.macs : 0), 0);
  return formatShare(macs / Math.max(1, view.totals.macs));
}

function describeSkip(recipe: Recipe, view: GraphView): string {
  const { skips } = skipsOfExit(recipe, view);
  if (skips.length === 0) return 'blocks this model does not have';
  const nodes = skippedNodes(view, skips);
  const count = skippedBlocks(recipe, view).size;
  const what = count === 0 ? `${nodes.size} nodes` : count === 1 ? '1 block' : `${count} blocks`;
  return `${what} · ${shareLeftOut(view, skips)} of the MACs`;
}

/** The run whose last blocks are offered first: the one that an automatic skip takes. */
function runToSkip(view: GraphView): SkippableRun | undefined {
  const runs = view.skippable ?? [];
  const last = (lastBlocks(runs, DEFAULT_SKIPPED_BLOCKS) ?? lastBlocks(runs, 1))?.at(-1);
  return last && runs.find(({ blocks }) => blocks.includes(last));
}
