import type { GraphView } from '../onnx/graph-view.ts';
import type { TierModel } from '../transforms/cuts/resolve-cut.ts';
import { lastBlocks } from '../transforms/exits/last-blocks.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import { tapPlaces } from '../transforms/exits/trained-placement.ts';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import { withAutomaticCut } from '../transforms/placement.ts';
import {
  DEFAULT_SKIPPED_BLOCKS,
  type NamedRecipe,
  type Operator,
  type Recipe,
  type TrainedExitOperator,
} from '../transforms/recipe.ts';

/** Strategies that belong together, to be added at once. */
export interface StrategySet {
  readonly id: string;
  readonly title: string;
  /** What is compared, in one sentence. */
  readonly note: string;
  readonly strategies: readonly NamedRecipe[];
  /** What belongs to the set and this model cannot give. */
  readonly leftOut: readonly LeftOut[];
}

export interface LeftOut {
  readonly name: string;
  readonly reason: string;
}

/** One way to exit early on a model, or why there is none. */
export type Exit =
  | { readonly kind: 'confidence' | 'skip'; readonly step: Operator; readonly how: string }
  | { readonly kind: 'none'; readonly reason: string };

/** Confidences to stop at, from eager to careful; the last is the one that combinations use: int8 costs confidence too. */
const thresholds = [0.5, 0.7, 0.9] as const;
const mainThreshold = 0.9;
/** Numbers of last blocks to leave out; combinations use Singh et al.'s. */
const skipCounts = [1, 2, 3, 4] as const;
const pruneRatio = 0.5;

const identity: Operator = { op: 'identity' };
const quantize: Operator = { op: 'quantize', mode: 'dynamic' };
/** The papers quantize statically: ranges are calibrated on images. */
const quantizeStatic: Operator = { op: 'quantize', mode: 'static' };
const prune = { op: 'prune', kind: 'unstructured', ratio: pruneRatio } as const satisfies Operator;
const cut: Operator = { op: 'partition', cut: 'equal-size' };

/**
 * The sets that suit a model, named by the letters of the papers: Q quantized, E early exit, P partition. E stops at
 * exits that the model has, else at those trained on this device, else leaves out repeated blocks; P cuts at a
 * place chosen for the model anew. Whether a recipe can be applied is for the model worker's `check` to say.
 * @param trained the trained exits whose heads are there
 * @param tiers for the fastest cut: what differs from the defaults; with a tier in the middle it is cut twice
 * @source Singh et al.: identity, quantized, early exit (two blocks skipped), QE, partition, QEP
 */
export function strategySets(
  view: GraphView,
  trained: Pick<TrainedExitOperator, 'at' | 'seed'> | null = null,
  tiers: Partial<TierModel> = {},
): readonly StrategySet[] {
  const [exit, skip] = [mainExit(view, trained), skipExit(view)];
  const exits = exitSet(view, trained, exit);
  const cuts = cutSet(tiers);
  const combinations = [
    combination('qe', 'QE', 'Quantized with early exits, beside each alone.', exit, ['Q', 'E', 'QE']),
    combination('qep', 'QEP', 'Quantized, early exits and a cut, beside their parts.', exit, [
      'Q',
      'E',
      'P',
      'QE',
      'EP',
      'QP',
      'QEP',
    ]),
    combination('pruned-e', 'Pruned + E', 'Pruned with early exits, beside each alone.', exit, [
      'pruned',
      'E',
      'pruned+E',
    ]),
  ];
  const papers = combination(
    'papers',
    'Black-box study',
    'As the papers compare: E leaves out the last two equal blocks, P cuts into parts of equal size.',
    // What belongs to the papers' set and is not possible here has the nearest thing in its place.
    skip.kind === 'none' ? exit : skip,
    ['Q', 'E', 'QE', 'P', 'QEP'],
    // E has another meaning than in the other sets.
    {
      suffix: skip.kind === 'skip' && exit.kind === 'confidence' ? ' skip 2' : '',
      quantizing: quantizeStatic,
    },
  );
  const replaced =
    skip.kind === 'none' && exit.kind !== 'none'
      ? [
          {
            name: 'E by skipping',
            reason: `there are no identical blocks to skip; E is ${exit.how} instead`,
          },
        ]
      : [];
  const single = [exits, cuts, quantizedSet(), prunedSet(), ...combinations];
  return [
    ...single,
    {
      id: 'all',
      title: 'All of them',
      note: 'Everything above.',
      strategies: distinct(single.flatMap(({ strategies }) => strategies)),
      leftOut: distinctReasons(single.flatMap(({ leftOut }) => leftOut)),
    },
    { ...papers, leftOut: [...replaced, ...papers.leftOut] },
    recoveredSet(),
  ];
}

/** The recipe in the form that tells whether it is the same as another one. */
function recipeKey(recipe: Recipe): string {
  return JSON.stringify(normaliseRecipe(recipe));
}

function distinct(strategies: readonly NamedRecipe[]): readonly NamedRecipe[] {
  const byRecipe = new Map<string, NamedRecipe>();
  for (const strategy of strategies) {
    const key = recipeKey(strategy.recipe);
    if (!byRecipe.has(key)) byRecipe.set(key, strategy);
  }
  return [...byRecipe.values()];
}

function distinctReasons(leftOut: readonly LeftOut[]): readonly LeftOut[] {
  return [...new Map(leftOut.map((each) => [`${each.name} ${each.reason}`, each])).values()];
}

/** The trained exits that are there, in order of the graph; null if there are none. */
export function trainedOn(
  view: GraphView,
  heads: readonly TrainedHead[],
): { readonly at: readonly string[]; readonly seed: number } | null {
  // Those of the unchanged model stand in wherever others are missing.
  const unchanged = heads.filter(({ backbone }) => backbone === undefined);
  const seed = unchanged[0]?.seed;
  if (seed === undefined) return null;
  const trained = new Set(unchanged.flatMap((head) => (head.seed === seed ? [head.value] : [])));
  const places = tapPlaces(view).flatMap(({ value }) => (trained.delete(value) ? [value as string] : []));
  return { at: [...places, ...trained], seed };
}

/** The exit that combinations use: by confidence if the model has exits or they were trained, else skipped blocks. */
export function mainExit(view: GraphView, trained: Pick<TrainedExitOperator, 'at' | 'seed'> | null): Exit {
  if (view.exits.length > 1) {
    const step: Operator = { op: 'early-exit', kind: 'existing', threshold: mainThreshold };
    return { kind: 'confidence', step, how: `by confidence, τ ${mainThreshold}` };
  }
  if (trained !== null) {
    const step: Operator = { op: 'early-exit', kind: 'trained', ...trained, threshold: mainThreshold };
    return { kind: 'confidence', step, how: `by trained exits, τ ${mainThreshold}` };
  }
  return skipExit(view);
}

/** The last two equal blocks left out; a single one where there are no more. */
export function skipExit(view: GraphView): Exit {
  const runs = view.skippable ?? [];
  const blocks = [DEFAULT_SKIPPED_BLOCKS, 1].find((count) => lastBlocks(runs, count) !== null);
  if (blocks === undefined) {
    const reason = 'there are no identical blocks to skip; train an exit first (Early exits in the recipe)';
    return { kind: 'none', reason };
  }
  return { kind: 'skip', step: { op: 'early-exit', kind: 'skip', blocks }, how: `by skipping ${blocks}` };
}

function exitSet(
  view: GraphView,
  trained: Pick<TrainedExitOperator, 'at' | 'seed'> | null,
  exit: Exit,
): StrategySet {
  const strategies: NamedRecipe[] = [{ name: 'identity', recipe: [identity] }];
  const leftOut: LeftOut[] = [];
  const add = (what: string, step: Operator): void => {
    const isMain = exit.kind !== 'none' && recipeKey([exit.step]) === recipeKey([step]);
    strategies.push({ name: isMain ? 'E' : `E ${what}`, recipe: [step] });
  };
  if (view.exits.length > 1) {
    for (const { index } of view.exits.slice(0, -1))
      add(`exit ${index + 1}`, { op: 'early-exit', kind: 'existing', exit: index });
    for (const threshold of thresholds)
      add(`τ ${threshold.toFixed(2)}`, { op: 'early-exit', kind: 'existing', threshold });
  } else if (trained !== null) {
    for (const exitIndex of trained.at.keys())
      add(`trained ${exitIndex + 1}`, { op: 'early-exit', kind: 'trained', ...trained, exit: exitIndex });
    for (const threshold of thresholds)
      add(`trained τ ${threshold.toFixed(2)}`, { op: 'early-exit', kind: 'trained', ...trained, threshold });
  }
  if (view.exits.length === 1 && trained === null)
    leftOut.push({ name: 'E by confidence', reason: 'the model has one output and no trained exit' });
  for (const blocks of skipCounts) {
    if (lastBlocks(view.skippable ?? [], blocks) !== null)
      add(`skip ${blocks}`, { op: 'early-exit', kind: 'skip', blocks });
  }
  if (lastBlocks(view.skippable ?? [], 1) === null)
    leftOut.push({ name: 'E by skipping', reason: 'there are no identical blocks to skip' });
  return {
    id: 'exits',
    title: 'Early exits',
    note: 'E: every way this model can stop early.',
    strategies: distinct(strategies),
    leftOut,
  };
}

function cutSet(tiers: Partial<TierModel>): StrategySet {
  return {
    id: 'partition',
    title: 'Partition',
    note: 'P: two parts, cut where the lab finds it best.',
    strategies: [
      { name: 'identity', recipe: [identity] },
      { name: 'P', recipe: [cut] },
      { name: 'P fewest bytes', recipe: [{ op: 'partition', cut: 'fewest-bytes' }] },
      {
        name: 'P fastest',
        recipe: withAutomaticCut([], 'fastest', tiers, tiers.middleSpeed === undefined ? 1 : 2),
      },
    ],
    leftOut: [],
  };
}

function quantizedSet(): StrategySet {
  const ways: readonly NamedRecipe[] = [
    { name: 'Q dynamic', recipe: [quantize] },
    { name: 'Q static', recipe: [quantizeStatic] },
    { name: 'Q static QOperator', recipe: [{ op: 'quantize', mode: 'static', format: 'qoperator' }] },
    { name: 'Q 8-bit weights', recipe: [{ op: 'quantize', mode: 'weight-only', bits: 8 }] },
    { name: 'Q 4-bit weights', recipe: [{ op: 'quantize', mode: 'weight-only', bits: 4 }] },
    { name: 'Q float16', recipe: [{ op: 'quantize', mode: 'float16' }] },
  ];
  return {
    id: 'quantized',
    title: 'Ways to quantize',
    note: 'Q: every precision, beside the unchanged model.',
    strategies: [{ name: 'identity', recipe: [identity] }, ...ways],
    leftOut: [],
  };
}

/** The sparsities that papers compare, in zeros and in channels. */
function prunedSet(): StrategySet {
  const percent = (ratio: number): string => `${100 * ratio} %`;
  const zeros = ([0.25, 0.5, 0.75] as const).map((ratio): NamedRecipe => {
    const recipe: Recipe = [{ ...prune, ratio }];
    return { name: ratio === pruneRatio ? 'pruned' : `pruned ${percent(ratio)}`, recipe };
  });
  const channels = ([0.25, 0.5, 0.75] as const).map(
    (ratio): NamedRecipe => ({
      name: `pruned channels ${percent(ratio)}`,
      recipe: [{ op: 'prune', kind: 'structured', ratio }],
    }),
  );
  return {
    id: 'pruned',
    title: 'Ways to prune',
    note: 'pruned: zeros, which latency ignores, and channels away, which it does not.',
    strategies: [
      { name: 'identity', recipe: [identity] },
      ...zeros,
      { name: 'pruned 2:4', recipe: [{ op: 'prune', kind: 'unstructured', pattern: '2:4' }] },
      ...channels,
      { name: 'pruned+Q', recipe: [prune, quantize] },
    ],
    leftOut: [],
  };
}

/** One pruning, with and without what makes up for it. */
function recoveredSet(): StrategySet {
  const channels = { op: 'prune', kind: 'structured', ratio: pruneRatio } as const satisfies Operator;
  return {
    id: 'recovered',
    title: 'What recalibrating recovers',
    note: 'Half of the channels away, as it is and corrected on images: biases, batch-norm statistics, both.',
    strategies: [
      { name: 'identity', recipe: [identity] },
      { name: 'pruned channels', recipe: [channels] },
      { name: 'pruned channels, bias', recipe: [{ ...channels, recalibrate: ['bias'] }] },
      { name: 'pruned channels, batch-norm', recipe: [{ ...channels, recalibrate: ['batch-norm'] }] },
      { name: 'pruned channels, both', recipe: [{ ...channels, recalibrate: ['batch-norm', 'bias'] }] },
      {
        name: 'pruned channels Wanda, batch-norm',
        recipe: [{ ...channels, importance: 'wanda', recalibrate: ['batch-norm'] }],
      },
    ],
    leftOut: [],
  };
}

type Combination = 'Q' | 'E' | 'P' | 'QE' | 'EP' | 'QP' | 'QEP' | 'pruned' | 'pruned+E';

/** The unchanged model and these combinations; those with E are left out where there is no exit. */
function combination(
  id: string,
  title: string,
  note: string,
  exit: Exit,
  names: readonly Combination[],
  { suffix = '', quantizing = quantize }: { readonly suffix?: string; readonly quantizing?: Operator } = {},
): StrategySet {
  const strategies: NamedRecipe[] = [{ name: 'identity', recipe: [identity] }];
  const leftOut: LeftOut[] = [];
  for (const name of names) {
    const exits = name.includes('E');
    if (exits && exit.kind === 'none') {
      leftOut.push({ name, reason: exit.reason });
      continue;
    }
    const recipe = [
      ...(name.startsWith('pruned') ? [prune] : []),
      ...(name.startsWith('Q') ? [quantizing] : []),
      ...(exits && exit.kind !== 'none' ? [exit.step] : []),
      ...(name.endsWith('P') ? [cut] : []),
    ];
    strategies.push({ name: exits ? name + suffix : name, recipe });
  }
  return { id, title, note, strategies, leftOut };
}
