import { type Failure, failed, ok, type Result } from '../base/result.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { leavesFormOpen } from '../study/forms/choose-form.ts';
import { figuresFor, figuresKey, type FormFigures } from '../study/forms/form-figures.ts';
import { withModelTimes } from '../study/forms/model-times.ts';
import type { Environment, Strategy } from '../study/trial.ts';
import { probeForms } from './probe-forms.ts';
import { type FormTiming, timeForms } from './time-forms.ts';

/** Sees to it that a model knows what `"format": "auto"` means where a strategy runs. */
export interface FormDecider {
  /**
   * Compares forms on this device if nobody did, and times the model in those that may be its fastest. Where that
   * fails, what is known decides, and the variant says so.
   * @param onProgress share of it done
   * @returns not ok only if the model's worker fails, or all was cancelled
   */
  readonly prepare: (
    model: ModelApi,
    strategy: Pick<Strategy, 'recipe' | 'provider' | 'threads'>,
    onProgress: (share: number) => void,
    signal: AbortSignal,
  ) => Promise<Result<null>>;
  readonly all: () => readonly FormFigures[];
}

/** What models are timed on. */
export interface FormSubject extends Pick<FormTiming, 'data' | 'preprocessing'> {
  readonly environment: Environment;
}

/** Of the time that all takes, what comparing layers does. */
const LAYERS_SHARE = 0.6;

/**
 * @param known figures of this device
 * @param onFigures told of new ones
 * @param onFailure told why something was not timed
 */
export function createFormDecider(
  { environment, ...images }: FormSubject,
  known: readonly FormFigures[],
  onFigures: (figures: FormFigures) => void,
  onFailure: (failure: Failure) => void = () => {},
): FormDecider {
  const all = new Map(known.map((figures) => [figuresKey(figures), figures]));
  const adopt = (figures: FormFigures) => {
    all.set(figuresKey(figures), figures);
    onFigures(figures);
  };
  return {
    all: () => [...all.values()],
    prepare: async (model, { recipe, provider, threads }, onProgress, signal) => {
      if (!leavesFormOpen(recipe)) return ok(null);
      const place = { environment, provider, threads };
      let figures = figuresFor(all.values(), place);
      const layersShare = figures === null ? LAYERS_SHARE : 0;
      if (figures === null) {
        const probed = await probeForms(place, (share) => onProgress(layersShare * share), signal);
        if (!probed.ok && signal.aborted) return failed(probed.failure);
        if (probed.ok) adopt((figures = probed.value));
        else onFailure(probed.failure);
      }
      const told = await model.useForms(figures);
      if (!told.ok || figures === null) return told;
      const trial = await model.formTrial(recipe);
      if (!trial.ok || trial.value === null) return trial.ok ? ok(null) : trial;
      const timed = await timeForms(
        model,
        trial.value,
        { ...images, provider, threads },
        (share) => onProgress(layersShare + (1 - layersShare) * share),
        signal,
      );
      if (signal.aborted) return timed.ok ? ok(null) : timed;
      if (!timed.ok) {
        onFailure(timed.failure);
        return ok(null);
      }
      adopt((figures = withModelTimes(figures, timed.value)));
      return model.useForms(figures);
    },
  };
}
