import { failed, ok, type Result } from '../base/result.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import { leavesFormOpen } from '../study/forms/choose-form.ts';
import { figuresFor, type FormFigures } from '../study/forms/form-figures.ts';
import type { Environment, Strategy } from '../study/trial.ts';
import { probeForms } from './probe-forms.ts';

/** Sees to it that a model knows what `"format": "auto"` means where a strategy runs. */
export interface FormDecider {
  /**
   * Compares forms on this device if nobody did. Where that fails, the usual form is taken, and the variant says so.
   * @param onProgress share of the comparison done
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

/**
 * @param known figures of this device
 * @param onFigures told of new ones
 */
export function createFormDecider(
  environment: Environment,
  known: readonly FormFigures[],
  onFigures: (figures: FormFigures) => void,
): FormDecider {
  let all = known;
  return {
    all: () => all,
    prepare: async (model, { recipe, provider, threads }, onProgress, signal) => {
      if (!leavesFormOpen(recipe)) return ok(null);
      const place = { environment, provider, threads };
      let figures = figuresFor(all, place);
      if (figures === null) {
        const probed = await probeForms(place, onProgress, signal);
        if (!probed.ok && signal.aborted) return failed(probed.failure);
        if (probed.ok) {
          figures = probed.value;
          all = [...all, figures];
          onFigures(figures);
        }
      }
      return model.useForms(figures);
    },
  };
}
