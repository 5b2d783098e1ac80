import type { FormFigures } from '../../../../src/study/forms/form-figures.ts';
import { FORMS, type FormId } from '../../../../src/study/forms/forms.ts';
import { LAYER_KINDS, type LayerKind } from '../../../../src/study/forms/layer-kinds.ts';

/** Medians in milliseconds that onnxruntime-web 1.30 gave on one thread of wasm, on an x86 server. */
const MEDIANS: Readonly<Record<FormId, Readonly<Record<LayerKind, number>>>> = {
  float32: { conv: 4.39, pointwise: 3.8, depthwise: 1.52, matmul: 2.77 },
  float16: { conv: 4.39, pointwise: 3.84, depthwise: 1.55, matmul: 2.93 },
  'weights-8': { conv: 4.39, pointwise: 3.82, depthwise: 1.57, matmul: 3.03 },
  'dynamic-u8': { conv: 2.32, pointwise: 3.5, depthwise: 3.65, matmul: 1.67 },
  'dynamic-s8': { conv: 26.57, pointwise: 24.61, depthwise: 9.11, matmul: 1.66 },
  'qdq-u8s8': { conv: 2.32, pointwise: 4.36, depthwise: 6.83, matmul: 1.96 },
  'qdq-u8u8': { conv: 2.29, pointwise: 4.39, depthwise: 6.54, matmul: 1.93 },
  'qdq-s8s8': { conv: 3.38, pointwise: 4.35, depthwise: 6.8, matmul: 1.94 },
  'qoperator-u8s8': { conv: 2.32, pointwise: 4.34, depthwise: 6.83, matmul: 1.95 },
  'qoperator-u8u8': { conv: 2.3, pointwise: 4.38, depthwise: 6.86, matmul: 1.95 },
  'qoperator-s8s8': { conv: 26.18, pointwise: 25.43, depthwise: 7.07, matmul: 13.88 },
};

/** @param changed times that differ from those recorded; null: the form does not run */
export function recordedFigures(
  changed: Partial<Record<FormId, Partial<Record<LayerKind, number | null>>>> = {},
): FormFigures {
  return {
    userAgent: 'a browser',
    runtimeVersion: '1.30.0',
    provider: 'wasm',
    threads: 1,
    measuredAtMs: 0,
    figures: FORMS.flatMap(({ id }) =>
      LAYER_KINDS.map(({ kind }) => {
        const own = changed[id]?.[kind];
        const medianMs = own === undefined ? MEDIANS[id][kind] : own;
        const times =
          medianMs === null
            ? { failure: 'not implemented' }
            : { medianMs, lowMs: 0.98 * medianMs, highMs: 1.02 * medianMs, runs: 31 };
        return { layer: kind, form: id, times };
      }),
    ),
  };
}
