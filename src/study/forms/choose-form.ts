import { defined } from '../../base/assert.ts';
import { capitalized } from '../../base/units.ts';
import type { GraphView, NodeView } from '../../onnx/graph-view.ts';
import type { Operator, Recipe } from '../../transforms/recipe.ts';
import { type FormFigures, medianMsOf, timesText, uncertaintyOf } from './form-figures.ts';
import { FORMS, type FormId, STATIC_FORMS, type StaticFormChoice } from './forms.ts';
import { LAYER_KINDS, type LayerKind } from './layer-kinds.ts';

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
  /** Expected time of the model's layers in units of float32's; null where nothing tells. */
  readonly relative: number | null;
  readonly reason: string;
}

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
 * The static form that a model's layers are expected to take the least time in; of those about as fast, the first of
 * `STATIC_FORMS`.
 * @param figures of the place where it is to run; null: none were measured
 */
export function chooseForm(mix: LayerMix, figures: FormFigures | null): FormChoice {
  const preferred = defined(STATIC_FORMS[0], 'a form');
  const floatMs = figures && expectedMs(figures, mix, 'float32');
  const rated = STATIC_FORMS.flatMap((form) => {
    const ms = figures && expectedMs(figures, mix, form.id);
    return ms === null ? [] : [{ form, ms }];
  });
  if (figures === null || floatMs === null || floatMs === 0 || rated.length === 0) {
    const why =
      figures === null ? 'the forms were not compared on this device' : 'nothing tells which is fast';
    return { form: preferred, relative: null, reason: `Form "auto" is ${preferred.label} here: ${why}.` };
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

/** Whether a recipe leaves its static form to the device. */
export function leavesFormOpen(recipe: Recipe): boolean {
  return recipe.some(isOpen);
}

/** The recipe with its static form decided, and why it is that one; null: it had nothing open. */
export function withFormChosen(
  recipe: Recipe,
  view: Pick<GraphView, 'nodes'>,
  figures: FormFigures | null,
): { readonly recipe: Recipe; readonly choice: FormChoice | null } {
  const open = recipe.find(isOpen);
  if (open === undefined) return { recipe, choice: null };
  const choice = chooseForm(layerMix(view.nodes), figures);
  const { format, activations, weights } = choice.form;
  return {
    recipe: recipe.map((each) => (each === open ? { ...open, format, activations, weights } : each)),
    choice,
  };
}

function isOpen(operator: Operator): boolean {
  return operator.op === 'quantize' && 'format' in operator && operator.format === 'auto';
}
