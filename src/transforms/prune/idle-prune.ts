import { unreachable } from '../../base/assert.ts';
import type { PruneOperator } from './prune-operator.ts';

/** Whether an operator takes nothing away and corrects nothing, whatever the model is. */
export function isIdlePrune(operator: PruneOperator): boolean {
  switch (operator.kind) {
    case 'unstructured': {
      const { layers = [], ...all } = operator;
      return [all, ...layers].every(({ ratio, pattern }) => ratio === 0 && pattern === undefined);
    }
    case 'structured': {
      const { groups = [], recalibrate = [], ...all } = operator;
      return recalibrate.length === 0 && [all, ...groups].every(({ ratio }) => ratio === 0);
    }
    case 'block':
      return typeof operator.blocks !== 'number' && operator.blocks.length === 0;
    default:
      return unreachable(operator);
  }
}
