import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { buildGraphView } from '../../../../src/onnx/build-graph-view.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { removableBlocks } from '../../../../src/transforms/prune/gated-recipe.ts';
import { recipeToGate } from '../../../../src/transforms/prune/recipe-to-gate.ts';
import type { BlockPruneOperator } from '../../../../src/transforms/prune/prune-operator.ts';
import { recipeLetters, recipeName } from '../../../../src/transforms/recipe-name.ts';
import type { Bypass, Operator, Recipe } from '../../../../src/transforms/recipe.ts';
import { cifarResNet } from '../../../bench/cifar-resnet.ts';
import { build, fileBytes } from '../run-variant.ts';

const resnet = parseModel(memorySource(cifarResNet()));
const { blocks: found, macs, params } = removableBlocks(analyseModel(resnet), []);
const bypasses = found.map(({ from, to }): Bypass => ({ from, to }));
const without = (...at: readonly number[]): BlockPruneOperator => ({
  op: 'prune',
  kind: 'block',
  blocks: at.map((each) => bypasses[each]!),
});
const filesOf = (...recipe: Recipe): string[] =>
  build(resnet, recipe).files.map((file) => Buffer.from(fileBytes(file)).toString('base64'));

function failureOf(...recipe: Recipe) {
  try {
    checkRecipe(resnet, recipe);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('the recipe was not refused');
}

describe('blocks that are pruned', () => {
  it('are left out as by skipping them, whatever their order', () => {
    expect(bypasses.length).toBeGreaterThan(4);
    const skip: Operator = { op: 'early-exit', kind: 'skip', bypass: [bypasses[3]!, bypasses[1]!] };
    expect(filesOf(without(1, 3))).toEqual(filesOf(skip));
    expect(filesOf(without(3, 1))).toEqual(filesOf(skip));
  });

  it('leave what was foreseen of multiply-accumulates and parameters', () => {
    const out = [0, 2, 3];
    const { macs: left, params: kept } = build(resnet, [without(...out)]);
    expect(left).toBe(macs - out.reduce((sum, at) => sum + found[at]!.macs, 0));
    expect(kept).toBe(params - out.reduce((sum, at) => sum + found[at]!.params, 0));
  });

  it('go together with those that are skipped, also where both mean the same', () => {
    const skip: Operator = { op: 'early-exit', kind: 'skip', bypass: [bypasses[1]!, bypasses[2]!] };
    for (const recipe of [
      [without(2, 4), skip],
      [skip, without(2, 4)],
    ])
      expect(filesOf(...recipe)).toEqual(filesOf(without(1, 2, 4)));
    const last = { from: bypasses.at(-2)!.from, to: bypasses.at(-1)!.to };
    const both: Operator = { op: 'early-exit', kind: 'skip', bypass: [last] };
    const end = bypasses.length - 1;
    expect(filesOf(without(end), both)).toEqual(filesOf(both));
  });

  it('go before channels, stops and cuts, and with integers, in any order', () => {
    const others: readonly Operator[] = [
      { op: 'prune', kind: 'structured', ratio: 0.5 },
      { op: 'quantize', mode: 'dynamic' },
      { op: 'partition', cut: 'equal-size' },
      { op: 'prepare', kind: 'fold-batch-norm' },
      { op: 'prune', kind: 'unstructured', ratio: 0.5 },
    ];
    for (const other of others) {
      const files = filesOf(without(1), other);
      expect(filesOf(other, without(1))).toEqual(files);
      expect(files).not.toEqual(filesOf(other));
    }
  });

  it('are called pruned', () => {
    const view = buildGraphView(resnet, { modelId: '', fileName: 'm', fileBytes: 0 });
    expect(recipeLetters([without(1), { op: 'quantize', mode: 'dynamic' }])).toBe('pruned+Q');
    expect(recipeName([without(1)], view)).toMatch(/^prune block \d+$/);
    expect(recipeName([without(0, 1, 2, 3)], view)).toBe('prune 4 blocks');
  });

  it('are refused with a reason, and with what works, where they cannot go', () => {
    const open = failureOf({ op: 'prune', kind: 'block', blocks: 2 });
    expect([open.code, open.message]).toEqual([
      'prune-blocks-open',
      expect.stringContaining(`of the ${found.length} blocks`),
    ]);
    expect(open.hint).toContain('study');
    const wrong: Bypass = { from: bypasses[0]!.from, to: `${bypasses[1]!.to}x` };
    const unknown = failureOf({ op: 'prune', kind: 'block', blocks: [bypasses[0]!, wrong] });
    expect(unknown.code).toBe('prune-bypass-unknown-value');
    expect(unknown.hint).toContain(bypasses[1]!.to);
    expect(unknown.remedy?.recipe).toEqual([without(0)]);
    const shapes = failureOf({
      op: 'prune',
      kind: 'block',
      blocks: [{ from: bypasses[0]!.from, to: bypasses.at(-1)!.to }],
    });
    expect(shapes.code).toBe('prune-bypass-not-legal');
    expect(failureOf(without(1), { op: 'partition', cut: bypasses[1]!.to }).code).toBe(
      'cut-in-skipped-blocks',
    );
  });

  it('are judged in what the rest of the recipe makes of the model', () => {
    const skip: Operator = { op: 'early-exit', kind: 'skip', bypass: [bypasses[1]!] };
    const half: Operator = { op: 'prune', kind: 'structured', ratio: 0.5 };
    const recipe: Recipe = [skip, without(0), half, { op: 'quantize', mode: 'dynamic' }];
    expect(recipeToGate(recipe, 'block')).toEqual([skip, half]);
    const left = removableBlocks(analyseModel(resnet), recipeToGate(recipe, 'block'));
    // Under the names that they have in the whole model: also the one whose input is another value now.
    expect(left.blocks.map(({ to }) => to)).toEqual(
      bypasses.map(({ to }) => to).filter((to) => to !== bypasses[1]!.to),
    );
    expect(left.blocks[1]?.from).toBe(bypasses[2]?.from);
    expect(left.macs).toBe(build(resnet, [skip, half]).macs);
    expect(left.blocks[0]?.macs).toBeLessThan(found[0]!.macs / 2);
  });
});
