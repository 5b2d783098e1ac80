import type { QuantizeOperator } from '../../transforms/quantize/quantize-operator.ts';

/** A way to compute a layer, as the probe of this device tries it. */
export type FormId = 'float32' | 'float16' | 'weights-8' | 'dynamic-u8' | 'dynamic-s8' | StaticFormId;

export type StaticFormId = `${'qdq' | 'qoperator'}-${'u8s8' | 'u8u8' | 's8s8'}`;

export interface ProbedForm {
  readonly id: FormId;
  readonly label: string;
  /** Null: as it is. */
  readonly operator: QuantizeOperator | null;
}

/** A static form, which `"format": "auto"` may become. */
export interface StaticFormChoice extends ProbedForm {
  readonly id: StaticFormId;
  readonly format: 'qdq' | 'qoperator';
  readonly activations: 'u8' | 's8';
  readonly weights: 's8' | 'u8';
}

/** What is preferred where others are no faster comes first. */
export const STATIC_FORMS: readonly StaticFormChoice[] = (['qdq', 'qoperator'] as const).flatMap((format) =>
  (
    [
      ['u8', 's8'],
      ['u8', 'u8'],
      ['s8', 's8'],
    ] as const
  ).map(
    ([activations, weights]): StaticFormChoice => ({
      id: `${format}-${activations}${weights}` as StaticFormId,
      label: `${format === 'qdq' ? 'QDQ' : 'QOperator'} ${activations.toUpperCase()}${weights.toUpperCase()}`,
      operator: { op: 'quantize', mode: 'static', format, activations, weights },
      format,
      activations,
      weights,
    }),
  ),
);

/** Every form that is tried, the unquantized one first. */
export const FORMS: readonly ProbedForm[] = [
  { id: 'float32', label: 'float32', operator: null },
  { id: 'float16', label: 'float16', operator: { op: 'quantize', mode: 'float16' } },
  { id: 'weights-8', label: '8-bit weights', operator: { op: 'quantize', mode: 'weight-only', bits: 8 } },
  { id: 'dynamic-u8', label: 'dynamic U8', operator: { op: 'quantize', mode: 'dynamic', weights: 'u8' } },
  { id: 'dynamic-s8', label: 'dynamic S8', operator: { op: 'quantize', mode: 'dynamic', weights: 's8' } },
  ...STATIC_FORMS,
];

/** Whether the arithmetic is in integers, so that it may be faster than float32 on a CPU. */
export function isIntegerForm({ operator }: ProbedForm): boolean {
  return operator?.mode === 'static' || operator?.mode === 'dynamic';
}
