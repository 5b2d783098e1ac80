import { failed, ok, type Result } from '../base/result.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { ModelApi } from '../protocol/model-api.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import { type ModelClient, openModelClient } from './model-client.ts';

/** A model of a study, with what is known of it. */
export interface StudyModelInputs {
  readonly modelFile: Blob;
  readonly fileName: string;
  readonly externalFiles: readonly { readonly location: string; readonly file: Blob }[];
  /** What recipes with trained exits need. */
  readonly heads?: readonly TrainedHead[];
  /** What is known of the ranges that static quantization needs; what is missing is calibrated. */
  readonly calibrations?: readonly Calibration[];
  /** What is known of channels that pruning looks at; what is missing is looked at. */
  readonly statistics?: readonly ChannelStatistics[];
}

/** See `openStudyModel`. */
export type StudyModel = ReturnType<typeof openStudyModel>;

/**
 * A study's model in a worker, opened when it is first asked something. Where that dies, what it was doing is lost, and
 * another takes over for what comes after.
 * @param preprocessing what open sizes are counted at, as they are to run: automatic cuts are found there
 */
export function openStudyModel(
  { modelFile, fileName, externalFiles, heads }: StudyModelInputs,
  preprocessing: Preprocessing | undefined,
) {
  let client: ModelClient | null = null;
  let [isEnded, isRestarted] = [false, false];
  /** Starts a worker with the model; one that cannot open it is of no use. */
  const open = async (): Promise<Result<GraphView>> => {
    if (isEnded) return failed({ code: 'cancelled', message: 'The study was ended.' });
    const fresh = openModelClient();
    client = fresh;
    const opened = await fresh.api.open(modelFile, fileName, externalFiles, preprocessing);
    if (opened.ok && heads) await fresh.api.useHeads(heads);
    if (!opened.ok) rest();
    return opened;
  };
  const rest = (): void => {
    client?.terminate();
    client = null;
  };
  return {
    open,
    call: async <T>(work: (api: ModelApi) => Promise<Result<T>>): Promise<Result<T>> => {
      const opened = client === null ? await open() : ok(null);
      if (!opened.ok || client === null) return opened.ok ? failed(notOpen) : opened;
      const outcome = await work(client.api);
      if (outcome.ok || isEnded || !outcome.failure.code.startsWith('worker-')) return outcome;
      rest();
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
    /** Gives the worker's memory back until it is asked something again. */
    rest,
    terminate: (): void => {
      isEnded = true;
      rest();
    },
  };
}

const notOpen = { code: 'worker-ended', message: 'The model is not open any more.' };
