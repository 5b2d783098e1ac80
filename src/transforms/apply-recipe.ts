import { defined, unreachable } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import { valueBytes, weightsOf } from '../onnx/cost.ts';
import { type ValueName, valueName } from '../onnx/model.ts';
import { dataTypeName, tensorByteLength } from '../onnx/tensor.ts';
import { type AnalysedModel, analyseEdited } from './analyse-model.ts';
import { type CutGraph, cutGraphOf } from './cuts/cut-graph.ts';
import {
  cutWishOf,
  measuredTimesOf,
  namedCutsOf,
  type ResolvedCuts,
  resolveCuts,
} from './cuts/resolve-cut.ts';
import { type LeavesBlocksOut, skipBlocks, type SkippedModel } from './exits/skip-blocks.ts';
import { backboneKey } from './exits/backbone.ts';
import type { Heads } from './exits/trained-head.ts';
import { withTrainedHeads } from './exits/trained-exits.ts';
import { nodesBetween, subModel } from './extract.ts';
import { inOrderOfEffect, leavesBlocksOut, removesChannels } from './order-of-effect.ts';
import { type ExitStop, planSegments, type SegmentNodes } from './plan-segments.ts';
import { pruneChannels, type SeenOnImages } from './prune/channels/prune-channels.ts';
import { isIdlePrune } from './prune/idle-prune.ts';
import type { BlockPruneOperator, PruneOperator } from './prune/prune-operator.ts';
import { NO_STATISTICS, type Statistics, statisticsNeededBy } from './prune/statistics/channel-statistics.ts';
import { planSparsity, pruneWeights } from './prune/unstructured.ts';
import type { PrepareOperator } from './prepare/prepare-operator.ts';
import { prepareModel } from './prepare/prepare-model.ts';
import { checkQuantizable } from './quantize/quantize-model.ts';
import type { QuantizeOperator } from './quantize/quantize-operator.ts';
import { opsetProblem } from './quantize/raise-opset.ts';
import { checkSequence } from './recipe-sequence.ts';
import type { ExistingExitOperator, PartitionOperator, Recipe } from './recipe.ts';

/**
 * A recipe applied as far as that is possible on the whole model: pruned weights and dropped exits are in the
 * model, while stops, cut and integer form are noted and take effect when segments are compiled. That is why
 * operators may come in any order that makes sense.
 */
export interface Draft {
  readonly analysed: AnalysedModel;
  /** In order of work, the final exit last; empty without an early-exit operator. */
  readonly stops: readonly ExitStop[];
  /** Dynamic exits decide inside one file. */
  readonly isNested: boolean;
  readonly partition: PartitionOperator | null;
  readonly quantize: QuantizeOperator | null;
  /** For each value of skipped blocks, the one that what follows reads instead. */
  readonly standIns: ReadonlyMap<ValueName, ValueName>;
  /** Outputs of trained exits, by the value that each hangs on. */
  readonly taps: ReadonlyMap<string, ValueName>;
  /** What preparing and pruning came to, in sentences. */
  readonly notes: readonly string[];
}

export interface PlannedDraft extends Draft {
  /** The values that cross each cut; none without a partition. */
  readonly cuts: readonly (readonly ValueName[])[];
  /** Set if the partition left the places to the lab. */
  readonly automaticCuts: ResolvedCuts | null;
  readonly segments: readonly SegmentNodes[];
}

/**
 * Applies a recipe.
 * @param purpose `check`: only whether it fits, so weights are neither read nor changed
 * @param heads what trained exits need
 * @param statistics what pruning on images needs
 * @throws InputError with the reason if the recipe does not fit the model
 */
export function applyRecipe(
  analysed: AnalysedModel,
  recipe: Recipe,
  purpose: 'check' | 'build',
  heads: Heads,
  statistics: Statistics = NO_STATISTICS,
): PlannedDraft {
  checkSequence(recipe);
  let draft: Draft = {
    analysed,
    stops: [],
    isNested: false,
    partition: null,
    quantize: null,
    standIns: new Map(),
    taps: new Map(),
    notes: [],
  };
  const ordered = inOrderOfEffect(recipe);
  for (const [position, operator] of ordered.entries()) {
    switch (operator.op) {
      case 'identity':
        break;
      case 'early-exit':
        if (operator.kind === 'skip') {
          draft = withoutBlocks(draft, operator, ordered);
        } else if (operator.kind === 'trained') {
          for (const value of operator.at) {
            const standIn = draft.standIns.get(valueName(value));
            if (standIn !== undefined) throw exitInSkipped(value, standIn);
          }
          const trained = withTrainedHeads(draft.analysed, operator, heads, {
            backbone: backboneKey(recipe),
            keepsWidths: !recipe.some(removesChannels),
            areWidthsGuessed: purpose === 'check' && recipe.some(removesChannels),
          });
          draft = { ...draft, analysed: trained.analysed, taps: trained.taps };
          if (trained.stopping !== null) {
            const { confidence, form } = operator;
            draft = withExits(draft, {
              ...trained.stopping,
              ...(confidence !== undefined && { confidence }),
              ...(form !== undefined && { form }),
            });
          }
        } else {
          draft = withExits(draft, operator);
        }
        break;
      case 'partition':
        if (operator.transfer === 'uint8') checkOpset(draft.analysed);
        draft = { ...draft, partition: operator };
        break;
      case 'prune':
        if (operator.kind === 'block') draft = withoutBlocks(draft, operator, ordered);
        else
          draft = pruned(draft, operator, purpose, seenFor(operator, ordered.slice(0, position), statistics));
        break;
      case 'prepare':
        draft = prepared(draft, operator, valuesNamedIn(recipe), purpose);
        break;
      case 'quantize':
        checkQuantizable(draft.analysed.model, operator);
        draft = { ...draft, quantize: operator };
        break;
      default:
        unreachable(operator);
    }
  }
  const { model, index } = draft.analysed;
  const outputs = outputsOf(draft);
  const automaticCuts = automaticCutsIn(draft, analysed);
  const named = draft.partition === null ? [] : namedCutsOf(draft.partition);
  const cuts =
    automaticCuts?.cuts.map(({ crossing }) => crossing) ?? named.map((names) => names.map(valueName));
  for (const name of cuts.flat()) {
    const standIn = draft.standIns.get(name);
    if (standIn !== undefined) throw cutInSkipped(name, standIn);
    if (analysed.index.producer.has(name) && !index.producer.has(name)) throw cutBehindExit(name);
  }
  return {
    ...draft,
    cuts,
    automaticCuts,
    segments: planSegments(model.graph, index, { outputs, stops: draft.stops, cuts }),
  };
}

function automaticCutsIn(draft: Draft, original: AnalysedModel): ResolvedCuts | null {
  const { partition, analysed } = draft;
  const wish = partition && cutWishOf(partition);
  if (partition === null || wish === null) return null;
  const times = measuredTimesOf(partition, original.index.order.length);
  const nodeMs = times.size === 0 ? times : timesByPosition(times, original, analysed);
  return resolveCuts(cutGraphOfDraft(draft), wish, nodeMs);
}

/** Times of an edited model's nodes, which are known by the values that they make. */
function timesByPosition(
  times: ReadonlyMap<number, number>,
  original: AnalysedModel,
  edited: AnalysedModel,
): ReadonlyMap<number, number> {
  const madeBy = ({ model, index }: AnalysedModel): (ValueName | undefined)[] =>
    index.order.map((node) => model.graph.nodes[node]?.outputs[0]);
  const msOf = new Map(madeBy(original).map((name, position) => [name, times.get(position)]));
  return new Map(
    madeBy(edited).flatMap((name, position) => {
      const ms = msOf.get(name);
      return ms === undefined ? [] : [[position, ms] as const];
    }),
  );
}

function outputsOf({ analysed, stops }: Pick<Draft, 'analysed' | 'stops'>): ValueName[] {
  return (stops.length > 0 ? stops : analysed.exits).map(({ output }) => output);
}

/** What exits and skipped blocks leave of the model, for cutting. */
export function cutGraphOfDraft(draft: Pick<Draft, 'analysed' | 'stops'>): CutGraph {
  const { model, index, costs, counted, inputs } = draft.analysed;
  return cutGraphOf({
    nodes: index.order.map((position) => {
      const node = defined(model.graph.nodes[position], `node ${position}`);
      return {
        opType: node.opType,
        inputs: index.inputsOf(position).filter((name) => !index.isConstant(name)),
        outputs: node.outputs.filter((name) => name !== ''),
        macs: costs[position]?.macs ?? 0,
        weights: weightsOf(node, index).map(({ tensor }) => ({
          name: tensor.name,
          bytes: tensorByteLength(tensor),
        })),
      };
    }),
    inputs,
    outputs: outputsOf(draft),
    sizeOf: (name) => {
      const facts = counted.get(name);
      return { bytes: valueBytes(facts), dataType: facts ? dataTypeName(facts.dataType) : '' };
    },
  });
}

/** All blocks go with the first operator that names some: each is named as in the whole model. */
function withoutBlocks(draft: Draft, operator: LeavesBlocksOut, recipe: Recipe): Draft {
  const operators = recipe.filter(leavesBlocksOut);
  if (operator !== operators[0]) return draft;
  const skipped = skipBlocks(draft.analysed, ...operators);
  checkTapsRemain(skipped, draft.taps);
  return { ...draft, analysed: skipped.analysed, standIns: skipped.standIns };
}

function seenFor(operator: PruneOperator, before: Recipe, statistics: Statistics): SeenOnImages {
  const keys = statisticsNeededBy(operator, before);
  return {
    values: statistics.get(keys.values) ?? null,
    recalibration: statistics.get(keys.recalibration) ?? null,
  };
}

function pruned(
  draft: Draft,
  operator: Exclude<PruneOperator, BlockPruneOperator>,
  purpose: 'check' | 'build',
  seen: SeenOnImages,
): Draft {
  if (isIdlePrune(operator)) return draft;
  const { analysed, notes } = draft;
  if (operator.kind === 'structured') {
    const smaller = pruneChannels(analysed, operator, purpose, seen);
    return { ...draft, analysed: smaller.analysed, notes: [...notes, ...smaller.notes] };
  }
  const plan = planSparsity(analysed, operator);
  if (purpose === 'check') return draft;
  const { model, notes: found } = pruneWeights(analysed.model, plan, operator);
  return {
    ...draft,
    analysed: analyseEdited(analysed, model, analysed.exits),
    notes: [...notes, ...plan.notes, ...found],
  };
}

function prepared(
  draft: Draft,
  operator: PrepareOperator,
  kept: ReadonlySet<string>,
  purpose: 'check' | 'build',
): Draft {
  const { analysed, notes } = draft;
  const { model, note } = prepareModel(analysed.model, operator, kept, purpose);
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

function cutBehindExit(name: ValueName): InputError {
  return new InputError({
    code: 'cut-behind-exit',
    message: `partition: cannot cut at "${name}": inference stops before it, at the chosen exit`,
    where: name,
    hint: 'Cut before the exit, or choose a later exit.',
  });
}

function cutInSkipped(name: ValueName, standIn: ValueName): InputError {
  return new InputError({
    code: 'cut-in-skipped-blocks',
    message: `partition: cannot cut at "${name}": it lies in blocks that are skipped`,
    where: name,
    hint: `Cut at "${standIn}", which what follows reads instead.`,
  });
}

function withExits(draft: Draft, operator: ExistingExitOperator): Draft {
  const { analysed } = draft;
  const stops = stopsOf(analysed, operator);
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

function stopsOf(analysed: AnalysedModel, operator: ExistingExitOperator): ExitStop[] {
  const { exits } = analysed;
  const last = exits.length - 1;
  if (last < 1) {
    throw new InputError({
      code: 'no-early-exits',
      message: `early-exit: found a model with ${exits.length === 1 ? 'a single output' : 'no outputs'}, wanted one with several`,
      hint: 'Early exit uses outputs that the model already has. Train exits of your own on the device, or use a model with several outputs, such as the bundled one.',
    });
  }
  const stopAt = (index: number, threshold: number): ExitStop => {
    const exit = exits[index];
    if (exit !== undefined) {
      const { confidence } = operator;
      return {
        exitIndex: exit.index,
        output: exit.output,
        threshold,
        ...(confidence !== undefined && { confidence }),
      };
    }
    const names = exits.map((each) => `${each.index} "${each.output}"`).join(', ');
    throw new InputError({
      code: 'no-such-exit',
      message: `early-exit: found exit ${index}, wanted one of 0 to ${last}`,
      where: `exit ${index}`,
      hint: `The exits are ${names}.`,
    });
  };
  if (operator.exit !== undefined) return [stopAt(operator.exit, 0)];

  const wanted = new Set(operator.exits ?? exits.keys());
  wanted.add(last);
  const indices = [...wanted].sort((a, b) => a - b);
  const early = indices.length - 1;
  const thresholds = typeof operator.threshold === 'number' ? null : (operator.threshold ?? []);
  if (early === 0) {
    throw new InputError({
      code: 'no-early-exits',
      message: 'early-exit: "exits" names the final exit only, wanted at least one before it',
      hint: `To always stop at the end leave the operator out; the early exits are 0 to ${last - 1}.`,
    });
  }
  if (thresholds !== null && thresholds.length !== early) {
    throw new InputError({
      code: 'threshold-count',
      message: `early-exit: found ${thresholds.length} thresholds, wanted ${early}: one for each of the exits ${indices.slice(0, -1).join(', ')} (the final one always stops)`,
      hint: 'Give one number to use it for all exits.',
    });
  }
  for (const index of indices) checkClassScores(analysed, exits[index]?.output);
  checkSameClasses(
    analysed,
    indices.flatMap((index) => exits[index]?.output ?? []),
  );
  return indices.map((exit, position) =>
    stopAt(exit, position === early ? 0 : (thresholds?.[position] ?? (operator.threshold as number))),
  );
}

/** An image must be answered in the same classes wherever it leaves. */
function checkSameClasses({ counted }: AnalysedModel, outputs: readonly ValueName[]): void {
  const known = outputs.flatMap((output) => {
    const shape = counted.get(output)?.shape ?? null;
    const count = shape?.slice(shape.length > 1 ? 1 : 0).find((dim) => dim !== 1) ?? (shape ? 1 : null);
    return typeof count === 'number' ? [{ output, count }] : [];
  });
  const final = known.at(-1);
  const other = known.find(({ count }) => count !== final?.count);
  if (final === undefined || other === undefined) return;
  throw new InputError({
    code: 'exits-differ',
    message: `early-exit: found ${other.count} classes at the exit "${other.output}" and ${final.count} at "${final.output}", wanted the same at all exits`,
    where: other.output,
    hint: 'Choose exits of the same classes by "exits", or stop always at one by "exit".',
  });
}

/** Confidence is of class probabilities, so an output must hold one score for each class. */
function checkClassScores({ counted }: AnalysedModel, output: ValueName | undefined): void {
  const shape = output === undefined ? null : counted.get(output)?.shape;
  const wide = (shape ?? []).slice(1).filter((dim) => dim !== 1);
  if (wide.length < 2) return;
  throw new InputError({
    code: 'exit-not-class-scores',
    message: `early-exit: found shape [${(shape ?? []).map((dim) => dim ?? '?').join(', ')}] at the exit "${output}", wanted one score for each class`,
    where: String(output),
    hint: 'Thresholds need classifiers; a fixed "exit" works with any output.',
  });
}
