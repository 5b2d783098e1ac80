import type { Result } from '../base/result.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { FormTrial } from '../study/forms/choose-form.ts';
import type { FormFigures } from '../study/forms/form-figures.ts';
import type { StaticFormId } from '../study/forms/forms.ts';
import type { PruneCurve, PrunedCosts, PruneQuestion } from '../study/prune-curves.ts';
import type { NodeTimes, PrunePlan } from '../study/prune-plan.ts';
import type { PruneSubject } from '../study/prune-subjects.ts';
import type { PruneTarget } from '../study/prune-target.ts';
import type { Compared } from '../study/quality/compared.ts';
import type { ComparisonModels } from '../study/quality/comparison-models.ts';
import type { TrainedHead } from '../transforms/exits/trained-head.ts';
import type { GroupView } from '../transforms/prune/channels/group-view.ts';
import type { GatedModel } from '../transforms/prune/gated-model.ts';
import type { GatedQuestion, RemovableBlocks } from '../transforms/prune/gated-recipe.ts';
import type { StructuredPruneOperator } from '../transforms/prune/prune-operator.ts';
import type { ChannelStatistics } from '../transforms/prune/statistics/channel-statistics.ts';
import type { MissingStatistics } from '../transforms/prune/statistics/missing-statistics.ts';
import type { Calibration } from '../transforms/quantize/calibrate/calibration.ts';
import type { ScannedPrecision } from '../transforms/quantize/mixed-operator.ts';
import type { SensitivityUnit } from '../transforms/quantize/sensitivity-units.ts';
import type { Recipe } from '../transforms/recipe.ts';
import type { VariantPlan } from '../transforms/variant.ts';

/** Served by `workers/model.ts` (implementation `src/engine/model-service.ts`). One model per worker. */
export interface ModelApi {
  /**
   * Reads the model's structure, not its weights.
   * @param externalFiles files given along, by the location name the model uses
   * @param size what sizes that the model leaves open are counted as
   */
  open(
    file: Blob,
    fileName: string,
    externalFiles: readonly { readonly location: string; readonly file: Blob }[],
    size?: CountedSize,
  ): Promise<Result<GraphView>>;
  /** Counts the open model at another size, from now on; automatic cuts may lie elsewhere then. */
  countAt(size: CountedSize): Promise<Result<GraphView>>;
  /** Why a recipe cannot be applied, or `null` if it can; cheap, no weights touched. */
  check(recipe: Recipe): Promise<Result<null>>;
  /** Builds a variant's files. The blobs are readable from any worker. */
  build(recipe: Recipe): Promise<Result<BuiltVariant>>;
  /**
   * The model with every node named after its first output: what `EngineApi.profile` needs.
   * @param arithmetic a recipe that changes how nodes compute, such as quantizing; the nodes it adds are named after
   * those they stand for
   */
  buildForProfile(arithmetic?: Recipe): Promise<Result<BuiltFiles>>;
  /**
   * A variant as `build` makes it, except that every node is named after the model's node that it stands for: what
   * `EngineApi.profile` needs to compare variants.
   */
  buildToExplain(recipe: Recipe): Promise<Result<BuiltFiles>>;
  /**
   * The model whose outputs are the pooled features of these values, in order, and its own scores: what
   * `EngineApi.features` runs to train exits.
   * @param backbone what is done to the model before, see `backboneOf`
   */
  buildForFeatures(values: readonly string[], backbone: Recipe): Promise<Result<BuiltFiles>>;
  /**
   * The float model that a recipe calibrates, whose outputs are the values whose ranges its static
   * quantize operator needs: what `EngineApi.activations` runs.
   * @param others recipes that calibrate the same model; their values are looked at in the same pass
   * @param shows `extremes`: one output, see `extremesIn`, instead of the numbers themselves
   */
  buildForCalibration(
    recipe: Recipe,
    others: readonly Recipe[],
    shows: 'numbers' | 'extremes',
  ): Promise<Result<CalibrationFiles>>;
  /** Whether the ranges that a recipe needs are known: true for those without static quantization. */
  isCalibrated(recipe: Recipe): Promise<Result<boolean>>;
  /** Gives the model the ranges that static quantization needs, in place of those given before. */
  useCalibrations(calibrations: readonly Calibration[]): Promise<Result<null>>;
  /**
   * Tells the model what forms take where its variants are to run, from now on: what `"format": "auto"` means in
   * every recipe; null: it is not known.
   */
  useForms(figures: FormFigures | null): Promise<Result<null>>;
  /** What to time before `auto` in a recipe is decided, by figures in use; null: nothing, or there are none. */
  formTrial(recipe: Recipe): Promise<Result<FormTrial | null>>;
  /**
   * The whole model in one of a trial's forms, with ranges that were not calibrated: to be timed, as good for that as
   * others, and for nothing else. Null: as it is.
   */
  buildInForm(trial: FormTrial, form: StaticFormId | null): Promise<Result<BuiltFiles>>;
  /**
   * The float model of a recipe and what the recipe makes of it, showing the values that both compute: what
   * `EngineApi.activations` runs for a `CompareApi`.
   * @param recipe one that gives one file: see `recipeToCompare`
   * @param values those to show; null: all
   */
  buildForComparison(recipe: Recipe, values: readonly string[] | null): Promise<Result<ComparisonFiles>>;
  /**
   * The weights that such a recipe changed.
   * @param weight one, with its histograms; null: all, without
   */
  compareWeights(recipe: Recipe, weight: string | null): Promise<Result<readonly Compared[]>>;
  /**
   * The model that shows what a recipe's pruning has to know of channels on images, and does not yet: what
   * `EngineApi.channelMeans` runs. Later statistics rest on earlier ones, so it is asked until nothing is missing.
   * @returns null if nothing is
   */
  buildForStatistics(recipe: Recipe): Promise<Result<StatisticsFiles | null>>;
  /** Gives the model statistics of channels, in place of those given before. */
  useStatistics(statistics: readonly ChannelStatistics[]): Promise<Result<null>>;
  /** The layers and blocks that a scan of a recipe looks at, see `recipeToScan`; reads their weights. */
  sensitivityUnits(recipe: Recipe): Promise<Result<readonly SensitivityUnit[]>>;
  /** The probe of some of these units, see `sensitivityProbe`: what `EngineApi.features` runs. */
  buildForSensitivity(
    recipe: Recipe,
    precision: ScannedPrecision,
    units: readonly SensitivityUnit[],
  ): Promise<Result<BuiltFiles>>;
  /**
   * The groups of channels of the open model, as they are before a recipe's first operator that is about channels, and
   * what it does to each.
   */
  channelGroups(recipe: Recipe): Promise<Result<readonly GroupView[]>>;
  /** The blocks that can be left out of what a recipe makes, see `recipeToGate`. */
  removableBlocks(recipe: Recipe): Promise<Result<RemovableBlocks>>;
  /** The model that a recipe makes with gates, see `recipeToGate`: what `EngineApi.gatedScores` runs. */
  buildForGates(recipe: Recipe, question: GatedQuestion): Promise<Result<GatedFiles>>;
  /**
   * What a scan of the channels that a recipe may remove asks, see `pruneQuestions`; ranks them, which reads weights.
   */
  pruneQuestions(recipe: Recipe): Promise<Result<PruneQuestions>>;
  /** The gates that are open while some of these are asked, for a gated model of what comes before in the recipe. */
  pruneGates(recipe: Recipe, questions: readonly PruneQuestion[]): Promise<Result<readonly Float32Array[]>>;
  /** The gates that are open while operators stand in place of the recipe's that removes channels. */
  plannedGates(
    recipe: Recipe,
    operators: readonly StructuredPruneOperator[],
  ): Promise<Result<readonly Float32Array[]>>;
  /** Ratios of groups for a target, see `planPruning`. */
  planPruning(
    recipe: Recipe,
    curves: readonly PruneCurve[],
    target: PruneTarget,
    nodeMs: NodeTimes | null,
  ): Promise<Result<PrunePlan>>;
  /** Gives the model the heads that recipes with trained exits need, in place of those given before. */
  useHeads(heads: readonly TrainedHead[]): Promise<Result<null>>;
  /**
   * How small a variant's files can be packed. Keeps a core busy for seconds where files are large: not to be asked
   * while anything is timed.
   */
  packedBytes(recipe: Recipe): Promise<Result<PackedBytes>>;
  /**
   * The graph of one of a variant's files as it would be drawn, for before/after views.
   * @param fileIndex from 0, in order of the segments; the last one if there are not so many
   * @returns also the names of all its files
   */
  view(recipe: Recipe, fileIndex?: number): Promise<Result<VariantView>>;
}

/** A model with gates: see `gatedModel`. */
export interface GatedFiles extends BuiltFiles, Pick<GatedModel, 'gates' | 'gateCount' | 'firstBlock'> {}

export interface PruneQuestions {
  readonly subjects: readonly PruneSubject[];
  /** Those that tell most first. */
  readonly questions: readonly PruneQuestion[];
  readonly whole: PrunedCosts;
}

export interface CalibrationFiles extends BuiltFiles {
  /**
   * What is looked at, by its names in the model: what each output of the plan's one segment holds, in order, or all
   * that its only one tells of.
   */
  readonly values: readonly string[];
  /** Inputs whose ranges are needed, too. */
  readonly inputs: readonly string[];
}

export interface StatisticsFiles
  extends BuiltFiles,
    Pick<MissingStatistics, 'kind' | 'of' | 'samples' | 'observed' | 'batch'> {}

/** Two models whose outputs show the same values: see `CompareApi.receive`. */
export interface ComparisonFiles extends Pick<ComparisonModels, 'values' | 'unrounded' | 'ranges'> {
  readonly original: BuiltFiles;
  readonly variant: BuiltFiles;
}

/** Sums over a variant's files. */
export interface PackedBytes {
  /** Each gzipped, level 6. */
  readonly gzipBytes: number;
  /** With tensors in a simple sparse encoding, see `sparseByteLength`. */
  readonly sparseBytes: number;
}

/** One of a variant's graphs, and what all its files are together. */
export interface VariantView extends Pick<BuiltFiles, 'rawBytes' | 'params' | 'macs'> {
  readonly view: GraphView;
  readonly fileNames: readonly string[];
}

/** A variant with all that is known before running it. */
export interface BuiltVariant extends BuiltFiles {
  readonly nonZeroParams: number;
}

/**
 * A variant's files as blobs with all that is known without reading its weights. New bytes are in memory, or in OPFS
 * where they are many; weights that stay as they are remain where the model's file is.
 */
export interface BuiltFiles {
  readonly recipe: Recipe;
  readonly plan: VariantPlan;
  readonly files: readonly { readonly name: string; readonly blob: Blob }[];
  readonly rawBytes: number;
  readonly params: number;
  readonly macs: number;
  readonly cuts: readonly {
    readonly afterSegment: number;
    readonly crossing: VariantPlan['segments'][number]['outputs'];
  }[];
  readonly buildMs: number;
  readonly warnings: readonly string[];
}
