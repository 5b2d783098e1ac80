import { defined } from '../../base/assert.ts';
import { capitalized } from '../../base/units.ts';
import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import type { StaticQuantizeOperator } from '../../transforms/quantize/quantize-operator.ts';
import type { Operator, Recipe } from '../../transforms/recipe.ts';
import { type FormFigures, medianMsOf, uncertaintyOf } from './form-figures.ts';
import { FORMS, type FormId, STATIC_FORMS, type StaticFormChoice, type StaticFormId } from './forms.ts';
import { LAYER_KINDS, type LayerKind } from './layer-kinds.ts';
import {
  fastestTimed,
  isSteady,
  type TimedSubject,
  timedReason,
  timedSubject,
  timesOfModel,
} from './model-times.ts';
import { timesText } from './times-text.ts';

/** Multiply-accumulates of a model in each kind of layer. */
export type LayerMix = Readonly<Record<LayerKind, number>>;

/** Groups of fewer channels than this run like depthwise convolutions. */
const FEW_CHANNELS = 4;

/** A form is preferred to the fastest if it is slower by no more than this, or than the times are unsure. */
const AS_FAST = 0.03;

/** Faster or slower by less is not worth telling. */
const NOTABLE = 1.1;

/** What `"format": "auto"` becomes, and why. */
export interface FormChoice {
  readonly form: StaticFormChoice;
  /** Its time in units of float32's; null where nothing tells. */
  readonly relative: number | null;
  /** How it is known: the model itself was timed, maybe amid other work; or its layers tell what to expect. */
  readonly basis: 'timed' | 'unsteady' | 'expected';
  readonly reason: string;
}

/** What there is to know of a model to choose its form. */
type FormSubject = Pick<GraphView, 'nodes' | 'modelId' | 'totals'>;

export function layerMix(nodes: readonly NodeView[]): LayerMix {
  const mix = { conv: 0, pointwise: 0, depthwise: 0, matmul: 0 };
  for (const node of nodes) {
    const kind = layerKindOf(node);
    if (kind !== null) mix[kind] += node.macs;
  }
  return mix;
}

/** Null for what has no form in integers that counts. */
export function layerKindOf({ opType, weights, attributes, macs }: NodeView): LayerKind | null {
  if (macs === 0) return null;
  if (opType === 'MatMul' || opType === 'Gemm') return 'matmul';
  if (opType !== 'Conv' && opType !== 'ConvTranspose') return null;
  const [, channelsOfGroup = 0, ...kernel] = weights[0]?.dims ?? [];
  const groups = Number(attributes.find(({ name }) => name === 'group')?.text ?? 1);
  if (groups > 1 && channelsOfGroup < FEW_CHANNELS) return 'depthwise';
  return kernel.every((size) => size === 1) ? 'pointwise' : 'conv';
}

/**
 * What `auto` means for a model: the fastest form it was timed in; else the one its layers are expected to be fastest in.
 * @param figures of the place where it is to run; null: none were measured
 */
export function chooseForm(
  view: FormSubject,
  operator: StaticQuantizeOperator,
  figures: FormFigures | null,
): FormChoice {
  const timed = figures && timesOfModel(figures, timedSubject(view, operator));
  if (timed === null) return expectedForm(layerMix(view.nodes), figures);
  const { form, ms, floatMs } = fastestTimed(timed);
  return {
    form,
    relative: ms / floatMs,
    basis: isSteady(timed) ? 'timed' : 'unsteady',
    reason: timedReason(timed),
  };
}

/**
 * The static form that a model's layers are expected to take the least time in; of those about as fast, the first of
 * `STATIC_FORMS`.
 * @param figures of the place where it is to run; null: none were measured
 */
export function expectedForm(mix: LayerMix, figures: FormFigures | null): FormChoice {
  const preferred = defined(STATIC_FORMS[0], 'a form');
  const floatMs = figures && expectedMs(figures, mix, 'float32');
  const rated = STATIC_FORMS.flatMap((form) => {
    const ms = figures && expectedMs(figures, mix, form.id);
    return ms === null ? [] : [{ form, ms }];
  });
  if (figures === null || floatMs === null || floatMs === 0 || rated.length === 0) {
    const why =
      figures === null ? 'the forms were not compared on this device' : 'nothing tells which is fast';
    return {
      form: preferred,
      relative: null,
      basis: 'expected',
      reason: `Form "auto" is ${preferred.label} here: ${why}.`,
    };
  }
  const leastMs = Math.min(...rated.map(({ ms }) => ms));
  const chosen = defined(
    rated.find(({ ms }) => ms <= leastMs * (1 + Math.max(AS_FAST, uncertaintyOf(figures)))),
    'the fastest',
  );
  const relative = chosen.ms / floatMs;
  const others = expectedOthers(figures, mix, floatMs, relative);
  const expectation =
    relative * NOTABLE < 1
      ? `it is expected to be about ${timesText(1 / relative)} as fast as float32`
      : relative < NOTABLE
        ? 'no static form is expected to be faster than float32, and this one takes about as long'
        : `no static form is expected to be faster than float32, and this one takes about ${timesText(relative)} as long`;
  return {
    form: chosen.form,
    relative,
    basis: 'expected',
    reason: `Form "auto" is ${chosen.form.label} here: by what its layers took in every form (${mixText(mix)}), ${expectation}.${others}`,
  };
}

/** Null if one of the model's kinds of layers does not run in this form. */
export function expectedMs(figures: FormFigures, mix: LayerMix, form: FormId): number | null {
  let sum = 0;
  for (const { kind, macs } of LAYER_KINDS) {
    if (mix[kind] === 0) continue;
    const medianMs = medianMsOf(figures, kind, form);
    if (medianMs === null) return null;
    sum += (medianMs * mix[kind]) / macs;
  }
  return sum;
}

/** A hint at an 8-bit form of another mode that is faster still. */
function expectedOthers(figures: FormFigures, mix: LayerMix, floatMs: number, relative: number): string {
  const others = FORMS.filter(
    ({ operator }) => operator?.mode === 'dynamic' || operator?.mode === 'weight-only',
  ).flatMap(({ id, label }) => {
    const ms = expectedMs(figures, mix, id);
    return ms === null || (ms / floatMs) * NOTABLE > relative ? [] : [{ label, ms }];
  });
  const [best] = others.toSorted((a, b) => a.ms - b.ms);
  return best ? ` ${capitalized(best.label)} would be faster still.` : '';
}

function mixText(mix: LayerMix): string {
  const total = Object.values(mix).reduce((sum, macs) => sum + macs, 0);
  return LAYER_KINDS.filter(({ kind }) => mix[kind] > 0.005 * total)
    .toSorted((a, b) => mix[b.kind] - mix[a.kind])
    .map(({ kind, label }) => `${Math.round((100 * mix[kind]) / total)} % ${label}`)
    .join(', ');
}

/**
 * Forms that are expected to take longer than the fastest by more than this are not timed. Layers alone do not tell
 * more: of models full of activations the form with the slowest convolutions can be the fastest.
 */
const MAY_BE_FASTEST = 2;

/** Forms to time a model in at most: each takes a worker with the model in it, so of large models fewer. */
const MOST_TIMED = { usual: 6, large: 3 } as const;
const LARGE_PARAMS = 30e6;

/** What to time, so that `auto` need not rest on what layers are expected to take. */
export interface FormTrial {
  readonly subject: TimedSubject;
  readonly operator: StaticQuantizeOperator;
  readonly forms: readonly StaticFormId[];
}

/** What to time before a recipe's form is decided; null: it leaves none open, or that was timed. */
export function formTrialFor(recipe: Recipe, view: FormSubject, figures: FormFigures): FormTrial | null {
  const operator = openOperatorOf(recipe);
  if (operator === null) return null;
  const subject = timedSubject(view, operator);
  if (timesOfModel(figures, subject) !== null) return null;
  const mix = layerMix(view.nodes);
  const rated = STATIC_FORMS.flatMap(({ id }) => {
    const ms = expectedMs(figures, mix, id);
    return ms === null ? [] : [{ id, ms }];
  }).toSorted((a, b) => a.ms - b.ms);
  const limitMs = MAY_BE_FASTEST * (1 + uncertaintyOf(figures)) * (rated[0]?.ms ?? 0);
  const forms = rated.filter(({ ms }) => ms <= limitMs).map(({ id }) => id);
  const most = view.totals.params < LARGE_PARAMS ? MOST_TIMED.usual : MOST_TIMED.large;
  return { subject, operator, forms: forms.slice(0, most) };
}

/** Whether a recipe leaves its static form to the device. */
export function leavesFormOpen(recipe: Recipe): boolean {
  return openOperatorOf(recipe) !== null;
}

/** The recipe with its static form decided, and why it is that one; null: it had nothing open. */
export function withFormChosen(
  recipe: Recipe,
  view: FormSubject,
  figures: FormFigures | null,
): { readonly recipe: Recipe; readonly choice: FormChoice | null } {
  const open = openOperatorOf(recipe);
  if (open === null) return { recipe, choice: null };
  const choice = chooseForm(view, open, figures);
  return { recipe: recipe.map((each) => (each === open ? inForm(open, choice.form) : each)), choice };
}

/** An operator in one form. */
export function inForm(operator: StaticQuantizeOperator, form: StaticFormChoice): StaticQuantizeOperator {
  const { format, activations, weights } = form;
  return { ...operator, format, activations, weights };
}

function openOperatorOf(recipe: Recipe): StaticQuantizeOperator | null {
  return recipe.find(isOpen) ?? null;
}

function isOpen(operator: Operator): operator is StaticQuantizeOperator {
  return operator.op === 'quantize' && operator.mode === 'static' && operator.format === 'auto';
}
