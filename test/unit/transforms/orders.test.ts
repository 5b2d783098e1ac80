import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { buildVariant } from '../../../src/transforms/build-variant.ts';
import { headsByKey } from '../../../src/transforms/exits/trained-head.ts';
import { parseRecipe } from '../../../src/transforms/parse-recipe.ts';
import type { Operator } from '../../../src/transforms/recipe.ts';
import { randomHead } from './exits/heads.ts';
import { fileBytes, sampleModel } from './run-variant.ts';

const model = sampleModel('digits');
const stage1 = '/stage1/Relu_output_0';
const stage2 = '/stage2/Relu_output_0';
/** In the last block that can be left out. */
const skippedValue = '/stage3/stage3.1/body/body.2/Relu_output_0';
const heads = headsByKey([randomHead(model, stage1), randomHead(model, skippedValue)]);

const skip: Operator = { op: 'early-exit', kind: 'skip', blocks: 1 };
const existing: Operator = { op: 'early-exit', kind: 'existing', threshold: 0.7 };
const trained: Operator = { op: 'early-exit', kind: 'trained', at: [stage1], threshold: 0.7 };
const cut: Operator = { op: 'partition', cut: stage2 };
const fewestBytes: Operator = { op: 'partition', cut: 'fewest-bytes', transfer: 'float16' };
const quantize: Operator = { op: 'quantize', mode: 'dynamic' };
const prune: Operator = { op: 'prune', kind: 'unstructured', ratio: 0.5 };

/** The files and how they run, as one text; or why not. */
function outcome(recipe: readonly Operator[]): string {
  try {
    const variant = buildVariant(model, parseRecipe(recipe), { baseName: 'm', now: () => 0, heads });
    const files = variant.files.map((file) => createHash('sha256').update(fileBytes(file)).digest('hex'));
    return JSON.stringify([files, variant.plan, variant.cuts, variant.params, variant.macs]);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    return `refused: ${thrown.failure.code}`;
  }
}

function ordersOf<T>(items: readonly T[]): T[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, at) => ordersOf(items.toSpliced(at, 1)).map((rest) => [item, ...rest]));
}

describe('in every order that is allowed, the same files come out', () => {
  it.each<[string, Operator[]]>([
    ['exits + cut (EP)', [existing, cut]],
    ['quantized exits, cut (QEP)', [quantize, existing, cut]],
    ['quantized, blocks skipped, cut anew', [quantize, skip, fewestBytes]],
    ['pruned, exits, cut', [prune, existing, cut]],
    ['trained exit, quantized, cut', [trained, quantize, cut]],
    ['trained exit, blocks skipped, cut', [trained, skip, cut]],
    ['all', [prune, quantize, existing, skip]],
  ])('%s', (_, operators) => {
    const allowed = ordersOf(operators).filter(
      // Magnitudes are ranked before they are rounded.
      (order) =>
        order.indexOf(prune) < 0 ||
        !order.includes(quantize) ||
        order.indexOf(prune) < order.indexOf(quantize),
    );
    const [first, ...others] = allowed.map(outcome);
    expect(first).not.toContain('refused');
    for (const other of others) expect(other).toBe(first);
  });

  it('but for ranges, which are those of what stands before: the variant tells which', () => {
    const { nodes, inputs } = model.graph;
    const values = [...nodes.flatMap(({ outputs }) => outputs), ...inputs.map(({ name }) => name)];
    const ranges = new Map(values.map((name) => [name, { low: -1, high: 1 }]));
    const warningsOf = (recipe: readonly Operator[]) =>
      buildVariant(model, recipe, { baseName: 'm', now: () => 0, ranges }).warnings;
    const calibrated: Operator = { op: 'quantize', mode: 'static' };
    expect(warningsOf([calibrated, skip]).join()).toContain('calibrated on the whole model');
    expect(warningsOf([skip, calibrated]).join()).toContain('calibrated on what is left');
    for (const recipe of [[calibrated], [quantize, skip]])
      expect(warningsOf(recipe).join()).not.toContain('calibrated');
  });

  it('or the same refusal: an exit in blocks that are skipped', () => {
    const at = [skippedValue];
    for (const order of ordersOf<Operator>([{ op: 'early-exit', kind: 'trained', at, threshold: 0.7 }, skip]))
      expect(outcome(order)).toBe('refused: exit-in-skipped-blocks');
  });
});
