import type { Failure } from '../base/result.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { QualityAxis } from '../study/metrics.ts';
import type { PruneTarget } from '../study/prune-target.ts';
import type { Asked } from '../study/recommend/wishes.ts';
import type { StudyProgress } from '../study/progress.ts';
import type { Provider } from '../study/trial.ts';

/** What to study. Files come through the page's inputs `#model-files` and `#data-files` or `#data-folder`. */
export interface HeadlessOptions {
  readonly model:
    | { readonly kind: 'sample' }
    | { readonly kind: 'zoo'; readonly name: string }
    /** The first file is the model, the others its external data, at these locations. */
    | { readonly kind: 'files'; readonly externalLocations: readonly string[] };
  readonly data: 'sample' | 'files' | 'folder' | 'noise';
  /** In place of model, recipes, provider, threads, protocol and sizes. */
  readonly plan?: PlanGiven;
  /** Recipes as JSON text; null: the default ones. */
  readonly recipes: string | null;
  /** Null: what suits this device. */
  readonly provider: Provider | null;
  readonly threads: number | null;
  readonly protocol: 'quick' | 'standard';
  /** What to look for in channels first; left out or null: nothing. */
  readonly channels?: ChannelsWanted | null;
  /** What sizes that the model leaves open are taken as; null: what suits the images. */
  readonly inputSize: CountedSize | null;
  /** How images are prepared where that is not to be guessed: JSON, see `givenPreprocessing`. */
  readonly preprocessing?: string;
  /** Limits and wish to advise on; left out: each wish, without limits. */
  readonly asked?: Asked;
  /** Whether nodes are profiled first, so that trials keep what they were expected to take and study.json the profile. */
  readonly isProfiled: boolean;
}

/** A plan, and the files of its models that the lab does not bring along. */
export interface PlanGiven {
  /** JSON. */
  readonly text: string;
  /** In the order of the files in `#model-files`, each model with its external data behind it. */
  readonly models: readonly PlanFile[];
}

/** A model's file and its external data, at these locations. */
export interface PlanFile {
  readonly modelId: string;
  readonly externalLocations: readonly string[];
}

/** Looks what each group of channels is worth, and finds ratios of groups for each target, to be measured, too. */
export interface ChannelsWanted {
  readonly targets: readonly PruneTarget[];
}

/** The files a study leaves. */
export type ReportName =
  | 'trials.csv'
  | 'samples.csv'
  | 'study.json'
  | 'front.svg'
  | 'predictions.csv'
  | 'comparisons.csv'
  | 'advice.txt'
  | 'advice.json'
  | 'recipes.json'
  | 'pruning-sensitivity.csv'
  | 'blocks.csv'
  | 'heads.json'
  | 'calibration.json'
  | 'statistics.json';

export type HeadlessState =
  | { readonly kind: 'idle' }
  | { readonly kind: 'working'; readonly progress: StudyProgress | null }
  | { readonly kind: 'done'; readonly summary: HeadlessSummary }
  | { readonly kind: 'failed'; readonly failure: Failure };

export interface HeadlessSummary {
  readonly model: string;
  readonly dataset: string;
  readonly preprocessing: Preprocessing | null;
  readonly provider: Provider;
  readonly threads: number;
  readonly wasCancelled: boolean;
  readonly trials: {
    readonly done: number;
    readonly unfinished: number;
    readonly failed: readonly { readonly strategy: string; readonly reason: string }[];
  };
  /** Axes of `front`: latency and accuracy, mean IoU of masks, or agreement without labels. */
  readonly quality: QualityAxis;
  readonly front: readonly {
    readonly strategy: string;
    readonly latencyMedianMs: number;
    readonly quality: number;
  }[];
  readonly elapsedMs: number;
}

/** `globalThis.paretoscopeHeadless` of a page opened with `#headless`: the lab without its interface. */
export interface HeadlessApi {
  start(options: HeadlessOptions): void;
  /** What happens, and the lines logged since the last call. */
  poll(): { readonly state: HeadlessState; readonly log: readonly string[] };
  /** Ends the study; what is measured so far becomes its result. */
  cancel(): void;
  /** A part of a report, as UTF-16 code units; empty at its end. Large reports are fetched in parts. */
  report(name: ReportName, from: number, to: number): string;
}
