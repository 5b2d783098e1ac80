import { defined } from '../../base/assert.ts';
import { formatMs } from '../../base/units.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { STATIC_DEFAULTS, type StaticQuantizeOperator } from '../../transforms/quantize/quantize-operator.ts';
import type { FormFigures } from './form-figures.ts';
import { type StaticFormChoice, STATIC_FORMS, type StaticFormId } from './forms.ts';
import { type RunTimes, uncertaintyOfRuns } from './run-times.ts';
import { timesText } from './times-text.ts';

/** What a whole model takes in float32 and in the forms that may be its fastest, where figures hold. */
export interface ModelTimes extends TimedSubject {
  readonly float: RunTimes;
  /** Of those that ran; at least one. */
  readonly forms: readonly { readonly form: StaticFormId; readonly times: RunTimes }[];
}

/** What was timed: other models, sizes of images and settings take other times. */
export interface TimedSubject {
  /** See `GraphView.modelId`. */
  readonly modelId: string;
  /** Multiply-accumulates, which tell at what size of its inputs. */
  readonly macs: number;
  /** What the operator says besides its form, as far as it changes what runs. */
  readonly settings: string;
}

/** Models whose times are kept in a place, the latest. */
const KEPT_MODELS = 50;

/** A form is preferred to the fastest if it is slower by no more than this. */
const AS_FAST = 0.03;
/** The same where times are unsure: never by more than this. */
const AT_MOST = 0.06;

/** Slower or faster than float32 by less is not worth telling. */
export const NOTABLE_RATIO = 1.05;

export function timedSubject(
  { modelId, totals }: Pick<GraphView, 'modelId' | 'totals'>,
  { perChannel = STATIC_DEFAULTS.perChannel, exclude = [] }: StaticQuantizeOperator,
): TimedSubject {
  const settings = JSON.stringify({ perChannel, exclude: exclude.toSorted() });
  return { modelId, macs: totals.macs, settings };
}

export function timesOfModel(figures: FormFigures, subject: TimedSubject): ModelTimes | null {
  return (figures.models ?? []).find(isOf(subject)) ?? null;
}

/** The figures with a model's times, in place of those it had. */
export function withModelTimes(figures: FormFigures, times: ModelTimes): FormFigures {
  const { models = [] } = withoutModelTimes(figures, times);
  return { ...figures, models: [...models, times].slice(-KEPT_MODELS) };
}

/** The figures without what was timed of a model, so that it is timed again. */
export function withoutModelTimes(figures: FormFigures, subject: TimedSubject): FormFigures {
  const isSame = isOf(subject);
  return { ...figures, models: (figures.models ?? []).filter((each) => !isSame(each)) };
}

function isOf({ modelId, macs, settings }: TimedSubject): (other: TimedSubject) => boolean {
  return (other) => other.modelId === modelId && other.macs === macs && other.settings === settings;
}

/** Above this something else keeps the device busy. */
const UNSTEADY = 0.15;

/** Whether medians are known well enough to rest on. */
export function isSteady({ float, forms }: ModelTimes): boolean {
  return [float, ...forms.map(({ times }) => times)].every((times) => uncertaintyOfRuns(times) <= UNSTEADY);
}

/** The form that a model was timed to be fastest in; of those about as fast, the first of `STATIC_FORMS`. */
export function fastestTimed(times: ModelTimes): {
  readonly form: StaticFormChoice;
  readonly ms: number;
  readonly floatMs: number;
} {
  // What disturbs some runs leaves the faster ones alone.
  const msOf = ({ medianMs, lowMs }: RunTimes): number => (isSteady(times) ? medianMs : lowMs);
  const all = times.forms.map(({ form, times: own }) => ({ form, ms: msOf(own) }));
  const unsure = Math.max(...times.forms.map((each) => uncertaintyOfRuns(each.times)));
  const enoughMs = Math.min(...all.map(({ ms }) => ms)) * (1 + Math.min(AT_MOST, Math.max(AS_FAST, unsure)));
  const { form, ms } = defined(
    STATIC_FORMS.flatMap((choice) => {
      const own = all.find((each) => each.form === choice.id);
      return own && own.ms <= enoughMs ? [{ form: choice, ms: own.ms }] : [];
    })[0],
    'a form that was timed',
  );
  return { form, ms, floatMs: msOf(times.float) };
}

/** Why `auto` is what it is, and how that compares with float32. */
export function timedReason(times: ModelTimes): string {
  const { form, ms, floatMs } = fastestTimed(times);
  const relative = ms / floatMs;
  const [inForm, inFloat] = [formatMs(ms), `${formatMs(floatMs)} in float32`];
  const count = times.forms.length;
  const among =
    count === 1 ? 'the one expected to be the fastest' : `as fast as any of the ${count} forms timed`;
  const unsure = isSteady(times)
    ? ''
    : ' These times vary a lot: something else kept the device busy. Time it again when it is quiet.';
  if (relative > NOTABLE_RATIO)
    return `float32 is faster here than every static int8 form: the whole model took ${inFloat} and ${inForm}, ${timesText(relative)} as long, in ${form.label}, which form "auto" is here (${among}).${unsure}`;
  const comparison =
    relative * NOTABLE_RATIO > 1
      ? `the whole model took ${inForm} in it and ${inFloat}, so it is no faster than float32`
      : `the whole model took ${inForm} in it and ${inFloat}, ${timesText(1 / relative)} as fast`;
  return `Form "auto" is ${form.label} here, ${among}: ${comparison}.${unsure}`;
}
