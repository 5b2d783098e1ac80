import { describe, expect, it } from 'vitest';
import { type Failure, InputError } from '../../../src/base/result.ts';
import type { Model } from '../../../src/onnx/model.ts';
import { analyseModel } from '../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';
import { headsByKey } from '../../../src/transforms/exits/trained-head.ts';
import { parseRecipe } from '../../../src/transforms/parse-recipe.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { randomHead } from './exits/heads.ts';
import { sampleModel } from './run-variant.ts';

const shuffle = sampleModel('zoo/shufflenet_v2_x1_0');
const digits = sampleModel('digits');
const dense = sampleModel('zoo/densenet169');
const deeplab = sampleModel('zoo/deeplabv3_mobilenet_v3_large');
const { skippable } = analyseModel(shuffle);
const lastRun = skippable.at(-1)!;
const [first, , last] = lastRun.blocks;
const names = [...analyseModel(shuffle).index.producer.keys()];
const stage2 = '/stage2/Relu_output_0';
const stage1 = '/stage1/Relu_output_0';
const heads = headsByKey([randomHead(shuffle, first!.to), randomHead(shuffle, last!.to)]);

const partition = (cut: string | readonly string[]) => ({ op: 'partition', cut }) as const;
const skip = (blocks: number) => ({ op: 'early-exit', kind: 'skip', blocks }) as const;
const tapped = (...at: string[]) =>
  ({ op: 'early-exit', kind: 'trained', at, threshold: at.map(() => 0.7) }) as const;
const exit = (fields: object) => ({ op: 'early-exit', kind: 'existing', ...fields }) as const;
const int8 = { op: 'quantize', mode: 'dynamic' } as const;
const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 } as const;

function failureOf(model: Model, recipe: Recipe): Failure {
  try {
    checkRecipe(model, recipe, heads);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was not refused');
}

describe('what works instead of', () => {
  const cases: [string, Model, Recipe, string, Recipe][] = [
    [
      'a cut in skipped blocks',
      shuffle,
      [skip(2), partition(last!.to)],
      'cut-in-skipped-blocks',
      [skip(2), partition(lastRun.blocks[1]!.from)],
    ],
    [
      'a cut behind the exit',
      digits,
      [exit({ exit: 0 }), partition(stage2)],
      'cut-behind-exit',
      [exit({ exit: 0 }), partition('/exit1/exit1.0/Conv_output_0')],
    ],
    [
      'a mistyped cut',
      digits,
      [partition('/stage2/Relu_output_O')],
      'cut-unknown-value',
      [partition(stage2)],
    ],
    [
      'a cut of another model',
      digits,
      [partition('blocks.7.attn')],
      'cut-unknown-value',
      [partition('equal-size')],
    ],
    [
      'times of another model',
      digits,
      [{ op: 'partition', cut: 'fastest', headSpeed: 2, nodeMicroseconds: [1, 2, 3] }],
      'times-of-another-model',
      [{ op: 'partition', cut: 'fastest', headSpeed: 2 }],
    ],
    [
      'cuts in the wrong order',
      digits,
      [{ op: 'partition', cuts: [stage2, stage1] }],
      'cuts-cross',
      [{ op: 'partition', cuts: [stage1, stage2] }],
    ],
    [
      'the same cut twice',
      digits,
      [{ op: 'partition', cuts: [stage1, stage1] }],
      'cuts-cross',
      [partition(stage1)],
    ],
    ['too many blocks', shuffle, [skip(9), int8], 'no-skippable-blocks', [skip(7), int8]],
    [
      'half a block',
      shuffle,
      [{ op: 'early-exit', kind: 'skip', bypass: [{ from: names[0]!, to: last!.to }] }],
      'bypass-not-legal',
      [{ op: 'early-exit', kind: 'skip', bypass: [{ from: last!.from, to: last!.to }] }],
    ],
    ['an exit that is not there', digits, [exit({ exit: 7 })], 'no-such-exit', [exit({ exit: 1 })]],
    [
      'exits of which one is not there',
      digits,
      [exit({ exits: [0, 5], threshold: [0.6, 0.7] })],
      'no-such-exit',
      [exit({ exits: [0], threshold: 0.6 })],
    ],
    [
      'exits of a model without',
      shuffle,
      [exit({ threshold: 0.8 }), int8],
      'no-early-exits',
      [skip(2), int8],
    ],
    [
      'exits of a model without, where nothing can be skipped',
      dense,
      [exit({ exit: 0 }), int8],
      'no-early-exits',
      [int8],
    ],
    [
      'too many thresholds',
      digits,
      [exit({ threshold: [0.5, 0.6, 0.7] })],
      'threshold-count',
      [exit({ threshold: 0.5 })],
    ],
    ['confidence of pictures', deeplab, [exit({ threshold: 0.5 })], 'no-early-exits', [skip(2)]],
    [
      'an exit in skipped blocks',
      shuffle,
      [skip(2), tapped(first!.to, last!.to)],
      'exit-in-skipped-blocks',
      [skip(2), { ...tapped(first!.to), threshold: [0.7] }],
    ],
    ['a mistyped exit', shuffle, [tapped(`${first!.to}x`)], 'exit-unknown-value', [tapped(first!.to)]],
    [
      'two things that the model has not',
      dense,
      [exit({ exit: 0 }), { op: 'partition', cut: 'fastest', nodeMicroseconds: [1] }],
      'no-early-exits',
      [partition('fastest')],
    ],
    [
      'a cut of what decides inside one file',
      digits,
      [exit({ threshold: 0.5, form: 'if' }), partition('equal-size')],
      'recipe-sequence',
      [exit({ threshold: 0.5, form: 'segments' }), partition('equal-size')],
    ],
    [
      'more blocks than there are and a cut that is gone: the blocks there are, and a cut of what they leave',
      shuffle,
      [skip(999), partition('gone for good')],
      'no-skippable-blocks',
      [skip(7), partition('equal-size')],
    ],
    ['quantizing twice', shuffle, [int8, int8], 'recipe-sequence', [int8]],
    ['pruning integers', shuffle, [int8, prune], 'recipe-sequence', [prune, int8]],
  ];
  it.each(cases)('%s', (_, model, recipe, code, wanted) => {
    const failure = failureOf(model, recipe);
    expect(failure.code).toBe(code);
    if (wanted.length === 0) return expect(failure.remedy).toBeUndefined();
    expect(failure.remedy?.recipe).toEqual(wanted);
    const parsed = parseRecipe(JSON.parse(JSON.stringify(failure.remedy?.recipe)));
    expect(() => checkRecipe(model, parsed, heads)).not.toThrow();
  });
});
