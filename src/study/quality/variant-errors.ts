import type { ValueRange } from '../../transforms/quantize/quantization.ts';
import type { Recipe } from '../../transforms/recipe.ts';
import type { Compared } from './compared.ts';

/** A value of the float model, and what becomes of it in the variant. */
export interface ComparedValue extends Compared {
  /** What its integers can hold; null where it is not in integers. */
  readonly range: ValueRange | null;
}

/** A variant compared with its float model, value by value and weight by weight. */
export interface VariantErrors {
  /** As `recipeToCompare` gives it. */
  readonly recipe: Recipe;
  /** Images that were run. */
  readonly images: number;
  readonly values: readonly ComparedValue[];
  readonly weights: readonly Compared[];
}
