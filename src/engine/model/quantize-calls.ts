import { defined } from '../../base/assert.ts';
import { attempt } from '../../base/result.ts';
import type { Model } from '../../onnx/model.ts';
import type { ModelApi } from '../../protocol/model-api.ts';
import { formTrialFor, inForm } from '../../study/forms/choose-form.ts';
import { STATIC_FORMS } from '../../study/forms/forms.ts';
import type { Compared } from '../../study/quality/compared.ts';
import { NO_HEADS } from '../../transforms/exits/trained-head.ts';
import { calibrationsByKey, staticOperatorOf } from '../../transforms/quantize/calibrate/calibration.ts';
import type { ScannedForm } from '../../transforms/quantize/sensitivity-probe.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import { nextTask } from '../next-task.ts';
import { buildFiles, wholeFile } from './build-files.ts';
import { analysed, viewOf } from './open-model.ts';
import type { Workbench } from './workbench.ts';

const calibrating = () => import('../../transforms/quantize/calibrate/calibration-model.ts');
const reducing = () => import('../../transforms/quantize/calibrate/extremes-model.ts');
const comparing = () => import('../../study/quality/comparison-models.ts');
const scanning = () => import('../../transforms/quantize/sensitivity-model.ts');
const dividing = () => import('../../transforms/quantize/sensitivity-units.ts');
const probing = () => import('../../transforms/quantize/sensitivity-probe.ts');

/** Of values that nobody looked at, in models that are only timed. */
const ANY_RANGE = { low: -4, high: 4 };

/** Calibrates: which values to look at, and what was seen. */
function calibrationCalls({
  store,
  current,
  decided,
  findings,
  find,
  knownRanges,
}: Workbench): Pick<ModelApi, 'buildForCalibration' | 'isCalibrated' | 'useCalibrations'> {
  return {
    buildForCalibration: (recipe, others, shows) =>
      attempt(async () => {
        const [{ calibrationModel }, { extremesModel }] = await Promise.all([calibrating(), reducing()]);
        const open = current();
        const { heads, statistics } = findings();
        const numbers = calibrationModel(
          analysed(open),
          decided(recipe),
          heads,
          others.map(decided),
          statistics,
        );
        const { model, values, inputs } = shows === 'extremes' ? extremesModel(numbers) : numbers;
        return { ...(await wholeFile(open, model, 'calibration', store)), values, inputs };
      }),

    isCalibrated: (recipe) =>
      attempt(async () => staticOperatorOf(recipe) === null || (await knownRanges(decided(recipe))) !== null),

    useCalibrations: (given) =>
      attempt(() => {
        find({ calibrations: calibrationsByKey(given) }, (recipe) => staticOperatorOf(recipe) !== null);
        return null;
      }),
  };
}

/** Finds the form that is fast here. */
function formCalls({
  store,
  current,
  forms,
  useForms,
}: Workbench): Pick<ModelApi, 'useForms' | 'formTrial' | 'buildInForm'> {
  return {
    useForms: (figures) =>
      attempt(() => {
        useForms(figures);
        return null;
      }),

    formTrial: (recipe) =>
      attempt(() => {
        const figures = forms();
        return figures === null ? null : formTrialFor(recipe, viewOf(current()), figures);
      }),

    buildInForm: ({ operator }, form) =>
      attempt(async () => {
        const choice = STATIC_FORMS.find(({ id }) => id === form);
        if (choice === undefined) return (await buildFiles(current(), [{ op: 'identity' }], store)).built;
        const recipe = [inForm(operator, choice)];
        const { calibrationModel } = await calibrating();
        const { values, inputs } = calibrationModel(analysed(current()), recipe, NO_HEADS);
        const ranges = new Map([...values, ...inputs].map((name) => [name, ANY_RANGE]));
        const calibration = { ranges, warnings: [] };
        return (await buildFiles(current(), recipe, store, { calibration })).built;
      }),
  };
}

/** Looks at what quantizing changed. */
function comparisonCalls({
  store,
  current,
  modelMadeBy,
}: Workbench): Pick<ModelApi, 'buildForComparison' | 'compareWeights'> {
  return {
    buildForComparison: (recipe, values) =>
      attempt(async () => {
        const { comparisonModels } = await comparing();
        const open = current();
        const models = comparisonModels(analysed(open), recipe, await modelMadeBy(recipe), values);
        const files = (model: Model, role: string) => wholeFile(open, model, role, store);
        return {
          ...models,
          original: await files(models.original, 'original'),
          variant: await files(models.variant, 'variant'),
        };
      }),

    compareWeights: (recipe, weight) =>
      attempt(async () => {
        const { compareWeights } = await comparing();
        const open = current();
        const variant = await modelMadeBy(recipe);
        const compared: Compared[] = [];
        for (const each of compareWeights(analysed(open), recipe, variant, weight)) {
          compared.push(each);
          await nextTask();
        }
        return compared;
      }),
  };
}

/** Scans which layers bear low precision. */
function sensitivityCalls({
  store,
  current,
  decided,
  findings,
  knownRanges,
}: Workbench): Pick<ModelApi, 'sensitivityUnits' | 'buildForSensitivity'> {
  async function scannedBy(recipe: Recipe) {
    const { sensitivityModel } = await scanning();
    const open = current();
    const { heads, statistics } = findings();
    return { open, ...sensitivityModel(analysed(open), recipe, heads, statistics) };
  }

  return {
    sensitivityUnits: (recipe) =>
      attempt(async () => {
        const { sensitivityUnits } = await dividing();
        const { model, form } = await scannedBy(decided(recipe));
        return sensitivityUnits(model, form);
      }),

    buildForSensitivity: (recipe, precision, units) =>
      attempt(async () => {
        const { sensitivityProbe } = await probing();
        const asked = decided(recipe);
        const { open, model, form, scores } = await scannedBy(asked);
        const scanned = async (): Promise<ScannedForm> => {
          if (precision !== 'int8') return { precision };
          const { ranges } = defined(await knownRanges(asked), 'calibrated ranges');
          return { precision, form, ranges };
        };
        const probe = sensitivityProbe(model, await scanned(), units, scores);
        return wholeFile(open, probe, 'sensitivity', store);
      }),
  };
}

/** The part of a model's worker that is about quantization. */
export function quantizeCalls(bench: Workbench) {
  return {
    ...calibrationCalls(bench),
    ...formCalls(bench),
    ...comparisonCalls(bench),
    ...sensitivityCalls(bench),
  };
}
