import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { makeNode } from '../../../src/onnx/attributes.ts';
import { DataType, type Model } from '../../../src/onnx/model.ts';
import { floatTensor, int64Tensor } from '../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../src/transforms/build-variant.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { nonZeroParams } from '../../../src/transforms/count-non-zero.ts';
import { modelOf, tensorInfo } from '../../fixtures/run-onnx.ts';
import { twoExitModel } from '../../fixtures/tiny-models.ts';
import { build, fileBytes, floatsOf, noise, runVariant, sampleModel } from './run-variant.ts';

/** x → stem → (left, right) → joined → y, with a second output `early` after the stem. */
function branching(outputs: readonly string[] = ['early', 'y']): Model {
  return modelOf({
    nodes: [
      makeNode('MatMul', ['x', 'w'], ['stem']),
      makeNode('Relu', ['stem'], ['early']),
      makeNode('MatMul', ['stem', 'w'], ['left']),
      makeNode('Sigmoid', ['stem'], ['right']),
      makeNode('Add', ['left', 'right'], ['joined']),
      makeNode('MatMul', ['joined', 'w'], ['y']),
    ],
    inputs: [tensorInfo('x', [1, 4])],
    outputs: outputs.map((name) => tensorInfo(name, [1, 4])),
    initializers: [
      floatTensor(
        'w',
        [4, 4],
        Float32Array.from({ length: 16 }, (_, at) => at - 7),
      ),
    ],
  });
}

function refusal(model: Model, recipe: Recipe): { code: string; text: string } {
  try {
    checkRecipe(model, recipe);
  } catch (thrown) {
    if (!(thrown instanceof InputError)) throw thrown;
    const { code, message, hint = '' } = thrown.failure;
    return { code, text: `${message} | ${hint}` };
  }
  throw new Error('was not refused');
}

const partition = (...cut: string[]): Recipe => [{ op: 'partition', cut }];
const fixedExit = (exit: number): Recipe => [{ op: 'early-exit', kind: 'existing', exit }];

it('outputs keep their order, which need not be that of the nodes', () => {
  const { files, plan } = build(branching(['y', 'early']), [{ op: 'prepare', kind: 'fold-constants' }]);
  expect(plan.segments.map(({ outputs }) => outputs.map(({ name }) => name))).toEqual([['y', 'early']]);
  expect(files).toHaveLength(1);
});

describe('checkRecipe refuses', () => {
  const cases: [string, Model, Recipe, string, string][] = [
    [
      'an unknown value, offering near ones',
      branching(),
      partition('joimed'),
      'cut-unknown-value',
      '"joined"',
    ],
    ['a weight', branching(), partition('w'), 'cut-unknown-value', 'it is a weight'],
    [
      'half a cut, naming the other half',
      branching(),
      partition('left'),
      'cut-not-a-frontier',
      '"right" crosses it too',
    ],
    [
      'a side branch, saying what the whole cut is',
      branching(),
      partition('right'),
      'cut-not-a-frontier',
      '"cut": ["right","left"]',
    ],
    ['a cut with nothing before it', branching(), partition('x'), 'cut-at-edge', 'nothing is left before'],
    ['a cut with nothing after it', branching(['y']), partition('y'), 'cut-at-edge', 'nothing is left after'],
    [
      'a cut behind the chosen exit',
      branching(),
      [...fixedExit(0), ...partition('joined')],
      'cut-behind-exit',
      'inference stops before it',
    ],
    ['an exit that is not there', branching(), fixedExit(7), 'no-such-exit', '0 "early", 1 "y"'],
    ['early exit of a single output', branching(['y']), fixedExit(0), 'no-early-exits', 'a single output'],
    [
      'a number of thresholds that does not fit',
      branching(),
      [{ op: 'early-exit', kind: 'existing', threshold: [0.5, 0.6] }],
      'threshold-count',
      'found 2 thresholds, wanted 1',
    ],
    [
      'thresholds on an output that is no list of class scores',
      modelOf({
        nodes: [makeNode('Relu', ['x'], ['early']), makeNode('MatMul', ['early', 'w'], ['y'])],
        inputs: [tensorInfo('x', [1, 4, 4])],
        outputs: [tensorInfo('early', [1, 4, 4]), tensorInfo('y', [1, 4, 1])],
        initializers: [floatTensor('w', [4, 1], Float32Array.of(1, 2, 3, 4))],
      }),
      [{ op: 'early-exit', kind: 'existing', threshold: 0.5 }],
      'exit-not-class-scores',
      'shape [1, 4, 4]',
    ],
    [
      'exits that leave only the final one',
      branching(),
      [{ op: 'early-exit', kind: 'existing', threshold: 0.5, exits: [1] }],
      'no-early-exits',
      'the final exit only',
    ],
    [
      'pruning of nothing',
      modelOf({
        nodes: [makeNode('Relu', ['x'], ['y'])],
        inputs: [tensorInfo('x', [1])],
        outputs: [tensorInfo('y', [1])],
      }),
      [{ op: 'prune', kind: 'unstructured', ratio: 0.5 }],
      'nothing-to-prune',
      'wanted at least one',
    ],
    [
      'two cuts',
      branching(),
      [...partition('stem'), ...partition('joined')],
      'recipe-sequence',
      'partition again',
    ],
    [
      'a model without inputs',
      modelOf({
        nodes: [makeNode('Relu', ['w'], ['y'])],
        inputs: [],
        outputs: [tensorInfo('y', [1])],
        initializers: [floatTensor('w', [1], Float32Array.of(1))],
      }),
      [{ op: 'identity' }],
      'onnx-no-input',
      'no input',
    ],
  ];
  it.each(cases)('%s', (_, model, recipe, code, text) => {
    const found = refusal(model, recipe);
    expect(found.code).toBe(code);
    expect(found.text).toContain(text);
  });
});

describe('checkRecipe accepts', () => {
  it('a whole cut through both branches', () => {
    for (const cut of [['left', 'right'], ['left', 'stem'], ['joined'], ['stem']]) {
      checkRecipe(branching(), partition(...cut));
    }
  });
  it('weights that nodes compute from constants: each part makes its own', async () => {
    const model = modelOf({
      nodes: [
        makeNode('ConstantOfShape', ['dims'], ['w']),
        makeNode('MatMul', ['x', 'w'], ['middle']),
        makeNode('MatMul', ['middle', 'w'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 400])],
      outputs: [tensorInfo('y', [1, 400])],
      // Too large to be folded into an initializer.
      initializers: [int64Tensor('dims', [2], [400, 400])],
    });
    const variant = build(model, partition('middle'));
    expect(variant.plan.segments.map(({ inputs }) => inputs.map(({ name }) => name))).toEqual([
      ['x'],
      ['middle'],
    ]);
    const values = await runVariant(variant, noise(variant.plan.input, 1));
    expect(floatsOf(values, 'y')).toHaveLength(400);
  });
  it('names like those of an object’s own fields', () => {
    const model = modelOf({
      nodes: [
        makeNode('MatMul', ['constructor', 'hasOwnProperty'], ['__proto__']),
        makeNode('MatMul', ['__proto__', 'hasOwnProperty'], ['toString']),
      ],
      inputs: [tensorInfo('constructor', [1, 2])],
      outputs: [tensorInfo('toString', [1, 2])],
      initializers: [floatTensor('hasOwnProperty', [2, 2], Float32Array.of(1, 2, 3, 4))],
    });
    const variant = build(model, [...partition('__proto__'), { op: 'quantize', mode: 'dynamic' }]);
    expect(variant.cuts[0]?.crossing.map(({ name }) => name)).toEqual(['value__proto__']);
    variant.files.forEach(fileBytes);
  });
  it.each([
    ['that mean something in JavaScript', '__proto__', 'constructor'],
    ['of 5,000 characters', 'a'.repeat(5000), `${'a'.repeat(5000)}b`],
    ['of blanks and line ends', ' ', '\n'],
  ])('cuts at names %s: the parts give what the whole gives', async (_, first, second) => {
    const model = modelOf({
      nodes: [
        makeNode('MatMul', ['x', 'w'], [first]),
        makeNode('Relu', [first], [second]),
        makeNode('Sigmoid', [first], ['valueOf']),
        makeNode('Add', [second, 'valueOf'], ['y']),
      ],
      inputs: [tensorInfo('x', [1, 2])],
      outputs: [tensorInfo('y', [1, 2])],
      initializers: [floatTensor('w', [2, 2], Float32Array.of(1, -2, 3, 4))],
    });
    const whole = build(model, []);
    const input = noise(whole.plan.input, 1);
    const wanted = floatsOf(await runVariant(whole, input), 'y');
    for (const cut of [[first], [second, 'valueOf'], [first, second]]) {
      for (const transfer of ['float32', 'float16'] as const) {
        const parts = build(model, [{ op: 'partition', cut, transfer }]);
        const found = floatsOf(await runVariant(parts, input), 'y');
        expect(found[0]).toBeCloseTo(wanted[0] ?? NaN, transfer === 'float32' ? 6 : 2);
      }
    }
  });
  it('reads no weights', () => {
    const model = branching();
    const [w] = model.graph.initializers;
    const unreadable: Model = {
      ...model,
      graph: {
        ...model.graph,
        initializers: [
          {
            ...w!,
            data: {
              kind: 'raw',
              range: {
                offset: 0,
                length: 64,
                source: {
                  size: 64,
                  read: () => {
                    throw new Error('weights were read');
                  },
                },
              },
            },
          },
        ],
      },
    };
    checkRecipe(unreadable, [
      { op: 'prune', kind: 'unstructured', ratio: 0.5 },
      { op: 'quantize', mode: 'dynamic' },
      ...partition('joined'),
    ]);
    expect(() => build(unreadable, [{ op: 'quantize', mode: 'dynamic' }])).toThrow('weights were read');
  });
});

describe('identity', () => {
  it('keeps the file byte for byte', () => {
    const model = sampleModel('digits');
    const [file] = build(model, [{ op: 'identity' }, { op: 'identity' }]).files;
    const [again] = build(model, []).files;
    const original = readFileSync(new URL('../../../public/samples/digits.onnx', import.meta.url));
    expect(Buffer.compare(fileBytes(file!), original)).toBe(0);
    expect(Buffer.compare(fileBytes(again!), original)).toBe(0);
    expect(file?.name).toBe('m.onnx');
  });
  it('takes external weights in', () => {
    const model = branching();
    const [w] = model.graph.initializers;
    const bytes = new Uint8Array(Float32Array.from({ length: 16 }, (_, at) => at + 1).buffer);
    const external = (
      source: { size: number; read: (offset: number, length: number) => Uint8Array } | null,
    ): Model => ({
      ...model,
      graph: {
        ...model.graph,
        initializers: [
          { ...w!, data: { kind: 'external', location: 'weights.bin', offset: 0, length: 64, source } },
        ],
      },
    });
    const given = {
      size: 64,
      read: (offset: number, length: number) => bytes.subarray(offset, offset + length),
    };
    const variant = build(external(given), [{ op: 'identity' }]);
    expect(nonZeroParams(variant.parameters)).toBe(16);
    expect(Buffer.from(fileBytes(variant.files[0]!)).includes(Buffer.from(bytes))).toBe(true);
    expect(() => build(external(null), [{ op: 'identity' }])).toThrow('weights.bin');
  });
});

describe('analyseModel', () => {
  it('is made once for a model', () => {
    const model = branching();
    expect(analyseModel(model)).toBe(analyseModel(model));
    expect(analyseModel(model).shapes.get(model.graph.nodes[0]!.outputs[0]!)?.dataType).toBe(DataType.float);
  });
});

it('exits of different classes are refused, with both counts', () => {
  const model = twoExitModel(4, { earlyClasses: 7 });
  const stop = { op: 'early-exit', kind: 'existing', threshold: 0.5 } as const;
  expect(() => checkRecipe(model, [stop])).toThrow(/found 7 classes at the exit "early" and 5 at "final"/);
  expect(() => checkRecipe(model, [{ op: 'early-exit', kind: 'existing', exit: 0 }])).not.toThrow();
});
