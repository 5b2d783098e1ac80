import type { Environment, Provider } from '../trial.ts';
import { FORMS, type FormId, isIntegerForm, type ProbedForm } from './forms.ts';
import { LAYER_KINDS, type LayerKind } from './layer-kinds.ts';
import type { ModelTimes } from './model-times.ts';
import { NOTCH, type RunTimes } from './run-times.ts';
import { timesText } from './times-text.ts';

/** What layers take in every form on a device: facts, from which tables and choices follow. */
export interface FormFigures {
  readonly userAgent: string;
  readonly runtimeVersion: string;
  readonly provider: Provider;
  readonly threads: number;
  readonly measuredAtMs: number;
  readonly figures: readonly FormFigure[];
  /** Whole models that were timed there, too. */
  readonly models?: readonly ModelTimes[];
}

/** Of a probe's model in a form; times in milliseconds. */
export interface FormFigure {
  readonly layer: LayerKind;
  readonly form: FormId;
  /** Or why the form does not run here. */
  readonly times: RunTimes | { readonly failure: string };
}

/** What figures hold for; another browser, runtime or number of threads has others. */
export interface FormPlace {
  readonly environment: Pick<Environment, 'userAgent' | 'runtimeVersion'>;
  readonly provider: Provider;
  readonly threads: number;
}

/** The name of figures among those of all browsers that share a store. */
export function figuresKey({
  userAgent,
  runtimeVersion,
  provider,
  threads,
}: Pick<FormFigures, 'userAgent' | 'runtimeVersion' | 'provider' | 'threads'>): string {
  return JSON.stringify([userAgent, runtimeVersion, provider, threads]);
}

/** Those that were measured in this place, if there are any. */
export function figuresFor(
  all: Iterable<FormFigures>,
  { environment, provider, threads }: FormPlace,
): FormFigures | null {
  const { userAgent, runtimeVersion } = environment;
  const key = figuresKey({ userAgent, runtimeVersion, provider, threads });
  return [...all].find((each) => figuresKey(each) === key) ?? null;
}

/** Median time of a probe's model; null if it does not run, or was not tried. */
export function medianMsOf({ figures }: FormFigures, layer: LayerKind, form: FormId): number | null {
  const times = figures.find((each) => each.layer === layer && each.form === form)?.times;
  return times && 'medianMs' in times ? times.medianMs : null;
}

/** The time of a form in units of float32's; below 1 it is faster. Null if one of them does not run. */
export function relativeTime(figures: FormFigures, layer: LayerKind, form: FormId): number | null {
  const [own, float] = [medianMsOf(figures, layer, form), medianMsOf(figures, layer, 'float32')];
  return own === null || !float ? null : own / float;
}

/** What the quartiles of nine in ten figures are apart at most, in units of the median. */
export function spreadOf({ figures }: FormFigures): number {
  const spreads = figures
    .flatMap(({ times }) => ('medianMs' in times ? [(times.highMs - times.lowMs) / times.medianMs] : []))
    .toSorted((a, b) => a - b);
  return spreads[Math.floor(0.9 * spreads.length)] ?? 0;
}

/** How far medians may be off, in units of themselves: half their 95 % interval. */
export function uncertaintyOf(figures: FormFigures): number {
  const runs = Math.max(
    1,
    Math.min(...figures.figures.map(({ times }) => ('runs' in times ? times.runs : Infinity))),
  );
  return (NOTCH * spreadOf(figures)) / Math.sqrt(runs);
}

/** Above this something else keeps the device busy. */
const UNSTEADY = 0.15;

/** Times that differ by less are told as equal. */
const NOTABLE = 1.1;

/** What the figures say, in sentences: which integer form is fast, which is slow, and where none pays. */
export function figureSentences(figures: FormFigures): readonly string[] {
  const place = figures.provider === 'wasm' ? 'on this device' : `on this device's ${figures.provider}`;
  const dense = (form: ProbedForm): number | null => {
    const ratios = LAYER_KINDS.filter(({ kind }) => kind !== 'depthwise').map(({ kind }) =>
      relativeTime(figures, kind, form.id),
    );
    return ratios.some((ratio) => ratio === null) ? null : geometricMean(ratios as number[]);
  };
  const rated = FORMS.filter(isIntegerForm).flatMap((form) => {
    const ratio = dense(form);
    return ratio === null ? [] : [{ form, ratio }];
  });
  const sorted = rated.toSorted((a, b) => a.ratio - b.ratio);
  const [best, worst] = [sorted[0], sorted.at(-1)];
  const sentences: string[] = [];
  if (uncertaintyOf(figures) > UNSTEADY)
    sentences.push(
      'These times vary a lot: something else kept the device busy. Compare again when it is quiet.',
    );
  if (best) {
    sentences.push(
      best.ratio * NOTABLE < 1
        ? `${best.form.label} is ${timesText(1 / best.ratio)} as fast as float32 ${place}, the fastest of the integer forms in convolutions and matrix products.`
        : `No integer form is faster than float32 ${place}: ${best.form.label}, the fastest, takes ${timesText(best.ratio)} as long.`,
    );
  }
  if (worst && worst !== best && worst.ratio > 1.5)
    sentences.push(`${worst.form.label} is ${timesText(worst.ratio)} slower than float32 ${place}.`);
  const inDepthwise = FORMS.filter(isIntegerForm).flatMap(
    ({ id }) => relativeTime(figures, 'depthwise', id) ?? [],
  );
  if (inDepthwise.length > 0 && Math.min(...inDepthwise) > NOTABLE) {
    sentences.push(
      `In depthwise convolutions no integer form is faster than float32 here: the fastest takes ${timesText(Math.min(...inDepthwise))} as long.`,
    );
  }
  if (figures.provider === 'webgpu')
    sentences.push(
      'On WebGPU the runtime has no integer kernels: it computes integer operators and QuantizeLinear on the CPU, and values are copied there and back.',
    );
  const failing = FORMS.filter(({ id }) =>
    figures.figures.some(({ form, times }) => form === id && 'failure' in times),
  );
  if (failing.length > 0)
    sentences.push(`Not all layers run as ${failing.map(({ label }) => label).join(', ')} here.`);
  return sentences;
}

function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
