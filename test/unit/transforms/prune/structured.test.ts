import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../../src/base/result.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import type { Model, Tensor } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { applyRecipe } from '../../../../src/transforms/apply-recipe.ts';
import { buildVariant, checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { backboneKey } from '../../../../src/transforms/exits/backbone.ts';
import { headsByKey, NO_HEADS, type TrainedHead } from '../../../../src/transforms/exits/trained-head.ts';
import type { StructuredPruneOperator } from '../../../../src/transforms/prune/prune-operator.ts';
import type { Operator, Recipe } from '../../../../src/transforms/recipe.ts';
import { cifarResNet } from '../../../bench/cifar-resnet.ts';
import { randomHead } from '../exits/heads.ts';
import {
  build,
  cosine,
  fileBytes,
  floatsOf,
  noise,
  relativeDifference,
  runVariant,
  sampleModel,
} from '../run-variant.ts';

const resnet = parseModel(memorySource(cifarResNet()));
const slim = (more: Partial<StructuredPruneOperator> = {}): StructuredPruneOperator => ({
  op: 'prune',
  kind: 'structured',
  ratio: 0.5,
  ...more,
});
const hashOf = (model: Model, recipe: Recipe): string =>
  createHash('sha256')
    .update(fileBytes(build(model, recipe).files[0]!))
    .digest('hex');
/** The dims of the layers' weights, in the file's order. */
function widthsOf(recipe: Recipe, model = resnet): number[][] {
  const written = parseModel(memorySource(fileBytes(build(model, recipe).files[0]!)));
  return written.graph.initializers.flatMap(({ dims }) => (dims.length > 1 ? [[...dims]] : []));
}
const notesOf = (operator: StructuredPruneOperator, model = resnet): readonly string[] =>
  build(model, [operator]).warnings;

function failureOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return `${thrown.failure.code}: ${thrown.failure.message}`;
    throw thrown;
  }
  return 'none';
}

describe('channels removed by a recipe', () => {
  it('make a smaller file of smaller layers, and a note says how many went', () => {
    const [whole, half] = [build(resnet, []), build(resnet, [slim()])];
    expect(half.files[0]?.bytes).toBeLessThan(0.3 * (whole.files[0]?.bytes ?? 0));
    expect(half.macs).toBeLessThan(0.3 * whole.macs);
    const widths = widthsOf([slim()]);
    expect(widths[0]).toEqual([8, 3, 3, 3]);
    expect(widths.at(-1)).toEqual([10, 32]);
    expect(half.warnings.join(' ')).toMatch(/\d+ of \d+ channels removed, from 12 of 12 groups/);
    expect(half.warnings.join(' ')).toContain('left whole');
  });

  it('a ratio of 0 leaves the file as it is, byte for byte', () => {
    const bytes = cifarResNet();
    const [file] = build(resnet, [slim({ ratio: 0 })]).files;
    expect(Buffer.from(fileBytes(file!)).equals(bytes)).toBe(true);
  });

  it.each(['l1', 'l2', 'geometric-median', 'batch-norm', 'random'] as const)(
    'by %s: the same file each time',
    (importance) => {
      const operator = slim({ importance, scope: 'global' });
      const again = parseModel(memorySource(cifarResNet()));
      expect(hashOf(again, [operator])).toBe(hashOf(resnet, [operator]));
    },
  );

  it('by chance: another file for another seed', () => {
    const by = (seed: number): string => hashOf(resnet, [slim({ importance: 'random', seed })]);
    expect(by(2)).not.toBe(by(1));
  });

  it('in multiples, no fewer than wanted, not where it is protected, and as groups say', () => {
    const first = (operator: StructuredPruneOperator): number[] | undefined => widthsOf([operator])[0];
    expect(first(slim({ ratio: 0.7 }))).toEqual([4, 3, 3, 3]);
    expect(first(slim({ ratio: 0.7, roundTo: 8 }))).toEqual([8, 3, 3, 3]);
    expect(first(slim({ ratio: 0.9, minChannels: 6 }))).toEqual([6, 3, 3, 3]);
    expect(first(slim({ groups: [{ at: 'Conv_0', ratio: 0.25 }] }))).toEqual([12, 3, 3, 3]);
    // By the value that passes them on, too.
    expect(first(slim({ groups: [{ at: 'Relu_1', ratio: 0.25 }] }))).toEqual([12, 3, 3, 3]);
    expect(first(slim({ protect: ['first'] }))).toEqual([16, 3, 3, 3]);
    expect(widthsOf([slim({ protect: ['last'] })]).at(-1)).toEqual([10, 64]);
    expect(notesOf(slim({ protect: ['first', 'nothing*'] })).join(' ')).toMatch(
      /protected and left whole: .*meant by nothing\*/,
    );
  });

  it('never empty a layer, and say so', () => {
    expect(widthsOf([slim({ ratio: 0.999 })]).every((dims) => dims.every((dim) => dim > 0))).toBe(true);
    expect(notesOf(slim({ ratio: 0.999 })).join(' ')).toContain('would empty');
  });

  it('over all layers: as many in all, but not of each', () => {
    const total = (scope: 'layer' | 'global'): number =>
      widthsOf([slim({ scope })]).reduce((sum, [made = 0]) => sum + made, 0);
    const widths = widthsOf([slim({ scope: 'global' })]);
    expect(widths).not.toEqual(widthsOf([slim()]));
    expect(Math.abs(total('global') - total('layer'))).toBeLessThan(0.2 * total('layer'));
  });

  it('in steps: as many as at once, ranked anew', () => {
    const [once, steps] = [slim({ importance: 'l2' }), slim({ importance: 'l2', steps: 4 })];
    expect(widthsOf([steps])).toEqual(widthsOf([once]));
    expect(hashOf(resnet, [steps])).not.toBe(hashOf(resnet, [once]));
  });

  it('ranks by weights where no batch normalization is left, and says so', () => {
    expect(notesOf(slim({ importance: 'batch-norm' })).join(' ')).toMatch(/ranked by "l1".*folded/);
  });

  it('are checked without a look at weights', () => {
    const unreadable = (tensor: Tensor): Tensor =>
      tensor.dims.length < 2
        ? tensor
        : {
            ...tensor,
            data: {
              kind: 'raw',
              range: {
                offset: 0,
                length: 4 * tensor.dims.reduce((a, b) => a * b, 1),
                source: {
                  size: 2 ** 30,
                  read: () => {
                    throw new Error('weights were read');
                  },
                },
              },
            },
          };
    const graph = { ...resnet.graph, initializers: resnet.graph.initializers.map(unreadable) };
    const model = { ...resnet, graph };
    checkRecipe(model, [slim({ scope: 'global' }), { op: 'partition', cut: 'equal-size' }]);
    expect(() => build(model, [slim()])).toThrow('weights were read');
  });

  it('cannot be had of models without any, of quantized ones, or if all is protected', () => {
    expect(failureOf(() => build(resnet, [slim({ protect: ['*'] })]))).toContain('prune-all-protected');
    const integer = parseModel(
      memorySource(
        fileBytes(build(resnet, [{ op: 'quantize', mode: 'dynamic', weights: 'u8' } as Operator]).files[0]!),
      ),
    );
    expect(failureOf(() => checkRecipe(integer, [slim()]))).toContain('nothing-to-prune');
  });
});

describe('channels removed together with other steps', () => {
  const digits = sampleModel('digits');
  const at = '/stage1/Relu_output_0';
  const middle = '/stage2/Relu_output_0';
  const prune = slim();
  const skip: Operator = { op: 'early-exit', kind: 'skip', blocks: 1 };
  const existing: Operator = { op: 'early-exit', kind: 'existing', threshold: 0.7 };
  const trained: Operator = { op: 'early-exit', kind: 'trained', at: [at], threshold: 0.7 };
  const cut: Operator = { op: 'partition', cut: middle };
  const quantize: Operator = { op: 'quantize', mode: 'dynamic' };
  const fold: Operator = { op: 'prepare', kind: 'fold-batch-norm' };
  const zeros: Operator = { op: 'prune', kind: 'unstructured', ratio: 0.3 };

  /** A head for what pruning (and skipping) leaves of the value, of random weights. */
  function headFor(recipe: Recipe): TrainedHead {
    const { analysed } = applyRecipe(analyseModel(digits), recipe, 'build', NO_HEADS);
    return { ...randomHead(analysed.model, at), backbone: backboneKey(recipe) };
  }
  const heads = headsByKey([headFor([prune]), headFor([prune, skip]), headFor([skip, prune])]);
  const variantOf = (recipe: Recipe) => {
    checkRecipe(digits, recipe, heads);
    return buildVariant(digits, recipe, { baseName: 'm', now: () => 0, heads });
  };
  const ordersOf = <T>(items: readonly T[]): T[][] =>
    items.length === 0
      ? [[]]
      : items.flatMap((item, position) =>
          ordersOf(items.toSpliced(position, 1)).map((rest) => [item, ...rest]),
        );
  const isAllowed = (order: readonly Operator[]): boolean => {
    const integers = order.indexOf(quantize);
    return integers < 0 || order.every(({ op }, index) => op !== 'prune' || index < integers);
  };

  it.each<[string, Operator[]]>([
    ['exits and a cut', [prune, existing, cut]],
    ['exits of integers', [prune, existing, quantize]],
    ['trained exits and a cut', [prune, trained, cut]],
    ['skipped blocks, cut', [prune, skip, cut]],
    ['trained exits behind skipped blocks, in integers', [prune, trained, skip, quantize]],
  ])('%s: runs, and in every order alike', async (_, operators) => {
    const [first, ...others] = ordersOf(operators)
      .filter(isAllowed)
      .map((order) => variantOf(order));
    const bytes = (variant: typeof first): string[] =>
      (variant?.files ?? []).map((file) => createHash('sha256').update(fileBytes(file)).digest('hex'));
    for (const other of others) {
      expect(bytes(other)).toEqual(bytes(first));
      expect(other.plan).toEqual(first?.plan);
    }
    const values = await runVariant(first!, noise(first!.plan.input, 3));
    expect(floatsOf(values, first!.plan.output.name).every(Number.isFinite)).toBe(true);
  });

  it('is what it is alone, cut or not, with exits or not, and nearly that in integers', async () => {
    const alone = variantOf([prune]);
    const input = noise(alone.plan.input, 3);
    const { name } = alone.plan.output;
    const wanted = floatsOf(await runVariant(alone, input), name);
    for (const recipe of [[cut], [existing], [fold], [existing, cut]] as const) {
      const found = floatsOf(await runVariant(variantOf([prune, ...recipe]), input), name);
      expect(relativeDifference(found, wanted)).toBeLessThan(1e-5);
    }
    const integers = floatsOf(await runVariant(variantOf([prune, quantize]), input), name);
    expect(cosine(integers, wanted)).toBeGreaterThan(0.95);
    const sparse = variantOf([zeros, prune]);
    expect(sparse.params).toBe(alone.params);
  });

  it('asks for exits to be trained for what is left: heads of the whole model do not fit', () => {
    const foreign = headsByKey([randomHead(digits, at)]);
    expect(failureOf(() => checkRecipe(digits, [prune, trained], foreign))).toContain('exit-not-trained');
  });

  it('takes heads that fit where only weights tell how wide values will be', () => {
    const overall = slim({ scope: 'global' });
    const own = headsByKey([headFor([overall])]);
    checkRecipe(digits, [trained, overall], own);
    const { taps } = applyRecipe(analyseModel(digits), [trained, overall], 'build', own);
    expect([...taps.keys()]).toEqual([at]);
  });
});
