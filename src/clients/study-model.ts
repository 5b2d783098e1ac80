import type { Result } from '../base/result.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { Study } from '../study/trial.ts';
import { openModelClient } from './model-client.ts';
import type { StudyInputs } from './run-study.ts';

/** See `openStudyModel`. */
export type StudyModel = ReturnType<typeof openStudyModel>;

/**
 * A study's model in a worker. Where that dies, what it was doing is lost, and another takes over for what comes
 * after.
 */
export function openStudyModel(study: Study, { modelFile, fileName, externalFiles, heads }: StudyInputs) {
  let client = openModelClient();
  let [isEnded, isRestarted] = [false, false];
  const open = async (): ReturnType<ModelApi['open']> => {
    // As they are to run: automatic cuts are found at the size of the images.
    const { preprocessing } = study.trials[0] ?? {};
    const opened = await client.api.open(modelFile, fileName, externalFiles, preprocessing);
    if (opened.ok && heads) await client.api.useHeads(heads);
    return opened;
  };
  return {
    open,
    call: async <T>(work: (api: ModelApi) => Promise<Result<T>>): Promise<Result<T>> => {
      const outcome = await work(client.api);
      if (outcome.ok || isEnded || !outcome.failure.code.startsWith('worker-')) return outcome;
      client.terminate();
      client = openModelClient();
      isRestarted = true;
      await open();
      return outcome;
    },
    /** Whether another worker has taken over since this was last asked. */
    takeRestarted: (): boolean => {
      const was = isRestarted;
      isRestarted = false;
      return was;
    },
    terminate: (): void => {
      isEnded = true;
      client.terminate();
    },
  };
}
