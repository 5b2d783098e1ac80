import { ok, type Result } from '../base/result.ts';
import type { GateEffect } from '../study/gate-effects.ts';
import { amongOthers, lossOf, type PruneScan, weightsSeen } from '../study/prune-curves.ts';
import type { NodeTimes, PrunePlan } from '../study/prune-plan.ts';
import type { PruneTarget } from '../study/prune-target.ts';
import type { Provider } from '../study/trial.ts';
import { untilChannelsGo } from '../transforms/order-of-effect.ts';
import type { Recipe } from '../transforms/recipe.ts';
import { type GatedRun, type OpenGates, openGates } from './run-gates.ts';
import { timeVariants } from './time-variants.ts';

/** A search for the ratios that groups of channels may lose. */
export interface RatioSearch extends Omit<GatedRun, 'question'> {
  /** Of the recipe's groups. */
  readonly scan: PruneScan;
  readonly target: PruneTarget;
  /** For a target of latency. */
  readonly nodeMs: NodeTimes | null;
  /** Where a target of latency is timed. */
  readonly provider: Provider;
  /** Images that tell what becomes of the answers, none that the search looks at. */
  readonly checkedImages: readonly number[];
}

/** A plan, and what it did to the scores with all its channels out. */
export interface CheckedPlan {
  readonly plan: PrunePlan;
  readonly effect: GateEffect;
  /** Of the model with all its channels, on the same images. */
  readonly whole: GateEffect;
  readonly images: number;
}

/** A plan that was timed beside the model as it is. */
export interface TimedPlan {
  readonly wholeMs: number;
  readonly prunedMs: number;
}

export interface RatiosFound extends CheckedPlan {
  /** For a target of latency: what was measured, for each try; the last is this plan's. */
  readonly tries: readonly TimedPlan[];
}

/** What a search is at. */
export type RatioStep =
  | { readonly kind: 'looking'; readonly share: number }
  | { readonly kind: 'timing'; readonly attempt: number };

/** More plans are hardly better than the best of these. */
const MOST_PLANS = 4;
/** Where the target is corrected, what groups lose among others is nearly known. */
const MOST_PLANS_CORRECTED = 2;
const QUESTIONS_AT_ONCE = 16;
const LATENCY_TOLERANCE = 0.05;
const MOST_TRIES = 3;

type OnProgress = (step: RatioStep, found: RatiosFound | null) => void;

/**
 * Finds ratios that keep a model within a target. The first plan rests on what groups lose alone; then all its channels
 * are taken out at once, and each group is put back alone, which tells what it loses among the others, and the next
 * plan rests on that. Of all plans the one whose scores are best counts, on images that no plan rests on. For a target
 * of latency it is timed beside the whole model; where it misses, the target is corrected.
 * @param onProgress told what it is at, and the best plan so far
 * @param signal cancels at once; what was told stays true
 */
export async function allocateRatios(
  search: RatioSearch,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Result<RatiosFound>> {
  const { before } = untilChannelsGo(search.recipe);
  const question = { channels: true, blocks: [] };
  const opened = await openGates({ ...search, recipe: before, question }, signal);
  if (!opened.ok) return opened;
  try {
    const alone = search.scan.curves.map(() => 1);
    const best = await bestOfPlans(search, opened.value, alone, MOST_PLANS, onProgress);
    if (!best.ok) return best;
    return search.target.kind === 'latency'
      ? await inTime(search, opened.value, best.value, onProgress, signal)
      : ok({ ...best.value.checked, tries: [] });
  } finally {
    opened.value.close();
  }
}

/** A plan, and what it took groups to lose among others. */
interface WeightedPlan {
  readonly checked: CheckedPlan;
  readonly weights: readonly number[];
}

/** @param first what the first plan takes groups to lose among others */
async function bestOfPlans(
  search: RatioSearch,
  gates: OpenGates,
  first: readonly number[],
  most: number,
  onProgress: OnProgress,
): Promise<Result<WeightedPlan>> {
  let weights = first;
  let best: WeightedPlan | null = null;
  const tried = new Set<string>();
  for (let round = 0; ; round++) {
    const tell = (share: number): void =>
      onProgress({ kind: 'looking', share: (round + share) / most }, best && { ...best.checked, tries: [] });
    tell(0);
    const checked = await checkedPlan(search, gates, weights);
    if (!checked.ok) return checked;
    const { plan, effect } = checked.value;
    if (best === null || lossOf(effect) < lossOf(best.checked.effect))
      best = { checked: checked.value, weights };
    const ratios = JSON.stringify(plan.operator.groups);
    // Out of reach of the target all groups lose all they may.
    if (!plan.isReached || tried.has(ratios) || tried.size === most - 1) return ok(best);
    tried.add(ratios);
    const seen = await lookAmongOthers(search, gates, plan, weights, tell);
    if (!seen.ok) return seen;
    weights = seen.value;
  }
}

async function checkedPlan(
  { model, recipe, scan, target, nodeMs, checkedImages }: RatioSearch,
  gates: OpenGates,
  weights: readonly number[],
): Promise<Result<CheckedPlan>> {
  const curves = amongOthers(scan.curves, weights);
  const planned = await model.planPruning(recipe, curves, target, nodeMs);
  if (!planned.ok) return planned;
  const plan = planned.value;
  const settings = await model.plannedGates(recipe, [plan.operator]);
  if (!settings.ok) return settings;
  const seen = await gates.ask(settings.value, () => {}, checkedImages);
  if (!seen.ok) return seen;
  const { whole, settings: effects } = seen.value;
  return ok({ plan, effect: effects[0] ?? whole, whole, images: checkedImages.length });
}

/** The plan whose measured time comes closest to the target, of a few whose expected times are corrected. */
async function inTime(
  search: RatioSearch,
  gates: OpenGates,
  best: WeightedPlan,
  onProgress: OnProgress,
  signal: AbortSignal,
): Promise<Result<RatiosFound>> {
  const { target, recipe } = search;
  const { before } = untilChannelsGo(recipe);
  const whole: Recipe = before.length === 0 ? [{ op: 'identity' }] : before;
  let tries: readonly (TimedPlan & { readonly checked: CheckedPlan })[] = [];
  let { share } = target;
  let { checked, weights } = best;
  for (;;) {
    onProgress({ kind: 'timing', attempt: tries.length }, { ...checked, tries: [] });
    // Corrections make nothing slower.
    const { recalibrate: _none, ...pruned } = checked.plan.operator;
    const timed = await timeVariants(search, [whole, [...before, pruned]], signal);
    if (!timed.ok) return timed;
    const [wholeMs = 0, prunedMs = 0] = timed.value;
    tries = [...tries, { wholeMs, prunedMs, checked }];
    const off = prunedMs / wholeMs / target.share;
    if (Math.abs(off - 1) <= LATENCY_TOLERANCE || tries.length === MOST_TRIES) break;
    share = Math.min(1, share / off);
    const corrected = { ...search, target: { ...target, share } };
    const again = await bestOfPlans(corrected, gates, weights, MOST_PLANS_CORRECTED, onProgress);
    if (!again.ok) return again;
    ({ checked, weights } = again.value);
  }
  const missedBy = ({ wholeMs, prunedMs }: TimedPlan): number =>
    Math.abs(Math.log(prunedMs / wholeMs / target.share));
  const fromFarthest = tries.toSorted((a, b) => missedBy(b) - missedBy(a));
  const closest = fromFarthest.at(-1)?.checked ?? checked;
  const inOrder = [...tries.filter((each) => each.checked !== closest), ...fromFarthest.slice(-1)];
  return ok({ ...closest, tries: inOrder.map(({ wholeMs, prunedMs }) => ({ wholeMs, prunedMs })) });
}

/** What each group that a plan prunes loses among the others, as `weightsSeen`. */
async function lookAmongOthers(
  { model, recipe, scan: { curves } }: RatioSearch,
  gates: OpenGates,
  { operator, unitsLeft }: PrunePlan,
  weights: readonly number[],
  onShare: (share: number) => void,
): Promise<Result<readonly number[]>> {
  const { groups = [] } = operator;
  const pruned = curves.flatMap(({ subject: { at } }, position) =>
    groups.some((group) => group.at === at) ? [{ at, position }] : [],
  );
  const operators = pruned.map(({ at }) => ({
    ...operator,
    groups: groups.filter((group) => group.at !== at),
  }));
  const asked = await model.plannedGates(recipe, [operator, ...operators]);
  if (!asked.ok) return asked;
  const effects: GateEffect[] = [];
  const all = asked.value;
  while (effects.length < all.length) {
    const done = effects.length;
    const some = all.slice(done, done + QUESTIONS_AT_ONCE);
    const seen = await gates.ask(some, (share) => onShare((done + share * some.length) / all.length));
    if (!seen.ok) return seen;
    effects.push(...seen.value.settings);
  }
  const [joint, ...restored] = effects;
  if (joint === undefined) return ok(weights);
  const without = new Map(restored.map((effect, at) => [pruned[at]?.position ?? -1, effect] as const));
  return ok(weightsSeen(curves, weights, unitsLeft, joint, without));
}
