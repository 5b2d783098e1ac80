import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Failure, InputError } from '../../../src/base/result.ts';
import {
  normaliseRecipe,
  parseRecipe,
  parseRecipeFile,
  recipeLabel,
} from '../../../src/transforms/parse-recipe.ts';
import { CHANNEL_IMPORTANCES, RECALIBRATIONS } from '../../../src/transforms/prune/prune-operator.ts';
import type { Operator, Recipe } from '../../../src/transforms/recipe.ts';

function refusal(json: unknown): Failure {
  try {
    parseRecipe(json);
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was not refused');
}

const threshold = fc.double({ min: 0.01, max: 1, noNaN: true });
const ratio = fc.double({ min: 0, max: 0.999, noNaN: true });
const patterns = fc.array(fc.constantFrom('first', 'last', 'conv*', 'head'), { maxLength: 3 });
const pruneOperator: fc.Arbitrary<Operator> = fc.oneof(
  fc.record(
    {
      op: fc.constant('prune' as const),
      kind: fc.constant('unstructured' as const),
      ratio,
      scope: fc.constantFrom('layer' as const, 'global' as const),
      importance: fc.constantFrom('l1' as const, 'random' as const),
      seed: fc.nat(9),
      layers: fc.array(
        fc.oneof(
          fc.record({ nodes: patterns, ratio }),
          fc.record({ nodes: patterns, pattern: fc.constantFrom('1:4', '2:4') }),
        ),
        { maxLength: 3 },
      ),
      protect: patterns,
    },
    { requiredKeys: ['op', 'kind', 'ratio'] },
  ),
  fc.record({
    op: fc.constant('prune' as const),
    kind: fc.constant('unstructured' as const),
    pattern: fc.constantFrom('2:4', '3:5'),
  }),
  fc.record(
    {
      op: fc.constant('prune' as const),
      kind: fc.constant('structured' as const),
      ratio,
      importance: fc.constantFrom(...CHANNEL_IMPORTANCES),
      seed: fc.nat(9),
      roundTo: fc.constantFrom(1, 8),
      minChannels: fc.integer({ min: 1, max: 9 }),
      steps: fc.integer({ min: 1, max: 3 }),
      groups: fc.array(fc.record({ at: fc.constantFrom('a', 'b*'), ratio }), { maxLength: 3 }),
      protect: patterns,
      recalibrate: fc.subarray([...RECALIBRATIONS]),
      samples: fc.constantFrom(64, 128),
    },
    { requiredKeys: ['op', 'kind', 'ratio'] },
  ),
  fc.record({
    op: fc.constant('prune' as const),
    kind: fc.constant('block' as const),
    blocks: fc.oneof(
      fc.integer({ min: 1, max: 9 }),
      fc.constant([
        { from: 'c', to: 'd' },
        { from: 'a', to: 'b' },
      ]),
    ),
  }),
);
const weightOperator: fc.Arbitrary<Operator> = fc.oneof(
  fc.constant({ op: 'identity' as const }),
  pruneOperator,
);
const exitOperator: fc.Arbitrary<Operator> = fc.oneof(
  fc.record({
    op: fc.constant('early-exit' as const),
    kind: fc.constant('existing' as const),
    exit: fc.nat(9),
  }),
  fc.record({
    op: fc.constant('early-exit' as const),
    kind: fc.constant('existing' as const),
    threshold: fc.oneof(threshold, fc.array(threshold, { minLength: 1, maxLength: 4 })),
    exits: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 5 }),
  }),
  fc.record({
    op: fc.constant('early-exit' as const),
    kind: fc.constant('existing' as const),
    threshold,
    confidence: fc.constantFrom('max-softmax' as const, 'entropy' as const, 'margin' as const),
    // Not `if`, which does not go together with every other operator.
    form: fc.constant('segments' as const),
  }),
);
const skipOperator: fc.Arbitrary<Operator> = fc.oneof(
  fc.constant({ op: 'early-exit' as const, kind: 'skip' as const }),
  fc.record({
    op: fc.constant('early-exit' as const),
    kind: fc.constant('skip' as const),
    blocks: fc.integer({ min: 1, max: 40 }),
  }),
  fc.record({
    op: fc.constant('early-exit' as const),
    kind: fc.constant('skip' as const),
    bypass: fc
      .uniqueArray(fc.string({ minLength: 1 }), { minLength: 2, maxLength: 8 })
      .map((names) => names.slice(1).map((to, at) => ({ from: names[at] as string, to }))),
  }),
);
const cutNames = fc.oneof(
  fc.string({ minLength: 1 }),
  fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 3 }),
  fc.constant(['equal-size']),
);
const positive = fc.constantFrom(0.5, 1, 4, 200);
const partitionOperator: fc.Arbitrary<Operator> = fc.oneof(
  fc.record({ op: fc.constant('partition' as const), cut: cutNames }),
  fc.record({ op: fc.constant('partition' as const), cuts: fc.tuple(cutNames, cutNames) }),
  fc.record({
    op: fc.constant('partition' as const),
    cut: fc.constantFrom('equal-size' as const, 'fewest-bytes' as const),
  }),
  fc.record(
    {
      op: fc.constant('partition' as const),
      cut: fc.constant('fastest' as const),
      headSpeed: positive,
      tailSpeed: positive,
      bandwidthMbps: positive,
      rttMs: fc.constantFrom(0, 5, 20),
      gmacsPerSecond: positive,
      nodeMicroseconds: fc.array(fc.nat(1e6), { minLength: 1, maxLength: 5 }),
    },
    { requiredKeys: ['op', 'cut'] },
  ),
  fc.record(
    {
      op: fc.constant('partition' as const),
      cuts: fc.constant('fastest' as const),
      transfer: fc.constantFrom('float16' as const, 'uint8' as const),
      headSpeed: positive,
      middleSpeed: positive,
      tailSpeed: positive,
      tailBandwidthMbps: positive,
      tailRttMs: fc.constantFrom(0, 50),
    },
    { requiredKeys: ['op', 'cuts'] },
  ),
);

const validRecipe: fc.Arbitrary<Recipe> = fc
  .tuple(
    fc.array(weightOperator, { maxLength: 4 }),
    fc.option(exitOperator),
    fc.option(skipOperator),
    fc.option(partitionOperator),
    fc.option(
      fc.record({
        op: fc.constant('quantize' as const),
        mode: fc.constant('dynamic' as const),
        weights: fc.constantFrom('u8' as const, 's8' as const),
        perChannel: fc.boolean(),
      }),
    ),
  )
  .map(([weights, exit, skip, cut, quantize]) =>
    [...weights, exit, skip, cut, quantize].filter((operator) => operator !== null),
  );

describe('parseRecipe', () => {
  it('gives back what a valid recipe says', () => {
    fc.assert(
      fc.property(validRecipe, (recipe) => {
        expect(parseRecipe(JSON.parse(JSON.stringify(recipe)))).toEqual(recipe);
      }),
    );
  });

  it('never throws anything but an InputError', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (json) => {
        try {
          parseRecipe(json);
          parseRecipeFile(json);
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(InputError);
        }
      }),
    );
  });

  it.each([
    [
      [{ op: 'identity' }, { op: 'prune', kind: 'unstructured', ratio: '0.5' }],
      'recipe[1].ratio: found "0.5" (text), wanted a number from 0 up to but not including 1',
    ],
    [[{ op: 'prune', kind: 'unstructured', ratio: 1 }], 'recipe[0].ratio: found 1,'],
    [[{ op: 'prune', kind: 'unstructured' }], 'recipe[0].ratio: found nothing, wanted a number from 0'],
    [
      [{ op: 'prune', kind: 'unstructured', ratio: 0.3, pattern: '2:4' }],
      'recipe[0].ratio: found 0.3 with "pattern": "2:4", wanted it left out, as 2 of 4 makes it 0.5',
    ],
    [[{ op: 'prune', kind: 'unstructured', pattern: '4:2' }], 'wanted "N:M" with 1 <= N < M <= 64'],
    [[{ op: 'prune', kind: 'unstructured', pattern: '0:4' }], 'found "0:4" (text), which empties the layer'],
    [[{ op: 'prune', kind: 'unstructured', pattern: 2 }], 'recipe[0].pattern: found 2, wanted "N:M"'],
    [
      [{ op: 'prune', kind: 'unstructured', pattern: '2:4', scope: 'global' }],
      'wanted "layer": N:M ranks only neighbours',
    ],
    [[{ op: 'prune', kind: 'unstructured', ratio: 0.5, importance: 'l2' }], 'wanted "l1" or "random"'],
    [
      [{ op: 'prune', kind: 'unstructured', ratio: 0.5, roundTo: 8 }],
      'recipe[0].roundTo: found an unknown field',
    ],
    [
      [{ op: 'prune', kind: 'unstructured', ratio: 0.5, layers: [{ nodes: ['a'] }] }],
      'recipe[0].layers[0].ratio: found nothing',
    ],
    [
      [{ op: 'prune', kind: 'unstructured', ratio: 0.5, layers: [{ nodes: 'a', ratio: 0.1 }] }],
      'recipe[0].layers[0].nodes: found "a" (text), wanted a list of node names',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0.5, roundTo: 0 }],
      'roundTo: found 0, wanted a whole number from 1',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0.5, importance: 'L1' }],
      'recipe[0].importance: found "L1" (text); perhaps "l1"',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0.5, groups: [{ at: 'a', ratio: 1 }] }],
      'recipe[0].groups[0].ratio: found 1,',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0.5, recalibrate: true }],
      'wanted a list with some of "batch-norm", "bias"',
    ],
    [[{ op: 'prune', kind: 'block', blocks: 0 }], 'recipe[0].blocks: found 0, wanted a whole number from 1'],
    [[{ op: 'prune', kind: 'block', blocks: [{ from: 'a', to: 'a' }] }], 'wanted two different values'],
    [[{ op: 'quantise', mode: 'dynamic' }], 'perhaps "quantize"?'],
    [
      [{ op: 'prune', kind: 'unstructured', ratoi: 0.5 }],
      'recipe[0].ratoi: found an unknown field; perhaps "ratio"?',
    ],
    [[{ op: 'early-exit', kind: 'existing', exit: 1, threshold: 0.5 }], 'both "exit" and "threshold"'],
    [[{ op: 'early-exit', kind: 'existing' }], 'neither "exit" nor "threshold"'],
    [
      [{ op: 'early-exit', kind: 'existing', threshold: 0 }],
      'recipe[0].threshold: found 0, wanted a number above 0',
    ],
    [[{ op: 'early-exit', kind: 'existing', threshold: [0.5, 1.1] }], 'recipe[0].threshold[1]: found 1.1'],
    [
      [{ op: 'early-exit', kind: 'existing', threshold: 0.5, confidence: 'entropie' }],
      'recipe[0].confidence: found "entropie" (text); perhaps "entropy"?',
    ],
    [
      [{ op: 'early-exit', kind: 'existing', exit: 1, form: 'if' }],
      'recipe[0].form: found it without a "threshold", wanted it only where a threshold decides',
    ],
    [
      [{ op: 'early-exit', kind: 'existing', threshold: 1, exits: [1, 1] }],
      'recipe[0].exits[1]: found exit 1 again',
    ],
    [
      [{ op: 'early-exit', kind: 'skip', blocks: 0 }],
      'recipe[0].blocks: found 0, wanted how many blocks to skip, from 1',
    ],
    [[{ op: 'early-exit', kind: 'skip', blocks: 2.5 }], 'recipe[0].blocks: found 2.5'],
    [
      [{ op: 'early-exit', kind: 'skip', blocks: 2, bypass: [{ from: 'a', to: 'b' }] }],
      'both "blocks" and "bypass"',
    ],
    [[{ op: 'early-exit', kind: 'skip', exit: 1 }], 'recipe[0].exit: found an unknown field'],
    [[{ op: 'early-exit', kind: 'existing', blocks: 2 }], 'recipe[0].blocks: found an unknown field'],
    [[{ op: 'early-exit', kind: 'skip', bypass: [] }], 'recipe[0].bypass: found an empty list'],
    [[{ op: 'early-exit', kind: 'skip', bypass: [{ from: 'a' }] }], 'recipe[0].bypass[0].to: found nothing'],
    [
      [{ op: 'early-exit', kind: 'skip', bypass: [{ from: 'a', to: 'a' }] }],
      'recipe[0].bypass[0]: found "a" twice',
    ],
    [[{ op: 'partition', cut: [] }], 'recipe[0].cut: found an empty list'],
    [[{ op: 'partition' }], 'recipe[0].cut: found nothing'],
    [[{ op: 'partition', cut: 'a', cuts: ['a', 'b'] }], 'both "cut" and "cuts"'],
    [[{ op: 'partition', cuts: ['a'] }], 'recipe[0].cuts: found a list, wanted two cuts'],
    [[{ op: 'partition', cuts: ['a', 'equal-size'] }], 'recipe[0].cuts[1]: found "equal-size"'],
    [[{ op: 'partition', cut: 'equal-size', rttMs: 5 }], 'recipe[0].rttMs: found an unknown field'],
    [[{ op: 'partition', cut: 'fastest', bandwidthMbps: 0 }], 'recipe[0].bandwidthMbps: found 0'],
    [{ op: 'identity' }, 'recipe: found an object, wanted a list of operators'],
    [[{ op: '__proto__' }], 'recipe[0].op: found "__proto__" (text)'],
  ])('refuses %j with a reason', (json, reason) => {
    expect(refusal(json).message).toContain(reason);
  });

  it.each([
    [['prune', 'quantize', 'partition', 'early-exit'], null],
    [['early-exit', 'partition', 'prune', 'quantize'], null],
    [['quantize', 'prune'], 'prune after recipe[0] quantize'],
    [['quantize', 'quantize'], 'quantize again after recipe[0]'],
    [['partition', 'identity', 'partition'], 'partition again after recipe[0]'],
    [['skip', 'quantize', 'early-exit', 'partition'], null],
    [['quantize', 'skip', 'skip'], 'early-exit "skip" again after recipe[1]'],
    [['early-exit', 'early-exit'], 'early-exit again after recipe[0]'],
  ])('judges the sequence %j', (ops, reason) => {
    const operators: Record<string, object> = {
      identity: { op: 'identity' },
      prune: { op: 'prune', kind: 'unstructured', ratio: 0.5 },
      quantize: { op: 'quantize', mode: 'dynamic' },
      partition: { op: 'partition', cut: 'x' },
      'early-exit': { op: 'early-exit', kind: 'existing', exit: 0 },
      skip: { op: 'early-exit', kind: 'skip', blocks: 2 },
    };
    const recipe = ops.map((op) => operators[op]);
    if (reason === null) expect(parseRecipe(recipe)).toEqual(recipe);
    else
      expect(refusal(recipe)).toMatchObject({
        code: 'recipe-sequence',
        message: expect.stringContaining(reason),
      });
  });
});

describe('operators that do not go together come with an order that does', () => {
  const prune = { op: 'prune', kind: 'unstructured', ratio: 0.5 };
  const int8 = { op: 'quantize', mode: 'dynamic' };
  const nested = { op: 'early-exit', kind: 'existing', threshold: 0.5, form: 'if' };
  it.each([
    [
      [int8, prune],
      [prune, int8],
    ],
    [
      [int8, int8, prune],
      [prune, int8],
    ],
    [
      [
        { op: 'partition', cut: 'a', transfer: 'float16' },
        { op: 'partition', cut: ['b', 'c'] },
      ],
      [{ op: 'partition', cuts: ['a', ['b', 'c']], transfer: 'float16' }],
    ],
    [
      [
        { op: 'partition', cut: 'fastest' },
        { op: 'partition', cut: 'b' },
      ],
      [{ op: 'partition', cut: 'fastest' }],
    ],
    [
      [int8, nested, { op: 'partition', cut: 'a' }, int8],
      [int8, { ...nested, form: 'segments' }, { op: 'partition', cut: 'a' }],
    ],
  ])('%j', (recipe, wanted) => {
    expect(refusal(recipe).remedy?.recipe).toEqual(wanted);
    expect(() => parseRecipe(wanted)).not.toThrow();
  });

  it('in a file of several recipes it is said in which', () => {
    expect(() => parseRecipeFile([[prune], { name: 'late', recipe: [int8, prune] }])).toThrow(
      'recipes[1].recipe[1]: prune after recipes[1].recipe[0] quantize',
    );
  });
});

describe('parseRecipeFile', () => {
  const prune = [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }];
  it('reads one recipe, one named recipe, or a list of either', () => {
    expect(parseRecipeFile(prune)).toEqual([{ name: 'prune weights 50% l1', recipe: prune }]);
    expect(parseRecipeFile({ name: 'half', recipe: prune })).toEqual([{ name: 'half', recipe: prune }]);
    expect(parseRecipeFile([{ name: 'half', recipe: prune }, prune, []])).toEqual([
      { name: 'half', recipe: prune },
      { name: 'prune weights 50% l1', recipe: prune },
      { name: 'identity', recipe: [] },
    ]);
  });
  it('tells which recipe of a list is wrong', () => {
    expect(() => parseRecipeFile([prune, { name: 'b', recipe: [{ op: 'prune' }] }])).toThrow(
      'recipes[1].recipe[0].kind: found nothing',
    );
    expect(() => parseRecipeFile([])).toThrow('at least one recipe');
  });
});

describe('recipeLabel', () => {
  it.each([
    [[], 'identity'],
    [[{ op: 'prune', kind: 'unstructured', ratio: 0.5, scope: 'global' }], 'prune weights 50% l1 global'],
    [
      [{ op: 'prune', kind: 'unstructured', pattern: '2:4', importance: 'random', seed: 7 }],
      'prune weights 2:4 random 7',
    ],
    [
      [
        {
          op: 'prune',
          kind: 'unstructured',
          ratio: 0.125,
          layers: [{ nodes: ['a'], ratio: 0 }],
          protect: ['first', 'last'],
        },
      ],
      'prune weights 12.5% l1 +1 without 2',
    ],
    [
      [
        {
          op: 'prune',
          kind: 'structured',
          ratio: 0.5,
          importance: 'l2',
          roundTo: 8,
          steps: 3,
          scope: 'global',
        },
      ],
      'prune channels 50% l2 global by 8 in 3 steps',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0.25, recalibrate: ['batch-norm'] }],
      'prune channels 25% l1 recalibrated',
    ],
    [
      [{ op: 'prune', kind: 'structured', ratio: 0, groups: [{ at: 'conv1', ratio: 0.3 }] }],
      'prune channels of 1 group l1',
    ],
    [[{ op: 'prune', kind: 'block', blocks: 2 }], 'prune 2 blocks'],
    [[{ op: 'prune', kind: 'block', blocks: [{ from: 'a', to: 'b' }] }], 'prune 1 block'],
    [[{ op: 'identity' }], 'identity'],
    [
      [
        { op: 'prune', kind: 'unstructured', ratio: 0.29 },
        { op: 'quantize', mode: 'dynamic' },
      ],
      'prune weights 29% l1 + int8',
    ],
    [[{ op: 'early-exit', kind: 'existing', exit: 0 }], 'exit 1'],
    [[{ op: 'early-exit', kind: 'existing', threshold: 0.8 }], 'exits τ 0.80'],
    [
      [{ op: 'early-exit', kind: 'existing', threshold: [0.8, 0.925], exits: [2, 0] }],
      'exits 1,3 τ 0.80/0.925',
    ],
    [
      [{ op: 'early-exit', kind: 'existing', threshold: 0.5, confidence: 'margin', form: 'if' }],
      'exits τ 0.50 margin in one file',
    ],
    [[{ op: 'early-exit', kind: 'skip', blocks: 3 }], 'skip 3'],
    [[{ op: 'early-exit', kind: 'skip' }], 'skip 2'],
    [
      [
        { op: 'quantize', mode: 'dynamic' },
        { op: 'early-exit', kind: 'skip', bypass: [{ from: 'a', to: 'conv5' }] },
      ],
      'int8 + skip to conv5',
    ],
    [[{ op: 'partition', cut: ['conv5', 'skip'] }], 'cut @conv5 +1'],
    [[{ op: 'partition', cut: 'fewest-bytes' }], 'cut fewest-bytes'],
    [[{ op: 'partition', cuts: ['conv1', ['conv5', 'skip']] }], 'cut @conv1 @conv5 +1'],
  ] as [Recipe, string][])('of %j is "%s"', (recipe, label) => {
    expect(recipeLabel(recipe)).toBe(label);
  });
});

describe('normaliseRecipe', () => {
  it('is idempotent, still valid, and keeps the label', () => {
    fc.assert(
      fc.property(validRecipe, (recipe) => {
        const normal = normaliseRecipe(recipe);
        expect(normaliseRecipe(normal)).toEqual(normal);
        expect(parseRecipe(normal)).toEqual(normal);
      }),
    );
  });
  it('leaves out what has no effect when pruning', () => {
    const of = (operator: object) => normaliseRecipe(parseRecipe([{ op: 'prune', ...operator }]))[0];
    expect(
      of({
        kind: 'unstructured',
        ratio: 0.5,
        pattern: '2:4',
        scope: 'layer',
        seed: 9,
        layers: [
          { nodes: [], ratio: 0.1 },
          { nodes: ['b', 'a'], ratio: 0.2 },
          { nodes: ['a'], ratio: 0.2 },
        ],
        protect: [],
      }),
    ).toEqual({
      op: 'prune',
      kind: 'unstructured',
      pattern: '2:4',
      layers: [{ nodes: ['a', 'b'], ratio: 0.2 }],
    });
    expect(
      of({
        kind: 'structured',
        ratio: 0.5,
        seed: 9,
        steps: 1,
        samples: 9,
        recalibrate: [],
        protect: ['last', 'first'],
      }),
    ).toEqual({ op: 'prune', kind: 'structured', ratio: 0.5, protect: ['first', 'last'] });
  });
  it('gives one form to recipes that mean the same', () => {
    const verbose = parseRecipe([
      { op: 'identity' },
      { op: 'prune', kind: 'unstructured', ratio: 0.5, scope: 'layer', importance: 'l1' },
      {
        op: 'early-exit',
        kind: 'existing',
        threshold: [0.5, 0.5],
        exits: [2, 0],
        form: 'segments',
        confidence: 'max-softmax',
      },
      { op: 'early-exit', kind: 'skip' },
      { op: 'partition', cut: ['a'] },
      { op: 'quantize', mode: 'dynamic', weights: 'u8', perChannel: false },
    ]);
    const terse = parseRecipe([
      { kind: 'unstructured', ratio: 0.5, op: 'prune' },
      { op: 'early-exit', kind: 'existing', exits: [0, 2], threshold: 0.5 },
      { op: 'early-exit', blocks: 2, kind: 'skip' },
      { op: 'partition', cut: 'a' },
      { op: 'quantize', mode: 'dynamic' },
    ]);
    expect(JSON.stringify(normaliseRecipe(verbose))).toBe(JSON.stringify(normaliseRecipe(terse)));
  });
});
