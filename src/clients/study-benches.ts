import { defined } from '../base/assert.ts';
import { type Failure, failed, type Result } from '../base/result.ts';
import type { MaskAnswers, Predictions, Study, Trial } from '../study/trial.ts';
import type { EnginePool } from './engine-pool.ts';
import type { StudyCallbacks, StudyControl, StudyInputs } from './run-study.ts';
import { createStrategyRunner, openSeries } from './strategy-runner.ts';
import type { StudyBook } from './study-book.ts';
import { openStudyModel, type StudyModel, type StudyModelInputs } from './study-model.ts';

/** Where the strategies of one model at one input size are run: nothing but images is shared with others. */
export interface Bench {
  readonly model: StudyModel;
  readonly runner: ReturnType<typeof createStrategyRunner>;
  /** By image index; null also where the model's weights are noise, which is right by chance only. */
  readonly labels: readonly (number | null)[];
  /** Whether images' masks say what is right; not where the model's weights are noise. */
  readonly hasMasks: boolean;
  /** Its trials have this model and preprocessing. */
  readonly isOf: (trial: Trial) => boolean;
  /** A trial of it, for what they have in common. */
  readonly like: Trial;
  /** Predictions of the unchanged model, or why there are none; `unknown` until that was asked. */
  reference:
    | { readonly kind: 'unknown' }
    | {
        readonly kind: 'known';
        readonly predictions: Predictions | null;
        readonly maskAnswers: MaskAnswers | null;
      }
    | { readonly kind: 'failed'; readonly message: string };
}

/** What benches are opened with. */
interface Hall {
  readonly study: Study;
  readonly inputs: StudyInputs;
  readonly callbacks: StudyCallbacks;
  readonly control: StudyControl;
  readonly pool: EnginePool;
  readonly book: StudyBook;
  /** Images of the accuracy pass. */
  readonly evaluated: readonly number[];
}

/** See `openBenches`. */
export type Benches = ReturnType<typeof openBenches>;

/** The benches of a study; each opens its model when it is first needed, and closes it when nothing is left to do. */
export function openBenches({ study, inputs, callbacks, control, pool, book, evaluated }: Hall) {
  const benches = new Map<string, Promise<Result<Bench>>>();
  const models: StudyModel[] = [];
  const series = openSeries(study.trials);
  let isEnded = false;

  async function open(like: Trial): Promise<Result<Bench>> {
    const { strategy, preprocessing } = like;
    const given = modelInputs(like);
    if (given === null || isEnded) return failed(isEnded ? ended : missing(like));
    const model = openStudyModel(given, preprocessing);
    models.push(model);
    const opened = await model.open();
    if (!opened.ok) return opened;
    const key = keyOf(like);
    const isOf = (trial: Trial): boolean => keyOf(trial) === key;
    const runner = createStrategyRunner({
      study: { ...study, modelId: strategy.modelId, trials: study.trials.filter(isOf) },
      inputs: { ...inputs, ...given },
      callbacks,
      control,
      model,
      pool,
      book,
      evaluated,
      series,
    });
    const labels = inputs.data.dataset.items.map(({ label }) => (opened.value.hollow ? null : label));
    const hasMasks = inputs.data.dataset.masks !== undefined && !opened.value.hollow;
    return {
      ok: true,
      value: { model, runner, labels, hasMasks, isOf, like, reference: { kind: 'unknown' } },
    };
  }

  /** The files of a trial's model; null if they are not there. */
  function modelInputs({ strategy, preprocessing }: Trial): StudyModelInputs | null {
    if (strategy.modelId !== study.modelId) return inputs.otherModels?.get(strategy.modelId) ?? null;
    // What was learnt with other sizes of images is not of use here.
    const first = defined(
      study.trials.find((trial) => trial.strategy.modelId === study.modelId),
      'a trial',
    );
    if (JSON.stringify(first.preprocessing) === JSON.stringify(preprocessing)) return inputs;
    const { modelFile, fileName, externalFiles } = inputs;
    return { modelFile, fileName, externalFiles };
  }

  return {
    /** The bench of a trial; not ok if its model is not there or cannot be opened. */
    of: (trial: Trial): Promise<Result<Bench>> => {
      const key = keyOf(trial);
      const known = benches.get(key) ?? open(trial);
      benches.set(key, known);
      return known;
    },
    /** Gives the memory of models back that nothing is left to do with. */
    restIdle: async (isNeeded: (trial: Trial) => boolean): Promise<void> => {
      for (const opening of benches.values()) {
        const bench = await opening;
        if (bench.ok && !book.trials().some((trial) => bench.value.isOf(trial) && isNeeded(trial)))
          bench.value.model.rest();
      }
    },
    terminate: (): void => {
      isEnded = true;
      for (const model of models) model.terminate();
    },
  };
}

function keyOf({ strategy, preprocessing }: Trial): string {
  return `${strategy.modelId} ${JSON.stringify(preprocessing)}`;
}

const ended: Failure = { code: 'cancelled', message: 'The study was ended.' };

function missing({ modelName }: Trial): Failure {
  return {
    code: 'model-missing',
    message: `${modelName} is not on this device`,
    hint: 'Open it once, so that the lab keeps it, then measure again.',
  };
}
