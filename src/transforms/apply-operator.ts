import { unreachable } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import { type ValueName, valueName } from '../onnx/model.ts';
import { type AnalysedModel, analyseEdited } from './analyse-model.ts';
import { namedCutsOf } from './cuts/resolve-cut.ts';
import type { Draft } from './draft.ts';
import { backboneKey } from './exits/backbone.ts';
import { existingStops } from './exits/existing-exits.ts';
import { type LeavesBlocksOut, skipBlocks, type SkippedModel } from './exits/skip-blocks.ts';
import { withTrainedHeads } from './exits/trained-exits.ts';
import type { Heads } from './exits/trained-head.ts';
import { nodesBetween, subModel } from './extract.ts';
import { leavesBlocksOut, removesChannels } from './order-of-effect.ts';
import { prepareModel } from './prepare/prepare-model.ts';
import type { PrepareOperator } from './prepare/prepare-operator.ts';
import { pruneChannels, type SeenOnImages } from './prune/channels/prune-channels.ts';
import { isIdlePrune } from './prune/idle-prune.ts';
import type { BlockPruneOperator, PruneOperator } from './prune/prune-operator.ts';
import { type Statistics, statisticsNeededBy } from './prune/statistics/channel-statistics.ts';
import { planSparsity, pruneWeights } from './prune/unstructured.ts';
import { checkQuantizable } from './quantize/quantize-model.ts';
import { opsetProblem } from './quantize/raise-opset.ts';
import type { ExistingExitOperator, Operator, Recipe, TrainedExitOperator } from './recipe.ts';

/** What an operator's effect depends on besides the draft. */
export interface Surroundings {
  /** As it was written. */
  readonly recipe: Recipe;
  /** What of it took effect before. */
  readonly before: Recipe;
  /** `check`: only whether it fits, so weights are neither read nor changed. */
  readonly purpose: 'check' | 'build';
  /** What trained exits need. */
  readonly heads: Heads;
  /** What pruning on images needs. */
  readonly statistics: Statistics;
}

/**
 * One operator's effect, as far as it is possible on the whole model.
 * @throws InputError with the reason if it does not fit
 */
export function applyOperator(draft: Draft, operator: Operator, around: Surroundings): Draft {
  switch (operator.op) {
    case 'identity':
      return draft;
    case 'early-exit':
      switch (operator.kind) {
        case 'skip':
          return withoutBlocks(draft, operator, around.recipe);
        case 'trained':
          return withTrainedExits(draft, operator, around);
        case 'existing':
          return withExits(draft, operator);
        default:
          return unreachable(operator);
      }
    case 'partition':
      if (operator.transfer === 'uint8') checkOpset(draft.analysed);
      return { ...draft, partition: operator };
    case 'prune':
      if (operator.kind === 'block') return withoutBlocks(draft, operator, around.recipe);
      return pruned(draft, operator, around);
    case 'prepare':
      return prepared(draft, operator, around);
    case 'quantize':
      checkQuantizable(draft.analysed.model, operator);
      return { ...draft, quantize: operator };
    default:
      return unreachable(operator);
  }
}

/** All blocks go with the first operator that names some: each is named as in the whole model. */
function withoutBlocks(draft: Draft, operator: LeavesBlocksOut, recipe: Recipe): Draft {
  const operators = recipe.filter(leavesBlocksOut);
  if (operator !== operators[0]) return draft;
  const skipped = skipBlocks(draft.analysed, ...operators);
  checkTapsRemain(skipped, draft.taps);
  return { ...draft, analysed: skipped.analysed, standIns: skipped.standIns };
}

function withTrainedExits(
  draft: Draft,
  operator: TrainedExitOperator,
  { recipe, purpose, heads }: Surroundings,
): Draft {
  for (const value of operator.at) {
    const standIn = draft.standIns.get(valueName(value));
    if (standIn !== undefined) throw exitInSkipped(value, standIn);
  }
  const { analysed, taps, stopping } = withTrainedHeads(draft.analysed, operator, heads, {
    backbone: backboneKey(recipe),
    keepsWidths: !recipe.some(removesChannels),
    areWidthsGuessed: purpose === 'check' && recipe.some(removesChannels),
  });
  const trained = { ...draft, analysed, taps };
  if (stopping === null) return trained;
  const { confidence, form } = operator;
  return withExits(trained, {
    ...stopping,
    ...(confidence !== undefined && { confidence }),
    ...(form !== undefined && { form }),
  });
}

function withExits(draft: Draft, operator: ExistingExitOperator): Draft {
  const { analysed } = draft;
  const stops = existingStops(analysed, operator);
  const outputs = stops.map(({ output }) => output);
  const nodes = nodesBetween(analysed.index, new Set(), outputs);
  const used = new Set([...nodes].flatMap((node) => analysed.index.inputsOf(node)));
  const inputs = analysed.inputs.filter((name) => used.has(name));
  const reduced = subModel(analysed, nodes, inputs, outputs);
  const kept = analysed.exits.filter(({ output }) => outputs.includes(output));
  return {
    ...draft,
    analysed: analyseEdited(analysed, reduced, kept),
    stops,
    isNested: operator.form === 'if',
  };
}

function pruned(
  draft: Draft,
  operator: Exclude<PruneOperator, BlockPruneOperator>,
  around: Surroundings,
): Draft {
  if (isIdlePrune(operator)) return draft;
  const { analysed, notes } = draft;
  if (operator.kind === 'structured') {
    const smaller = pruneChannels(analysed, operator, around.purpose, seenFor(operator, around));
    return { ...draft, analysed: smaller.analysed, notes: [...notes, ...smaller.notes] };
  }
  const plan = planSparsity(analysed, operator);
  if (around.purpose === 'check') return draft;
  const { model, notes: found } = pruneWeights(analysed.model, plan, operator);
  return {
    ...draft,
    analysed: analyseEdited(analysed, model, analysed.exits),
    notes: [...notes, ...plan.notes, ...found],
  };
}

function seenFor(operator: PruneOperator, { before, statistics }: Surroundings): SeenOnImages {
  const keys = statisticsNeededBy(operator, before);
  return {
    values: statistics.get(keys.values) ?? null,
    targets: statistics.get(keys.targets) ?? null,
    recalibration: statistics.get(keys.recalibration) ?? null,
  };
}

function prepared(draft: Draft, operator: PrepareOperator, { recipe, purpose }: Surroundings): Draft {
  const { analysed, notes } = draft;
  const { model, note } = prepareModel(analysed.model, operator, valuesNamedIn(recipe), purpose);
  return {
    ...draft,
    analysed: model === analysed.model ? analysed : analyseEdited(analysed, model, analysed.exits),
    notes: [...notes, note],
  };
}

/** The values that exits, bypasses and cuts hang on, which have to stay. */
function valuesNamedIn(recipe: Recipe): ReadonlySet<string> {
  return new Set(
    recipe.flatMap((operator): readonly string[] => {
      if (operator.op === 'partition') return namedCutsOf(operator).flat();
      if (operator.op === 'prune' && operator.kind === 'block' && typeof operator.blocks !== 'number')
        return operator.blocks.flatMap(({ from, to }) => [from, to]);
      if (operator.op !== 'early-exit' || operator.kind === 'existing') return [];
      if (operator.kind === 'trained') return operator.at;
      return (operator.bypass ?? []).flatMap(({ from, to }) => [from, to]);
    }),
  );
}

/** Whether DynamicQuantizeLinear can be used. */
function checkOpset({ model }: Pick<AnalysedModel, 'model'>): void {
  const problem = opsetProblem(model);
  if (problem !== null) throw problem;
}

/** Whatever the order of the operators: an exit must not be all that keeps a skipped block. */
function checkTapsRemain(
  { analysed: { index, model }, around }: SkippedModel,
  taps: ReadonlyMap<string, ValueName>,
): void {
  const heads = new Set(taps.values());
  const others = model.graph.outputs.map(({ name }) => name).filter((name) => !heads.has(name));
  if (others.length === 0) return;
  const needed = nodesBetween(index, new Set(), others);
  for (const value of taps.keys()) {
    const standIn = around.get(valueName(value));
    if (standIn !== undefined && !needed.has(index.producer.get(valueName(value)) ?? -1))
      throw exitInSkipped(value, standIn);
  }
}

function exitInSkipped(value: string, standIn: ValueName): InputError {
  return new InputError({
    code: 'exit-in-skipped-blocks',
    message: `early-exit: no exit can hang on "${value}": it lies in blocks that are skipped`,
    where: value,
    hint: `Put the exit on "${standIn}", which what follows reads instead.`,
  });
}
