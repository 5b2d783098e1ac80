import { InputError } from '../../base/result.ts';
import type { ValueName } from '../../onnx/model.ts';
import { type AnalysedModel, analyseGrown } from '../analyse-model.ts';
import type { ExistingExitOperator, TrainedExitOperator } from '../recipe.ts';
import { attachHeads, requireTrainable } from './attach-head.ts';
import { headKey, type Heads, type TrainedHead } from './trained-head.ts';

/** A model with heads. */
interface GrownModel {
  readonly analysed: AnalysedModel;
  /** The heads' outputs, by the value that each hangs on. */
  readonly taps: ReadonlyMap<string, ValueName>;
  /** Where inference may stop; null if nothing stops. */
  readonly stopping: ExistingExitOperator | null;
}

/** What a recipe does to the values that heads hang on. */
interface Backbone {
  /** See `backboneKey`. */
  readonly backbone: string;
  /** Whether values are as wide as in the unchanged model, so that its heads fit. */
  readonly keepsWidths: boolean;
  /** Whether it is not known yet how wide they are: heads of any width are taken. */
  readonly areWidthsGuessed: boolean;
}

/**
 * Attaches the heads that an operator names. From there on its exits are exits that the model has. Where none was
 * trained for the recipe's backbone, the head of the unchanged model stands in if it fits.
 * @throws InputError `exit-not-trained` if a head is missing, or why one cannot be attached
 */
export function withTrainedHeads(
  analysed: AnalysedModel,
  operator: TrainedExitOperator,
  heads: Heads,
  backbone: Backbone,
): GrownModel {
  // What is left says how confidence is decided: the same for exits of every kind.
  const { op, kind: _, at, seed: _seed, exit, threshold, ...decision } = operator;
  const { grown, outputOf } = attached(
    analysed,
    headsOf(analysed, operator, heads, backbone),
    backbone.areWidthsGuessed,
  );
  const indexOf = (value: string | undefined): number => {
    const output = value === undefined ? undefined : outputOf.get(value);
    return grown.exits.findIndex((each) => each.output === output);
  };
  checkEnd(analysed.exits.at(-1)?.output, grown);
  if (exit !== undefined) {
    if (at[exit] === undefined) throw noSuchExit(exit, at);
    return { analysed: grown, taps: outputOf, stopping: { op, kind: 'existing', exit: indexOf(at[exit]) } };
  }
  if (threshold === undefined) return { analysed: grown, taps: outputOf, stopping: null };
  if (typeof threshold !== 'number' && threshold.length !== at.length) throw thresholdCount(threshold, at);
  const stops = at
    .map((value, position) => ({
      exit: indexOf(value),
      threshold: typeof threshold === 'number' ? threshold : (threshold[position] as number),
    }))
    .sort((a, b) => a.exit - b.exit);
  return {
    analysed: grown,
    taps: outputOf,
    stopping: {
      ...decision,
      op,
      kind: 'existing',
      exits: stops.map((stop) => stop.exit),
      threshold: stops.map((stop) => stop.threshold),
    },
  };
}

interface Attached {
  readonly heads: readonly TrainedHead[];
  readonly grown: AnalysedModel;
  readonly outputOf: ReadonlyMap<string, ValueName>;
}

/** The last of each model: while thresholds and cuts are dragged, the heads stay. */
const lastAttached = new WeakMap<AnalysedModel, Attached>();

function attached(
  analysed: AnalysedModel,
  heads: readonly TrainedHead[],
  areWidthsGuessed: boolean,
): Attached {
  const last = lastAttached.get(analysed);
  const isSame = last?.heads.length === heads.length && heads.every((head, at) => head === last.heads[at]);
  if (last !== undefined && isSame) return last;
  const { model, outputOf } = attachHeads(analysed, heads, areWidthsGuessed);
  const made = { heads, grown: analyseGrown(analysed, model), outputOf };
  lastAttached.set(analysed, made);
  return made;
}

function headsOf(
  analysed: AnalysedModel,
  { at, seed }: TrainedExitOperator,
  heads: Heads,
  { backbone, keepsWidths }: Backbone,
): TrainedHead[] {
  const headOf = (value: string): TrainedHead | undefined =>
    heads.get(headKey(value, seed, backbone)) ?? (keepsWidths ? heads.get(headKey(value, seed)) : undefined);
  const missing = at.filter((value) => headOf(value) === undefined);
  if (missing.length === 0) return at.flatMap((value) => headOf(value) ?? []);
  // Nobody is sent to train what can never be trained.
  requireTrainable(analysed, missing);
  const named = missing.map((value) => JSON.stringify(value)).join(', ');
  throw new InputError({
    code: 'exit-not-trained',
    message: `early-exit: ${missing.length === 1 ? `the exit at ${named} is` : `the exits at ${named} are`} not trained yet for this model, these images and this seed`,
    where: missing[0] ?? '',
    hint: 'Train the exits first, with the button on their card; on the command line give what was trained with --heads.',
  });
}

/** Sorted by work, the model's own output must stay the last: it is where inference ends. */
function checkEnd(final: ValueName | undefined, grown: AnalysedModel): void {
  const last = grown.exits.at(-1);
  if (last === undefined || last.output === final) return;
  throw new InputError({
    code: 'exit-after-end',
    message: `early-exit: "${last.output}" would need more work than the whole model, wanted less`,
    where: last.output,
    hint: 'Put the exit earlier.',
  });
}

function noSuchExit(exit: number, at: readonly string[]): InputError {
  return new InputError({
    code: 'no-such-exit',
    message: `early-exit: found exit ${exit}, wanted one of 0 to ${at.length - 1}: the positions in "at"`,
    where: `exit ${exit}`,
  });
}

function thresholdCount(threshold: readonly number[], at: readonly string[]): InputError {
  return new InputError({
    code: 'threshold-count',
    message: `early-exit: found ${threshold.length} thresholds, wanted ${at.length}: one for each of "at"`,
    hint: 'Give one number to use it for all exits.',
  });
}
