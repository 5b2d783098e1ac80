import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import { normaliseRecipe } from '../transforms/parse-recipe.ts';
import type { NamedRecipe } from '../transforms/recipe.ts';
import type { TierPlacement } from './placement/tiers.ts';
import type { InputSize, Provider, Strategy } from './trial.ts';

/**
 * A strategy under the hash of everything that decides what is run: its name for people does not count, nor how
 * its recipe is written.
 * @param modelId see `GraphView.modelId`
 * @param placement null: this device alone
 * @param inputSize null: what suits model and images
 */
export function makeStrategy(
  modelId: string,
  named: NamedRecipe,
  provider: Provider,
  threads: number,
  placement: TierPlacement | null = null,
  inputSize: InputSize | null = null,
): Strategy {
  const { name } = named;
  const recipe = normaliseRecipe(named.recipe);
  // What is left out leaves the hash as it always was.
  const place = { ...(placement && { placement }), ...(inputSize && { inputSize }) };
  const id = contentHash({ modelId, recipe, provider, threads, ...place });
  return { id, name, modelId, recipe, provider, threads, ...place };
}

/** 16 hex digits of the SHA-256 of a value's JSON with sorted keys, so that key order does not matter. */
export function contentHash(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
  return bytesToHex(sha256(new TextEncoder().encode(text))).slice(0, 16);
}
