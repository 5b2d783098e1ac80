import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { chooseForm, formTrialFor, withFormChosen } from '../../../../src/study/forms/choose-form.ts';
import { STATIC_FORMS, type StaticFormId } from '../../../../src/study/forms/forms.ts';
import {
  type ModelTimes,
  timedSubject,
  withModelTimes,
  withoutModelTimes,
} from '../../../../src/study/forms/model-times.ts';
import { runTimesOf } from '../../../../src/study/forms/run-times.ts';
import { recordedFigures } from './recorded-figures.ts';

const file = 'public/samples/zoo/mobilenet_v2.onnx';
const view = buildGraphView(parseModel(memorySource(readFileSync(file)), file), {
  modelId: file,
  fileName: file,
  fileBytes: 0,
});
const operator = { op: 'quantize', mode: 'static', format: 'auto' } as const;
const steady = (ms: number) => runTimesOf([0.99, 1, 1, 1, 1.01].map((factor) => factor * ms));

/** Figures of a device on which the model took so long. */
function timed(floatMs: number, forms: Partial<Record<StaticFormId, number>>) {
  const times: ModelTimes = {
    ...timedSubject(view, operator),
    float: steady(floatMs),
    forms: Object.entries(forms).map(([form, ms]) => ({ form: form as StaticFormId, times: steady(ms) })),
  };
  return withModelTimes(recordedFigures(), times);
}

describe('a model that was timed in several forms', () => {
  it('gets the one it was fastest in, whatever its layers made expect', () => {
    const figures = timed(30, { 'qdq-u8s8': 50, 'qdq-s8s8': 40, 'qoperator-u8s8': 48 });
    const { recipe, choice } = withFormChosen([operator], view, figures);
    expect(choice).toMatchObject({ form: { id: 'qdq-s8s8' }, relative: 40 / 30, basis: 'timed' });
    expect(recipe).toEqual([{ ...operator, format: 'qdq', activations: 's8', weights: 's8' }]);
  });

  it('gets the usual one among those about as fast, and never one that is slower to speak of', () => {
    for (const slower of [1, 1.02, 1.04, 1.08, 1.2]) {
      const forms = { 'qdq-u8s8': 20 * slower, 'qoperator-u8u8': 20 };
      const { id } = chooseForm(view, operator, timed(30, forms)).form;
      expect(id).toBe(slower < 1.03 ? 'qdq-u8s8' : 'qoperator-u8u8');
    }
  });

  it('is chosen by the faster runs where something else kept the device busy, until it is timed again', () => {
    const disturbed = (ms: number) => runTimesOf([ms, ms, 3 * ms, 3 * ms, 9 * ms]);
    const figures = withModelTimes(recordedFigures(), {
      ...timedSubject(view, operator),
      float: disturbed(30),
      forms: [
        { form: 'qdq-u8s8', times: runTimesOf([20, 20, 20]) },
        { form: 'qoperator-u8u8', times: disturbed(10) },
      ],
    });
    const { form, basis, reason } = chooseForm(view, operator, figures);
    expect([form.id, basis]).toEqual(['qoperator-u8u8', 'unsteady']);
    expect(reason).toContain('These times vary a lot');
    const again = withoutModelTimes(figures, timedSubject(view, operator));
    expect(formTrialFor([operator], view, again)).not.toBeNull();
  });

  it('is told where float32 is faster, with what was measured', () => {
    const { reason } = chooseForm(view, operator, timed(33.8, { 'qdq-u8s8': 42.9, 'qdq-s8s8': 48.1 }));
    expect(reason).toMatch(/^float32 is faster here than every static int8 form: .* 33\.8 ms in float32/);
    expect(reason).toContain('42.9 ms, 1.3 times as long, in QDQ U8S8');
    const fast = chooseForm(view, operator, timed(40, { 'qdq-u8s8': 20, 'qdq-s8s8': 30 })).reason;
    expect(fast).toMatch(/^Form "auto" is QDQ U8S8 here, .* 2 times as fast\.$/);
  });

  it('is timed in the forms that may be its fastest, once for each setting that changes what runs', () => {
    const trial = formTrialFor([operator], view, recordedFigures());
    expect(trial?.forms.length).toBeGreaterThan(1);
    expect(trial?.forms).not.toContain('qoperator-s8s8');
    const figures = timed(30, { 'qdq-u8s8': 20 });
    expect(formTrialFor([operator], view, figures)).toBeNull();
    expect(formTrialFor([{ ...operator, calibration: 'entropy' }], view, figures)).toBeNull();
    expect(formTrialFor([{ ...operator, exclude: ['head'] }], view, figures)).not.toBeNull();
    expect(formTrialFor([{ ...operator, perChannel: false }], view, figures)).not.toBeNull();
    const others = { ...view, totals: { ...view.totals, macs: 2 * view.totals.macs } };
    expect(formTrialFor([operator], others, figures)).not.toBeNull();
    const closed = STATIC_FORMS.flatMap(({ operator: each }) => each ?? []);
    for (const each of closed) expect(formTrialFor([each], view, recordedFigures())).toBeNull();
  });
});
