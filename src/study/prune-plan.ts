import { defined } from '../base/assert.ts';
import type { NodeCost } from '../onnx/cost.ts';
import type { AnalysedModel } from '../transforms/analyse-model.ts';
import { chooseUnits } from '../transforms/prune/channels/choose-units.ts';
import { planGroups } from '../transforms/prune/channels/group-plans.ts';
import { costsWithout } from '../transforms/prune/channels/remove-channels.ts';
import type { StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';
import { allocate } from './prune-allocation.ts';
import { PruneCosts, type Priced } from './prune-costs.ts';
import {
  leastUnitsKnown,
  lossAt,
  type PruneCurve,
  type PrunedCosts,
  type PruneQuestion,
  SCANNED_RATIOS,
} from './prune-curves.ts';
import { type PruneSubjects, ratiosInRecipe, ratioThatRemoves } from './prune-subjects.ts';
import type { PruneTarget } from './prune-target.ts';

/** What a model costs without some channels, as told from its groups. */
export interface PlanCosts {
  readonly macs: number;
  readonly params: number;
  readonly bytes: number;
  /** From the times of its nodes; null where they are not known. */
  readonly ms: number | null;
}

/** Ratios for all groups that keep within a target with the least loss expected. */
export interface PrunePlan {
  readonly operator: StructuredPruneOperator;
  /** By subject, in the order of the curves. */
  readonly unitsLeft: readonly number[];
  readonly left: PlanCosts;
  readonly whole: PlanCosts;
  /** Sum of the curves' losses, see `lossOf`. */
  readonly loss: number;
  /** False: this is as far as the curves go. */
  readonly isReached: boolean;
}

/** Milliseconds of nodes of the whole model, by the value that each makes first. */
export type NodeTimes = ReadonlyMap<string, number>;

/** Levels of a subject are told apart in so many steps at most. */
const MOST_LEVELS = 32;

/**
 * All that a scan asks: each subject at each ratio that makes a difference, the ratios that tell most first.
 * @returns also what the whole model costs
 */
export function pruneQuestions(
  analysed: AnalysedModel,
  found: PruneSubjects,
): { readonly questions: readonly PruneQuestion[]; readonly whole: PrunedCosts } {
  const { subjects, unitsLeft } = found;
  const ratios = subjects.map(() => [0, ...SCANNED_RATIOS]);
  const macs = new PruneCosts(analysed, found, ratios, (_, left) => left.macs);
  const params = new PruneCosts(analysed, found, ratios, (_, left) => left.params);
  const whole = subjects.map(() => 0);
  const [allMacs, allParams] = [macs.total(whole), params.total(whole)];
  const asked = new Set<string>();
  const questions = SCANNED_RATIOS.flatMap((ratio, at) =>
    subjects.flatMap(({ unitCount }, subject) => {
      const left = unitsLeft(subject, ratio);
      const key = `${subject} ${left}`;
      if (left === unitCount || asked.has(key)) return [];
      asked.add(key);
      return [
        {
          subject,
          ratio,
          unitsLeft: left,
          macs: allMacs + macs.change(whole, subject, at + 1),
          params: allParams + params.change(whole, subject, at + 1),
        },
      ];
    }),
  );
  return { questions, whole: { macs: allMacs, params: allParams } };
}

/**
 * Finds how much each group may lose so that the model keeps within a target and least is lost of its answers: losses
 * of groups are taken to add up (`amongOthers` makes curves for which that is nearly so), costs are those that the
 * groups together leave.
 * @param curves what is known of subjects, by what recipes call them; the others stay whole
 * @param nodeMs for `latency`: a node takes its share of what it computes less, one without MACs of what it writes
 */
export function planPruning(
  analysed: AnalysedModel,
  found: PruneSubjects,
  operator: StructuredPruneOperator,
  curves: readonly PruneCurve[],
  target: PruneTarget,
  nodeMs: NodeTimes | null,
): PrunePlan {
  const { subjects } = found;
  const known = new Map(curves.map((curve) => [curve.subject.at, curve]));
  const levels = subjects.map((subject, at) => levelsOf(found, at, known.get(subject.at)));
  const losses = levels.map((own, at) => {
    const curve = known.get(subjects[at]?.at ?? '');
    return own.map(({ unitsLeft }) => (curve === undefined ? 0 : lossAt(curve, unitsLeft)));
  });
  const ratios = levels.map((own) => own.map(({ ratio }) => ratio));
  const priced = pricedAs(target.kind, analysed, nodeMs);
  const costs = new PruneCosts(analysed, found, ratios, priced);
  const whole = costs.total(subjects.map(() => 0));
  const { levels: chosen, loss, isReached } = allocate(losses, costs, whole * target.share);
  const unitsLeft = chosen.map((level, at) => defined(levels[at]?.[level], 'level').unitsLeft);
  const removed = subjects.map(({ unitCount }, at) => unitCount - (unitsLeft[at] as number));
  const { groups: _before, scope: _scope, ...rest } = operator;
  const planned = { ...rest, ratio: 0, groups: ratiosInRecipe(subjects, removed) };
  return {
    operator: planned,
    unitsLeft,
    left: costsLeft(analysed, found, planned, nodeMs),
    whole: sumOf(analysed, analysed.costs, nodeMs),
    loss,
    isReached,
  };
}

interface Level {
  readonly ratio: number;
  readonly unitsLeft: number;
}

/** From all units on, to the fewest that something is known of. */
function levelsOf(
  { subjects, unitsLeft }: PruneSubjects,
  subject: number,
  curve: PruneCurve | undefined,
): readonly Level[] {
  const { unitCount } = defined(subjects[subject], `subject ${subject}`);
  const levels: Level[] = [{ ratio: 0, unitsLeft: unitCount }];
  if (curve === undefined) return levels;
  const most = unitCount - leastUnitsKnown(curve);
  const steps = Math.min(MOST_LEVELS, most);
  for (let step = 1; step <= steps; step++) {
    const ratio = ratioThatRemoves(Math.round((most * step) / steps), unitCount);
    const left = unitsLeft(subject, ratio);
    // In multiples several ratios come to the same.
    if (left < (levels.at(-1)?.unitsLeft ?? 0) && left >= unitCount - most)
      levels.push({ ratio, unitsLeft: left });
  }
  return levels;
}

function pricedAs(kind: PruneTarget['kind'], analysed: AnalysedModel, nodeMs: NodeTimes | null): Priced {
  switch (kind) {
    case 'macs':
      return (_, { macs }) => macs;
    case 'params':
      return (_, { params }) => params;
    case 'bytes':
      return (_, { weightBytes }) => weightBytes;
    case 'latency':
      return (node, left, whole) => nodeTime(analysed, node, nodeMs ?? new Map()) * workLeft(left, whole);
    default:
      return kind satisfies never;
  }
}

function nodeTime({ model }: AnalysedModel, node: number, nodeMs: NodeTimes): number {
  return nodeMs.get(model.graph.nodes[node]?.outputs[0] ?? '') ?? 0;
}

/** The share of a node's time that is left. */
function workLeft(left: NodeCost, whole: NodeCost): number {
  if (whole.macs > 0) return left.macs / whole.macs;
  return whole.activationBytes > 0 ? left.activationBytes / whole.activationBytes : 1;
}

function costsLeft(
  analysed: AnalysedModel,
  found: PruneSubjects,
  operator: StructuredPruneOperator,
  nodeMs: NodeTimes | null,
): PlanCosts {
  const kept = unitsKept(analysed, found, operator);
  return sumOf(analysed, costsWithout(analysed, found.groups, kept), nodeMs);
}

/** Which units an operator leaves in one step, by unit of all groups. */
export function unitsKept(
  analysed: AnalysedModel,
  { groups, scores }: Pick<PruneSubjects, 'groups' | 'scores'>,
  operator: StructuredPruneOperator,
): Uint8Array {
  const { plans } = planGroups(analysed, groups, operator);
  return chooseUnits(groups, plans, scores, operator.ratio);
}

function sumOf(analysed: AnalysedModel, costs: readonly NodeCost[], nodeMs: NodeTimes | null): PlanCosts {
  let [macs, params, bytes, ms] = [0, 0, 0, 0];
  costs.forEach((cost, node) => {
    macs += cost.macs;
    params += cost.params;
    bytes += cost.weightBytes;
    if (nodeMs === null) return;
    ms += nodeTime(analysed, node, nodeMs) * workLeft(cost, defined(analysed.costs[node], `node ${node}`));
  });
  return { macs, params, bytes, ms: nodeMs === null ? null : ms };
}
