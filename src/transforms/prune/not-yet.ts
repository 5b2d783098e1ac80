import { InputError } from '../../base/result.ts';
import { type BlockPruneOperator, looksAtImages, type PruneOperator } from './prune-operator.ts';

/**
 * Refuses what recipes can say of pruning and the lab cannot do yet.
 * @throws InputError `prune-not-yet`
 */
export function checkPruneWorks(
  operator: PruneOperator,
): asserts operator is Exclude<PruneOperator, BlockPruneOperator> {
  const missing = missingIn(operator);
  if (missing === null) return;
  throw new InputError({
    code: 'prune-not-yet',
    message: `prune: ${missing} cannot be done yet`,
    hint: 'Prune with "kind": "unstructured" or "structured" and an importance that weights tell, such as "l1".',
  });
}

/** Whether it can be done. */
export function worksYet(operator: PruneOperator): boolean {
  return missingIn(operator) === null;
}

function missingIn(operator: PruneOperator): string | null {
  if (operator.kind === 'block') return 'removing blocks';
  return looksAtImages(operator) ? 'looking at images' : null;
}
