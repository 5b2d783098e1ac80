import { InputError } from '../../base/result.ts';
import { looksAtImages, type PruneOperator, type UnstructuredPruneOperator } from './prune-operator.ts';

/**
 * Refuses what recipes can say of pruning and the lab cannot do yet.
 * @throws InputError `prune-not-yet`
 */
export function checkPruneWorks(operator: PruneOperator): asserts operator is UnstructuredPruneOperator {
  const missing = missingIn(operator);
  if (missing === null) return;
  throw new InputError({
    code: 'prune-not-yet',
    message: `prune: ${missing} cannot be done yet`,
    hint: 'Prune with "kind": "unstructured" and the importance "l1" or "random".',
  });
}

function missingIn(operator: PruneOperator): string | null {
  if (operator.kind === 'structured') return 'removing channels';
  if (operator.kind === 'block') return 'removing blocks';
  return looksAtImages(operator) ? 'looking at images' : null;
}
