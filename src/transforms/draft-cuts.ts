import { defined } from '../base/assert.ts';
import { InputError } from '../base/result.ts';
import { valueBytes, weightsOf } from '../onnx/cost.ts';
import { type ValueName, valueName } from '../onnx/model.ts';
import { dataTypeName, tensorByteLength } from '../onnx/tensor.ts';
import type { AnalysedModel } from './analyse-model.ts';
import { type CutGraph, cutGraphOf } from './cuts/cut-graph.ts';
import {
  cutWishOf,
  measuredTimesOf,
  namedCutsOf,
  type ResolvedCuts,
  resolveCuts,
} from './cuts/resolve-cut.ts';
import { type Draft, outputsOf, type PlannedDraft } from './draft.ts';

/**
 * The cuts of a draft, named or found.
 * @param original the model before anything was done to it: what measured times and names are of
 * @throws InputError `cut-behind-exit`, `cut-in-skipped-blocks` if the recipe leaves nothing to cut there
 */
export function cutsOf(draft: Draft, original: AnalysedModel): Pick<PlannedDraft, 'cuts' | 'automaticCuts'> {
  const { index } = draft.analysed;
  const automaticCuts = automaticCutsIn(draft, original);
  const named = draft.partition === null ? [] : namedCutsOf(draft.partition);
  const cuts =
    automaticCuts?.cuts.map(({ crossing }) => crossing) ?? named.map((names) => names.map(valueName));
  for (const name of cuts.flat()) {
    const standIn = draft.standIns.get(name);
    if (standIn !== undefined) throw cutInSkipped(name, standIn);
    if (original.index.producer.has(name) && !index.producer.has(name)) throw cutBehindExit(name);
  }
  return { cuts, automaticCuts };
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
