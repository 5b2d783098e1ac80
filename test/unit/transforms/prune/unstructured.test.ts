import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../../src/onnx/attributes.ts';
import { memorySource } from '../../../../src/onnx/byte-source.ts';
import { type Model, valueName } from '../../../../src/onnx/model.ts';
import { parseModel } from '../../../../src/onnx/parse.ts';
import { elementCount, tensorBytes, tensorFloats } from '../../../../src/onnx/tensor.ts';
import { analyseModel } from '../../../../src/transforms/analyse-model.ts';
import { checkRecipe } from '../../../../src/transforms/build-variant.ts';
import { inputChannelsOf, prunableLayers } from '../../../../src/transforms/prune/prunable-layers.ts';
import type { UnstructuredPruneOperator } from '../../../../src/transforms/prune/prune-operator.ts';
import { halfTensor } from '../../../../src/transforms/quantize/half-tensor.ts';
import { planSparsity, pruneWeights } from '../../../../src/transforms/prune/unstructured.ts';
import { build, fileBytes, sampleModel } from '../run-variant.ts';

interface Golden {
  readonly cases: readonly {
    readonly operator: Partial<UnstructuredPruneOperator>;
    readonly masks: Readonly<Record<string, string>>;
  }[];
}

const golden = new URL('../../../fixtures/prune/golden/unstructured', import.meta.url).href;
const { cases } = JSON.parse(readFileSync(new URL(`${golden}.json`), 'utf8')) as Golden;
const everyLayout = parseModel(memorySource(readFileSync(new URL(`${golden}.onnx`))), 'every-layout');
const digits = sampleModel('digits');

function prune(model: Model, operator: Partial<UnstructuredPruneOperator>): Model {
  const whole: UnstructuredPruneOperator = { op: 'prune', kind: 'unstructured', ...operator };
  const analysed = analyseModel(model);
  return pruneWeights(analysed.model, planSparsity(analysed, whole), whole).model;
}

function notesOf(model: Model, operator: Partial<UnstructuredPruneOperator>): readonly string[] {
  const whole: UnstructuredPruneOperator = { op: 'prune', kind: 'unstructured', ...operator };
  const analysed = analyseModel(model);
  const plan = planSparsity(analysed, whole);
  return [...plan.notes, ...pruneWeights(analysed.model, plan, whole).notes];
}

function weightsIn({ graph }: Model): Map<string, Float32Array> {
  return new Map(prunableLayers(graph).map(({ weight }) => [weight.name, tensorFloats(weight)]));
}

function tensorWords({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function zerosIn(values: Float32Array | undefined): number {
  return values?.filter((value) => value === 0).length ?? -1;
}

function shares(model: Model): Record<string, number> {
  return Object.fromEntries(
    [...weightsIn(model)].map(([name, values]) => [name, zerosIn(values) / values.length]),
  );
}

/** Which weights stay, as the script writes it: eight to a byte, the first one highest. */
function maskText(values: Float32Array): string {
  const bytes = new Uint8Array(Math.ceil(values.length / 8));
  values.forEach((value, at) => {
    if (value !== 0) bytes[at >> 3] = (bytes[at >> 3] ?? 0) | (128 >> (at & 7));
  });
  return Buffer.from(bytes).toString('hex');
}

describe('zeros', () => {
  it.each(cases)('lie where torch.nn.utils.prune and numpy have them: $operator', ({ operator, masks }) => {
    const before = weightsIn(everyLayout);
    for (const [name, values] of weightsIn(prune(everyLayout, operator))) {
      expect([name, maskText(values)]).toEqual([name, masks[name]]);
      const stays = values.every((value, at) => value === 0 || value === before.get(name)?.[at]);
      expect(stays).toBe(true);
    }
  });

  it('drawn at random are as many as asked for, the same for the same seed and others for another', () => {
    const drawn = (seed: number, scope: 'layer' | 'global') =>
      weightsIn(prune(digits, { ratio: 0.4, importance: 'random', seed, scope }));
    for (const [name, values] of drawn(3, 'layer')) {
      expect([name, zerosIn(values)]).toEqual([name, Math.round(0.4 * values.length)]);
    }
    const [all, again, other] = [drawn(3, 'global'), drawn(3, 'global'), drawn(4, 'global')];
    const [zeros, count] = [...all.values()].reduce(
      ([z, n], values) => [z + zerosIn(values), n + values.length],
      [0, 0],
    );
    expect(zeros).toBe(Math.round(0.4 * count));
    const bytesOf = (drawing: typeof all) => Buffer.concat([...drawing.values()].map(tensorWords));
    expect(Buffer.compare(bytesOf(again), bytesOf(all))).toBe(0);
    expect(Buffer.compare(bytesOf(other), bytesOf(all))).not.toBe(0);
    // By chance every part of a tensor loses about as much.
    const largest = [...all.values()].toSorted((a, b) => b.length - a.length)[0] ?? new Float32Array();
    const half = largest.length / 2;
    expect(zerosIn(largest.subarray(0, half)) / half).toBeCloseTo(0.4, 1);
    expect(zerosIn(largest.subarray(half)) / half).toBeCloseTo(0.4, 1);
  });

  it.each(['l1', 'random'] as const)('by %s leave at most 2 of 4 along the input channels', (importance) => {
    const pruned = prune(everyLayout, { pattern: '2:4', importance });
    for (const layer of prunableLayers(pruned.graph)) {
      const { outer, channels, inner } = inputChannelsOf(layer);
      const values = tensorFloats(layer.weight);
      expect(outer * channels * inner).toBe(values.length);
      for (let column = 0; column < outer * inner; column++) {
        const start = Math.floor(column / inner) * channels * inner + (column % inner);
        for (let first = 0; first < channels; first += 4) {
          const row = [0, 1, 2, 3].filter((i) => first + i < channels);
          const left = row.filter((i) => values[start + (first + i) * inner] !== 0);
          expect(left).toHaveLength(Math.ceil(row.length / 2));
        }
      }
    }
  });

  it('in half precision are the ones that float32 has', () => {
    const { graph } = everyLayout;
    const model = {
      ...everyLayout,
      graph: { ...graph, initializers: graph.initializers.map((tensor) => halfTensor(tensor).half) },
    };
    const operator = { ratio: 0.5 } as const;
    const pruned = prune({ ...model, graph: { ...model.graph, valueInfos: [] } }, operator);
    const expected = cases.find(({ operator: { ratio, scope } }) => ratio === 0.5 && !scope)?.masks;
    for (const [name, values] of weightsIn(pruned)) expect(maskText(values)).toBe(expected?.[name]);
  });
});

describe('layers', () => {
  it('are as sparse as the last rule that means them says, and protected ones stay', () => {
    const operator = {
      ratio: 0.5,
      layers: [
        { nodes: ['Conv'], ratio: 0.25 },
        { nodes: ['c', 'nowhere'], pattern: '1:4' },
        { nodes: ['i'], ratio: 0 },
      ],
      protect: ['first', 'last', 'g', 'nothing*'],
    };
    expect(shares(prune(everyLayout, operator))).toEqual({
      conv: 0,
      depthwise: 0.25,
      grouped: 0.75,
      transposed: 0.5,
      rows: 0,
      columns: expect.closeTo(0.5, 2),
      product: 0,
      left: 0,
    });
    expect(notesOf(everyLayout, operator)).toEqual([
      'No layer that can be pruned is meant by nowhere, nothing*.',
    ]);
  });

  it('without a rule are ranked together, and those with one are not', () => {
    const pruned = prune(everyLayout, {
      ratio: 0.5,
      scope: 'global',
      layers: [{ nodes: ['a'], ratio: 0.25 }],
    });
    const found = shares(pruned);
    expect(found['conv']).toBe(0.25);
    const others = [...weightsIn(pruned)].filter(([name]) => name !== 'conv');
    const [zeros, count] = others.reduce(
      ([z, n], [, values]) => [z + zerosIn(values), n + values.length],
      [0, 0],
    );
    expect(zeros).toBe(Math.round(0.5 * count));
  });

  it('before every output are the last ones', () => {
    const last = analyseModel(digits).exits.length;
    const found = Object.values(shares(prune(digits, { ratio: 0.5, protect: ['last'] })));
    expect(found.filter((share) => share === 0)).toHaveLength(last);
    expect(last).toBeGreaterThan(1);
  });

  it('that share weights are protected together', () => {
    const twice: Model = {
      ...everyLayout,
      graph: {
        ...everyLayout.graph,
        nodes: [
          ...everyLayout.graph.nodes,
          makeNode('MatMul', ['h', 'product'].map(valueName), [valueName('again')]),
        ],
        outputs: [
          ...everyLayout.graph.outputs,
          { ...everyLayout.graph.outputs[0]!, name: valueName('again') },
        ],
      },
    };
    expect(shares(prune(twice, { ratio: 0.5, protect: ['again'] }))['product']).toBe(0);
    const ruled = prune(twice, { ratio: 0.5, layers: [{ nodes: ['again'], ratio: 0.25 }] });
    expect(shares(ruled)['product']).toBeCloseTo(0.25, 1);
  });

  it('that become zero as a whole, or have no row to thin out, are told', () => {
    expect(notesOf(everyLayout, { ratio: 0.995, protect: ['Conv', 'h', 'd'] })).toEqual([
      'All weights of 3 layers became zero, "rows" the first: nothing gets through. Prune less there, or protect it.',
    ]);
    expect(notesOf(everyLayout, { pattern: '2:4' })).toEqual([
      '1 of 8 layers stay as they are: they have one input channel (depthwise), so no row to thin out.',
    ]);
  });

  it('that are all protected leave nothing to prune, which is refused with a way out', () => {
    expect(() =>
      checkRecipe(digits, [{ op: 'prune', kind: 'unstructured', ratio: 0.5, protect: ['*'] }]),
    ).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({
          code: 'prune-all-protected',
          remedy: expect.objectContaining({ label: 'Protect the first and the last layer only' }),
        }),
      }),
    );
  });
});

describe('a ratio of 0', () => {
  it.each([
    [{ op: 'prune', kind: 'unstructured', ratio: 0, scope: 'global' }],
    [{ op: 'prune', kind: 'structured', ratio: 0, roundTo: 8 }],
  ] as const)('gives the same file, byte by byte: %j', (operator) => {
    const bytes = (recipe: Parameters<typeof build>[1]) => fileBytes(build(digits, recipe).files[0]!);
    expect(Buffer.compare(bytes([operator]), bytes([{ op: 'identity' }]))).toBe(0);
  });
});

it('the model it came from stays as it was', () => {
  const before = everyLayout.graph.initializers.map((tensor) => new Uint8Array(tensorBytes(tensor)));
  for (const tensor of prune(everyLayout, { pattern: '1:4' }).graph.initializers) {
    expect(tensorBytes(tensor)).toHaveLength(4 * elementCount(tensor.dims));
  }
  everyLayout.graph.initializers.forEach((tensor, at) => {
    expect(Buffer.compare(tensorBytes(tensor), before[at]!)).toBe(0);
  });
});
