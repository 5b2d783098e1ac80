import type { Preprocessing } from '../data/preprocessing.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { PresetId } from './design/preset-ids.ts';
import type { TierPlacement } from './placement/tiers.ts';

export type Provider = 'wasm' | 'webgpu' | 'webnn';

/** What is measured: a recipe on a model, on a provider. Its `id` is a hash of the rest. */
export interface Strategy {
  readonly id: string;
  readonly name: string;
  readonly modelId: string;
  readonly recipe: Recipe;
  readonly provider: Provider;
  readonly threads: number;
  /** Which tiers run its parts, emulated from what is measured here; left out: this device alone. */
  readonly placement?: TierPlacement;
  /** Of images, of models that leave it open; left out: what suits model and images. */
  readonly inputSize?: InputSize;
}

/** Height and width of a model's input, in pixels. */
export interface InputSize {
  readonly height: number;
  readonly width: number;
}

/** How a trial is measured. What is left out is as it was before that could be chosen. */
export interface Protocol {
  readonly name: 'quick' | 'standard' | 'custom';
  /** Of every new session; the least of them where `mostWarmUpRuns` is given. */
  readonly warmUpRuns: number;
  /** Warm-up goes on until latency is steady, at most so long; left out: always `warmUpRuns`, as papers do. */
  readonly mostWarmUpRuns?: number;
  /** How often each strategy is visited; with `stopping` at most. */
  readonly rounds: number;
  /** Timed inferences of a visit. */
  readonly samplesPerRound: number;
  /**
   * `interleaved` (left out): all strategies once per round, in random order. `sequential`: all rounds of one strategy,
   * then those of the next, in the order of the study.
   */
  readonly order?: 'interleaved' | 'sequential';
  /** When a session is made anew, to be warmed up again; left out: only where the memory for all does not suffice. */
  readonly rebuildSessions?: 'each-strategy' | 'each-round';
  /** Images that are timed; left out: any. `largest`: those of the largest files, of equal ones the first. */
  readonly images?: { readonly kind: 'largest'; readonly count: number };
  /** `all-images`: a visit times every image once, in order, instead of `samplesPerRound` drawn ones. */
  readonly perRound?: 'drawn-images' | 'all-images';
  /** How often the accuracy pass is made; left out: once. */
  readonly accuracyRepetitions?: number;
  /** Ends a strategy's rounds early. */
  readonly stopping?: StoppingRule;
  /** Each strategy runs without rest for so long, in `rounds` equal parts of which `samplesPerRound` or more are kept. */
  readonly sustained?: { readonly durationMs: number };
  /**
   * Timed inferences of the reference, the unchanged model, after every few visits of others, strategy after strategy
   * between them, to tell whether the device changed; left out: none.
   */
  readonly referenceSamples?: number;
  /** Images of the accuracy pass; null: all. */
  readonly accuracyImages: number | null;
  /** Seed of order and image choice. */
  readonly seed: number;
}

/** When a strategy is known well enough. All three are decided from what was measured, so that it can be resumed. */
export interface StoppingRule {
  /** The 95 % interval of the median reaches at most this share of it to either side, 0.03 for 3 %. */
  readonly halfWidth: number;
  /** Rounds that every strategy gets before that is asked. */
  readonly leastRounds: number;
  /** No new round begins when the timed inferences of all strategies together took so long. */
  readonly budgetMs: number;
}

export interface Environment {
  readonly userAgent: string;
  readonly platform: string;
  readonly crossOriginIsolated: boolean;
  readonly hardwareConcurrency: number;
  readonly deviceMemoryGb: number | null;
  readonly timerResolutionUs: number;
  readonly wasm: { readonly simd: boolean; readonly threads: boolean; readonly maxHeapBytes: number };
  readonly webgpu:
    | {
        readonly available: true;
        readonly adapter: string;
        readonly isFallback: boolean;
        readonly shaderF16: boolean;
        readonly maxBufferBytes: number;
      }
    | { readonly available: false; readonly reason: string };
  readonly webnn:
    | { readonly available: true; readonly devices: readonly string[] }
    | { readonly available: false; readonly reason: string };
  readonly storage: {
    readonly quotaBytes: number;
    readonly usedBytes: number;
    readonly persisted: boolean;
  } | null;
  /** What the browser tells of the device while it works; studies of earlier versions have none. */
  readonly signals?: { readonly battery: DeviceSignal; readonly pressure: DeviceSignal };
  readonly runtimeVersion: string;
  readonly appVersion: string;
}

/** Whether the browser tells something, else why not. */
export type DeviceSignal =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string };

/** One timed inference: a row of samples.csv. All times in milliseconds. */
export interface Sample {
  readonly round: number;
  /** Order of execution over the whole study, from 0. */
  readonly sequence: number;
  /** Unix time at the start. */
  readonly startedAtMs: number;
  readonly imageIndex: number;
  readonly warmUp: boolean;
  /** Only to see whether the device changes: no statistic of the trial uses it. */
  readonly reference?: true;
  readonly decodeMs: number;
  readonly preprocessMs: number;
  /** Compute of each segment that ran, in order; shorter than the plan if an exit was taken. */
  readonly segmentMs: readonly number[];
  readonly postprocessMs: number;
  /** Start to end of compute only: what 'latency' means in the front. */
  readonly computeMs: number;
  /** Decode to post-process. */
  readonly totalMs: number;
  /** Exit taken, as index in `GraphView.exits`; null for a model with one output. */
  readonly exitIndex: number | null;
  /** What it would have taken on the strategy's placement; left out where everything was measured. */
  readonly emulated?: EmulatedTimes;
}

/** Calculated from measured times, see `placement/emulate.ts`. All times in milliseconds; `totalMs` is their sum. */
export interface EmulatedTimes {
  readonly decodeMs: number;
  readonly preprocessMs: number;
  /** Of all tiers. */
  readonly computeMs: number;
  /** Of each tier of the placement, in order; studies of earlier versions have none. */
  readonly tierMs?: readonly number[];
  readonly transferBytes: number;
  readonly transferMs: number;
  readonly postprocessMs: number;
  readonly totalMs: number;
}

/** The best class where scores are NaN: no class is better than another. */
export const NO_CLASS = -1;

/** Predictions of the accuracy pass, one entry per image. */
export interface Predictions {
  readonly imageIndices: readonly number[];
  /** Best class of each image, in the model's numbering; `NO_CLASS` where the scores are not numbers. */
  readonly top1: readonly number[];
  /** Five best classes of each image (fewer if the model has fewer), best first. */
  readonly top5: readonly (readonly number[])[];
  readonly confidence: readonly number[];
  readonly exitIndex: readonly (number | null)[];
  /**
   * Label of each image in the dataset's numbering, see `Preprocessing.classOffset`; null where it has none. Left out
   * by studies of earlier versions, which cannot tell image by image what was right.
   */
  readonly labels?: readonly (number | null)[];
}

/** Answers of the accuracy pass of a model that names the class of every pixel, one entry per image. */
export interface MaskAnswers {
  readonly imageIndices: readonly number[];
  readonly exitIndex: readonly (number | null)[];
  /** Held against the image's mask; null where it has none. */
  readonly counts: readonly (ClassPixels | null)[];
  /**
   * Held against the unchanged model's answers; null where either were not kept. Left out until that ran.
   */
  readonly agreement?: readonly (ClassPixels | null)[];
  /** The answers themselves; null where there were too many to keep. */
  readonly masks: readonly (PackedMask | null)[];
}

/**
 * Pixels of an image by class, four numbers for each class that occurs: its number as labels have it, pixels that both
 * name so, that the answer names so, that are so. Pixels without a class are not counted.
 */
export type ClassPixels = readonly number[];

/** Classes of pixels as labels number them, see `packMask`. */
export interface PackedMask {
  readonly width: number;
  readonly height: number;
  readonly runs: string;
}

export interface Accuracy {
  readonly images: number;
  /** Images of these that have a label: what the correct ones are a share of. */
  readonly labelledImages: number;
  /** Images whose label matched; null when there are no labels. */
  readonly top1Correct: number | null;
  /** Null also for models with fewer than five classes. */
  readonly top5Correct: number | null;
  /** Images on which it predicts what the unchanged model predicts; null until that ran. */
  readonly agreeing: number | null;
}

/** What a strategy was expected to give, to stand beside what was measured. */
export interface PredictedOutcome {
  /** Share of the labelled images; null without labels. */
  readonly accuracyTop1: number | null;
  /** Share of the images on which it predicts what the final exit predicts; null where labels told the accuracy. */
  readonly agreement: number | null;
  readonly latencyMeanMs: number;
  /** Decode to answer; left out where only the latency was expected. */
  readonly totalMeanMs?: number;
  /** What the times rest on; left out for the pass over all exits. */
  readonly basis?: PredictionBasis;
}

/** Each node measured on this device, or the whole model's time shared out by multiply-accumulates. */
export type PredictionBasis = 'nodes' | 'whole-model';

/** Everything measured about one strategy. Facts only: medians, intervals and the front are derived. */
export interface Trial {
  readonly id: string;
  readonly studyId: string;
  readonly strategy: Strategy;
  readonly modelName: string;
  readonly datasetId: string;
  readonly datasetName: string;
  readonly preprocessing: Preprocessing;
  readonly protocol: Protocol;
  readonly environment: Environment;
  readonly startedAtMs: number;
  readonly finishedAtMs: number | null;
  readonly state:
    | { readonly kind: 'queued' }
    | { readonly kind: 'running'; readonly roundsDone: number }
    | { readonly kind: 'done' }
    | { readonly kind: 'failed'; readonly code: string; readonly message: string };
  readonly samples: readonly Sample[];
  readonly predictions: Predictions | null;
  readonly accuracy: Accuracy | null;
  /** In place of predictions and accuracy, of models that name the class of every pixel. */
  readonly maskAnswers?: MaskAnswers;
  /** Of every accuracy pass, in order, the first included; left out where there was one. */
  readonly accuracyRuns?: readonly Accuracy[];
  /** How each of its sessions warmed up, in order; studies of earlier versions have none. */
  readonly warmUps?: readonly WarmUp[];
  /** What the browser told of the device while it ran; left out where it told nothing. */
  readonly events?: readonly DeviceEvent[];
  /** What was expected before it ran; left out where nothing was. */
  readonly predicted?: PredictedOutcome;
  readonly size: {
    readonly rawBytes: number;
    /** The files, each gzipped (level 6), summed; null as long as it is not known. */
    readonly gzipBytes: number | null;
    /** The same with tensors in a simple sparse encoding, see `sparseByteLength`; left out as long as it is not known. */
    readonly sparseBytes?: number;
    readonly params: number;
    readonly nonZeroParams: number;
    /** MACs if no exit is taken. */
    readonly macs: number;
    /** MACs cumulated to each exit, by `exitIndex`; for expected MACs. */
    readonly macsToExit: readonly { readonly exitIndex: number; readonly macs: number }[];
  } | null;
  /** Compression time: making the variant's files from the model. */
  readonly buildMs: number | null;
  /** What comes on top: learning the ranges of values, for static quantization. Shared by trials that need the same. */
  readonly calibrationMs?: number | null;
  /** What training its exits took, whenever that was, with the pass over images; shared likewise. */
  readonly trainingMs?: number | null;
  readonly sessionCreateMs: number | null;
  /** Peak WASM heap of the worker that ran it. */
  readonly heapBytes: number | null;
  readonly warnings: readonly string[];
}

/** How a new session warmed up. */
export interface WarmUp {
  /** `sequence` of its first run. */
  readonly firstSequence: number;
  readonly runs: number;
  /** Runs before latency was steady; null: it never was, or is not known of so few. */
  readonly steadyFrom: number | null;
  /** `fixed`: it ended after the runs that the protocol names, steady or not. */
  readonly state: 'steady' | 'never-steady' | 'fixed';
}

/** Something that may change how fast the device is, at a Unix time in milliseconds. */
export type DeviceEvent =
  | { readonly kind: 'page-hidden' | 'page-shown' | 'paused'; readonly atMs: number }
  /** The share of the charge that is left, 0 to 1. */
  | { readonly kind: 'battery'; readonly atMs: number; readonly level: number; readonly charging: boolean }
  | {
      readonly kind: 'pressure';
      readonly atMs: number;
      readonly state: 'nominal' | 'fair' | 'serious' | 'critical';
    };

/** A study: what was planned, on what, and what came out. `study.json` is this, with `format`. */
export interface Study {
  readonly format: 'paretoscope-study';
  readonly formatVersion: 1;
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  /** What people call the device that measured; left out: what the browser tells of it. */
  readonly deviceName?: string;
  /** Of the only model, or the first of `models`. */
  readonly modelId: string;
  readonly modelName: string;
  /** All models, where there are several. */
  readonly models?: readonly StudiedModel[];
  readonly datasetId: string;
  readonly datasetName: string;
  readonly classNames: readonly string[];
  readonly protocol: Protocol;
  /** What it was planned from; left out: nothing of the kind. */
  readonly preset?: PresetId;
  readonly trials: readonly Trial[];
  /** What the model's nodes take on the device; left out where that was not measured. */
  readonly profiles?: readonly DeviceProfile[];
}

/** A model of a study or plan: its fingerprint, and what people know it by. */
export interface StudiedModel {
  readonly modelId: string;
  /** File name. */
  readonly modelName: string;
  /** Where the lab itself has it, as the command line takes it: `sample` or `zoo:NAME`; left out: a file of the user. */
  readonly source?: string;
}

/** What the nodes of a model take on a device. All times in milliseconds. */
export interface DeviceProfile {
  readonly provider: Provider;
  readonly threads: number;
  /** Of the kernels; empty: the model's own. */
  readonly arithmetic: string;
  /** By `NodeView.index`; with `startMs` their sum is the time of the whole. */
  readonly nodeMs: readonly number[];
  /** What sessions cost besides, see `SessionCosts`; studies of earlier versions have none. */
  readonly startMs?: number;
  readonly handOverMs?: number;
  readonly handOverMsPerByte?: number;
  readonly decodeMs: number;
  readonly preprocessMs: number;
  readonly postprocessMs: number;
  /** Size of an encoded image. */
  readonly imageBytes: number;
}
