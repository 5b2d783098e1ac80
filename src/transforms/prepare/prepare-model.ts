import { unreachable } from '../../base/assert.ts';
import type { Model } from '../../onnx/model.ts';
import { standardOpset } from '../graph-names.ts';
import { convertOpset } from './convert-opset.ts';
import { equaliseLayers } from './equalise-layers.ts';
import { foldBatchNorm } from './fold-batch-norm.ts';
import { foldWeights } from './fold-weights.ts';
import { prepareLabel, type PrepareOperator } from './prepare-operator.ts';
import type { Prepared } from './prepared.ts';

/**
 * What an operator makes of a model whose constants are folded.
 * @param kept values that the rest of the recipe names
 * @param purpose `check`: weights are neither read nor changed
 * @returns also a sentence on what was done
 * @throws InputError `opset-too-old`
 */
export function prepareModel(
  model: Model,
  operator: PrepareOperator,
  kept: ReadonlySet<string>,
  purpose: 'check' | 'build',
): { readonly model: Model; readonly note: string } {
  const opset = standardOpset(model);
  if (operator.kind === 'convert-opset' && opset >= (operator.version ?? 0)) {
    return { model, note: `${prepareLabel(operator)}: the model has ${opset} already and stays as it is.` };
  }
  const prepared = preparedBy(model, operator, kept, purpose);
  const { changed, left } = prepared;
  const reasons = [...new Set(left.map(({ reason }) => reason))].slice(0, 2).join('; ');
  const rest = left.length === 0 ? '' : `; ${left.length} left as they are (${reasons})`;
  return { model: prepared.model, note: `${prepareLabel(operator)}: ${changed} changed${rest}.` };
}

function preparedBy(
  model: Model,
  { kind, version = 0 }: PrepareOperator,
  kept: ReadonlySet<string>,
  purpose: 'check' | 'build',
): Prepared {
  switch (kind) {
    case 'fold-constants':
      return foldWeights(model);
    case 'fold-batch-norm':
      return foldBatchNorm(model, kept);
    case 'equalize':
      return purpose === 'check' ? { model, changed: 0, left: [] } : equaliseLayers(model, kept);
    case 'convert-opset':
      return convertOpset(model, version);
    default:
      return unreachable(kind);
  }
}
