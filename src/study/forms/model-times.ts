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
  const isSame = isOf(times);
  const others = (figures.models ?? []).filter((each) => !isSame(each));
  return { ...figures, models: [...others, times].slice(-KEPT_MODELS) };
}

function isOf({ modelId, macs, settings }: TimedSubject): (other: TimedSubject) => boolean {
  return (other) => other.modelId === modelId && other.macs === macs && other.settings === settings;
}

/** The form that a model was timed to be fastest in; of those about as fast, the first of `STATIC_FORMS`. */
export function fastestTimed({ forms, float }: ModelTimes): {
  readonly form: StaticFormChoice;
  readonly ms: number;
  readonly floatMs: number;
} {
  const leastMs = Math.min(...forms.map(({ times }) => times.medianMs));
  const unsure = Math.max(...forms.map(({ times }) => uncertaintyOfRuns(times)));
  const enoughMs = leastMs * (1 + Math.min(AT_MOST, Math.max(AS_FAST, unsure)));
  for (const form of STATIC_FORMS) {
    const ms = forms.find((each) => each.form === form.id)?.times.medianMs ?? Infinity;
    if (ms <= enoughMs) return { form, ms, floatMs: float.medianMs };
  }
  throw new Error('no form was timed');
}

/** Why `auto` is what it is, and how that compares with float32. */
export function timedReason(times: ModelTimes): string {
  const { form, ms, floatMs } = fastestTimed(times);
  const relative = ms / floatMs;
  const inFloat = `${formatMs(floatMs)} in float32`;
  const count = times.forms.length;
  const became = `Form "auto" is ${form.label} here`;
  const fastest =
    count === 1
      ? 'the one that may be the fastest'
      : `the fastest of ${count} that were timed, or as good as that`;
  const timed = `the whole model took ${formatMs(ms)} in it`;
  if (relative > NOTABLE_RATIO)
    return `float32 is faster here than every static int8 form: the whole model took ${inFloat} and ${formatMs(ms)}, ${timesText(relative)} as long, in ${form.label}, which form "auto" is (${fastest}).`;
  if (relative * NOTABLE_RATIO > 1)
    return `${became} (${fastest}), and no faster than float32: ${timed} and ${inFloat}.`;
  return `${became} (${fastest}): ${timed} and ${inFloat}, ${timesText(1 / relative)} as fast.`;
}
