import type { Result } from '../base/result.ts';
import type { Compared } from '../study/quality/compared.ts';
import type { ActivationPort } from './sketch-api.ts';

/**
 * Served by `workers/compare.ts` (implementation `src/engine/compare-service.ts`): what becomes of values in a
 * variant, image by image. Whoever is ahead waits, so that one image's numbers of each model are there at a time.
 */
export interface CompareApi {
  /**
   * Takes what two engines send through ports, to which an `ActivationSink` is exposed each.
   * @param values in the order in which both send them
   * @param unrounded for each value, where the variant sends it once more before it is rounded; null: it does not
   */
  receive(
    original: ActivationPort,
    variant: ActivationPort,
    values: readonly string[],
    unrounded: readonly (number | null)[],
    withHistograms: boolean,
  ): Promise<Result<null>>;
  outcome(): Promise<Result<readonly Compared[]>>;
}
