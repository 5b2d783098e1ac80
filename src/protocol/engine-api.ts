import type { Failure, Result } from '../base/result.ts';
import type { ShownImage } from '../data/input-preview.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { LiveAnswer } from '../study/live/live-tally.ts';
import type { ProfiledRun } from '../study/profile/cost-profile.ts';
import type { MaskAnswers, Predictions, Provider, Sample } from '../study/trial.ts';
import type { VariantPlan } from '../transforms/variant.ts';
import type { LoadedDataset } from './data-api.ts';
import type { ActivationPort } from './sketch-api.ts';

export interface EngineLoad {
  readonly plan: VariantPlan;
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  readonly provider: Provider;
  readonly threads: number;
  readonly data: LoadedDataset;
  readonly preprocessing: Preprocessing;
  /** The runtime notes what each node takes, for `profile`; costs a little time at each node. */
  readonly isProfiled?: boolean;
}

export interface EngineLoaded {
  readonly sessionCreateMs: number;
  readonly threadsUsed: number;
  readonly heapBytes: number;
  readonly warnings: readonly string[];
}

/** A picture that is now before the camera or on a video. */
export type LiveFrame = VideoFrame | ImageBitmap;

/** What became of a frame; null where it was not asked for. */
export interface FramePictures {
  readonly png: Blob | null;
  readonly seen: ShownImage | null;
}

/** In order of work, the final exit last. */
export interface ExitScoresPass {
  readonly classCount: number;
  readonly exits: readonly {
    readonly index: number;
    readonly output: string;
    readonly kind: 'logits' | 'probabilities';
    /** Row-major, shape [images, classes]. */
    readonly scores: Float32Array;
  }[];
}

export interface DecodedImages {
  /** Images of the pass that were decoded, in order. */
  readonly imageIndices: readonly number[];
  /** Why the first of the others was not; null if all were. */
  readonly undecodable: Failure | null;
}

/** What a gated model answered, see `EngineApi.gatedScores`. */
export interface GatedPass extends DecodedImages {
  /** With all gates open. */
  readonly whole: {
    /** Position of the best score of each image; -1: some are not numbers. */
    readonly best: Int32Array;
    /** Sum of the squares of all scores of each image. */
    readonly power: Float64Array;
  };
  /** For each setting, in order. */
  readonly settings: readonly GatedScores[];
}

/** The scores with some gates closed, compared with those with all open. */
export interface GatedScores {
  /** Position of the best score of each image; -1: some are not numbers. */
  readonly best: Int32Array;
  /** Sum of the squares of what each score differs by, for each image; NaN where scores are not numbers. */
  readonly noise: Float64Array;
}

export interface FeaturesPass extends DecodedImages {
  /** For each output, row-major, [images that were decoded, numbers of one image]. */
  readonly rows: readonly Float32Array[];
}

export interface ChannelMeansPass extends DecodedImages {
  readonly means: Float64Array;
}

/**
 * Served by `workers/engine.ts` (implementation `src/engine/engine-service.ts`): one worker per strategy,
 * since a WASM heap never shrinks and the thread count is fixed per context. End the worker to free it.
 */
export interface EngineApi {
  load(request: EngineLoad): Promise<Result<EngineLoaded>>;
  /**
   * Timed inferences over these images, in order; `round` and `warmUp` are copied into the samples, `sequence` counts
   * from `firstSequence`.
   * @param request `forMs`: the images are run again and again for so long, and at least as many samples as there are
   *   images, at most twice as many, are kept, evenly spread; left out: each image is run once
   */
  measure(request: {
    readonly imageIndices: readonly number[];
    readonly round: number;
    readonly warmUp: boolean;
    readonly firstSequence: number;
    readonly forMs?: number | undefined;
  }): Promise<Result<readonly Sample[]>>;
  /**
   * The accuracy pass.
   * @param preprocessing instead of the loaded one; its input shape and type must be the same
   */
  predict(
    imageIndices: readonly number[],
    onProgress: (done: number) => void,
    preprocessing?: Preprocessing,
  ): Promise<Result<Predictions>>;
  /**
   * The accuracy pass of models that name the class of every pixel; failure `not-segmentation` of others.
   * @param isLabelled whether answers are held against the images' masks
   */
  answerMasks(
    imageIndices: readonly number[],
    isLabelled: boolean,
    onProgress: (done: number) => void,
  ): Promise<Result<MaskAnswers>>;
  /**
   * The scores of every exit of every image. For plans whose thresholds are never reached, so that all exits are
   * (see `neverStopping`).
   */
  exitScores(
    imageIndices: readonly number[],
    onProgress: (done: number) => void,
  ): Promise<Result<ExitScoresPass>>;
  /**
   * What each node takes, over these images. Once, after a load with `isProfiled`; the first runs are the warm-up.
   * The files' nodes must be named after their first output.
   */
  profile(
    imageIndices: readonly number[],
    warmUpRuns: number,
    onProgress: (done: number) => void,
  ): Promise<Result<ProfiledRun>>;
  /**
   * Every output of the plan's first segment over these images, as rows; for `ModelApi.buildForFeatures`,
   * and for the extremes of `ModelApi.buildForCalibration`.
   * Images that cannot be decoded are passed over.
   */
  features(
    imageIndices: readonly number[],
    onProgress: (done: number) => void,
  ): Promise<Result<FeaturesPass>>;
  /**
   * The final scores of these images for each setting of the gates of a model, see `ModelApi.buildForGates`, compared
   * with those with all gates open; more settings, in later calls, cost no new session. Images that cannot be decoded
   * are passed over.
   * @param settings a number for each gate, 1 open, 0 closed
   * @param onProgress told of inferences
   */
  gatedScores(
    request: {
      readonly imageIndices: readonly number[];
      readonly gates: string;
      readonly settings: readonly Float32Array[];
    },
    onProgress: (done: number) => void,
  ): Promise<Result<GatedPass>>;
  /**
   * Hands what outputs of the plan's first segment hold to `sink`, an `ActivationSink`, image by image; for
   * `ModelApi.buildForCalibration`. Images that cannot be decoded are passed over.
   * @param inputs whose numbers come after those of the outputs
   */
  activations(
    request: {
      readonly imageIndices: readonly number[];
      readonly outputs: readonly string[];
      readonly inputs: readonly string[];
    },
    sink: ActivationPort,
    onProgress: (done: number) => void,
  ): Promise<Result<DecodedImages>>;
  /**
   * Means of the plan's one output over these images; for `ModelApi.buildForStatistics`.
   * Images that cannot be decoded are passed over.
   * @param batch images that go through the model at once, at most; their numbers are divided evenly
   */
  channelMeans(
    request: { readonly imageIndices: readonly number[]; readonly batch: number },
    onProgress: (done: number) => void,
  ): Promise<Result<ChannelMeansPass>>;
  /**
   * Classifies one frame, which is transferred and closed, prepared as the images of a dataset are.
   * @param request `keep`: also as a PNG of its very pixels, `show`: and as the network sees it; both are made when the
   * answer is there
   */
  classifyFrame(request: {
    readonly frame: LiveFrame;
    readonly keep: boolean;
    readonly show?: boolean;
  }): Promise<Result<LiveAnswer & FramePictures>>;
  heapBytes(): Promise<number>;
}
