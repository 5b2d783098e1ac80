import type { GraphView } from '../../onnx/graph-view.ts';
import type { NamedRecipe, Operator, TrainedExitOperator } from '../../transforms/recipe.ts';
import type { PlacementName } from '../placement/tiers.ts';
import type { LeftOut } from '../strategy-sets.ts';
import type { Protocol } from '../trial.ts';
import type { PresetId } from './preset-ids.ts';
import type { PresetMetric } from './preset-metrics.ts';

/** A whole study: what is compared, how it is measured, and what is told of it. */
export interface StudyPreset {
  readonly id: PresetId;
  readonly title: string;
  /** Authors of the study that it follows; null: the lab's own. */
  readonly source: string | null;
  /** What is compared, in one sentence. */
  readonly note: string;
  /** How the study measures, sentence by sentence, as its authors did. */
  readonly steps: readonly string[];
  /** What is told of each strategy, and where. */
  readonly metrics: readonly PresetMetric[];
  /** What is done otherwise here than in the source, and why. */
  readonly differences: readonly string[];
  /** @param images how many are open */
  readonly protocol: (images: number) => Protocol;
  /** Null: this device alone. */
  readonly placements: readonly (PlacementName | null)[];
  /** Whether a recipe is meant for a placement; cells of others are excluded at first. Left out: all are. */
  readonly isPlaced?: (parts: number, placement: PlacementName | null) => boolean;
  readonly recipesFor: (model: PresetModel) => PresetRecipes;
}

/** What a preset chooses recipes by. */
export interface PresetModel {
  readonly view: GraphView;
  /** The trained exits whose heads are there; null: none. */
  readonly trained: Pick<TrainedExitOperator, 'at' | 'seed'> | null;
  /** What the user has listed and ticked for the model; empty: nothing. */
  readonly chosen: readonly NamedRecipe[];
}

export interface PresetRecipes {
  readonly recipes: readonly NamedRecipe[];
  /** What belongs to the study and this model cannot give, or gives otherwise. */
  readonly leftOut: readonly LeftOut[];
}

/** The unchanged model. */
export const whole: NamedRecipe = { name: 'identity', recipe: [{ op: 'identity' } satisfies Operator] };

/** What the protocols of presets have in common. */
export const PRESET_BASE = { name: 'custom', seed: 1, accuracyImages: null } as const;
