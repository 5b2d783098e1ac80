import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { indexGraph } from '../../../src/onnx/graph-index.ts';
import { valueName } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { inferShapes } from '../../../src/onnx/shape-inference.ts';
import { tensorBytes, tensorFloats, tensorIntegers } from '../../../src/onnx/tensor.ts';
import { extractBetween, type IndexedModel } from '../../../src/transforms/extract.ts';
import { quantizeDynamic } from '../../../src/transforms/quantize/dynamic.ts';
import { build, floatsOf, relativeDifference, runVariant, sampleModel } from './run-variant.ts';

interface ExtractGolden {
  readonly madeBy: { readonly onnx: string };
  readonly cases: readonly {
    readonly model: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly nodes: number;
    readonly nodeOutputs: string;
    readonly initializers: string;
  }[];
}
interface MergeGolden {
  readonly madeBy: { readonly onnx: string };
  readonly cases: readonly {
    readonly model: string;
    readonly cut: readonly string[];
    readonly nodes: number;
    readonly nodeOutputs: string;
    readonly initializers: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
  }[];
}
interface QuantizeGolden {
  readonly madeBy: { readonly onnxruntime: string };
  readonly weights: readonly {
    readonly weight: string;
    readonly dims: readonly number[];
    readonly scale: number;
    readonly zeroPoint: number;
    readonly sha256: string;
  }[];
  readonly operators: Readonly<Record<string, number>>;
  readonly outputs: Readonly<Record<string, readonly number[]>>;
}

/** Made by `test/fixtures/transforms/make_golden.py`. */
function golden(name: string): unknown {
  const file = new URL(`../../fixtures/transforms/golden/${name}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8'));
}
const extractGolden = golden('extract') as ExtractGolden;
/** Made by `make_branch_golden.py` there: cuts that are pulled further down in some branches. */
const branchGolden = golden('extract-branches') as ExtractGolden;
/** Made by `make_merge_golden.py` there. */
const mergeGolden = golden('merge') as MergeGolden;
const quantizeGolden = golden('quantize') as QuantizeGolden;

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');
const fingerprint = (names: Iterable<string>): string => sha256([...names].sort().join('\n')).slice(0, 16);

const indexed = new Map<string, IndexedModel>();
function indexedSample(name: string): IndexedModel {
  const known = indexed.get(name);
  if (known !== undefined) return known;
  const model = sampleModel(name);
  const made = { model, index: indexGraph(model.graph), shapes: inferShapes(model) };
  indexed.set(name, made);
  return made;
}

describe(`extractBetween keeps what onnx.utils.Extractor keeps (onnx ${extractGolden.madeBy.onnx})`, () => {
  it.each(
    [...extractGolden.cases, ...branchGolden.cases].map(
      (wanted) => [wanted.model, wanted.outputs[0], wanted] as const,
    ),
  )('%s up to %s', (name, _, wanted) => {
    const part = extractBetween(
      indexedSample(`zoo/${name}`),
      wanted.inputs.map(valueName),
      wanted.outputs.map(valueName),
    );
    const { nodes, initializers, inputs, outputs } = part.graph;
    expect(nodes).toHaveLength(wanted.nodes);
    expect(fingerprint(nodes.flatMap((node) => node.outputs))).toBe(wanted.nodeOutputs);
    expect(fingerprint(initializers.map((tensor) => tensor.name))).toBe(wanted.initializers);
    expect(inputs.map((value) => value.name)).toEqual(wanted.inputs);
    expect(outputs.map((value) => value.name)).toEqual(wanted.outputs);
  });
});

describe(`what crosses joins the parts as onnx.compose.merge_models joins them (onnx ${mergeGolden.madeBy.onnx})`, () => {
  it.each(mergeGolden.cases.map((wanted) => [wanted.model, wanted.cut.join(' and '), wanted] as const))(
    '%s at %s',
    (name, _, wanted) => {
      const source = indexedSample(name);
      const cut = wanted.cut.map(valueName);
      const [inputs, outputs] = [wanted.inputs.map(valueName), wanted.outputs.map(valueName)];
      const parts = [extractBetween(source, inputs, cut), extractBetween(source, cut, outputs)];
      const nodes = parts.flatMap(({ graph }) => graph.nodes);
      expect(nodes).toHaveLength(wanted.nodes);
      expect(fingerprint(nodes.flatMap((node) => node.outputs))).toBe(wanted.nodeOutputs);
      const weights = new Set(parts.flatMap(({ graph }) => graph.initializers.map((tensor) => tensor.name)));
      expect(fingerprint(weights)).toBe(wanted.initializers);
      expect(parts[0]?.graph.outputs.map((value) => value.name)).toEqual(cut);
      expect(parts[1]?.graph.inputs.map((value) => value.name)).toEqual(cut);
    },
  );
});

describe(`dynamic int8 is what quantize_dynamic makes (onnxruntime ${quantizeGolden.madeBy.onnxruntime})`, () => {
  const bytes = readFileSync(new URL('../../fixtures/transforms/golden/quantize.onnx', import.meta.url));
  const model = parseModel(memorySource(bytes));
  const { graph } = quantizeDynamic(model, { weights: 'u8', perChannel: false }).model;
  const tensors = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));

  it('has the same integers, scale and zero point for every weight', () => {
    for (const { weight, scale, zeroPoint, sha256: wanted, dims } of quantizeGolden.weights) {
      const integers = tensors.get(`${weight}_quantized`);
      const scaleTensor = tensors.get(`${weight}_scale`);
      const zeroPointTensor = tensors.get(`${weight}_zero_point`);
      if (!integers || !scaleTensor || !zeroPointTensor) throw new Error(`${weight} was not quantized`);
      expect(integers.dims).toEqual(dims);
      expect(tensorFloats(scaleTensor)[0]).toBe(Math.fround(scale));
      expect(tensorIntegers(zeroPointTensor)).toEqual([zeroPoint]);
      expect(sha256(tensorBytes(integers))).toBe(wanted);
    }
    expect(quantizeGolden.weights.length).toBe(
      graph.initializers.filter(({ name }) => name.endsWith('_quantized')).length,
    );
  });

  it('has the same operators, but needs no Reshape of biases', () => {
    const operators: Record<string, number> = {};
    for (const { opType } of graph.nodes) operators[opType] = (operators[opType] ?? 0) + 1;
    const { Reshape: _, ...wanted } = quantizeGolden.operators;
    expect(operators).toEqual(wanted);
  });

  it('computes the same', async () => {
    const variant = build(model, [{ op: 'quantize', mode: 'dynamic' }]);
    const { input } = variant.plan;
    const dims = (input.shape ?? []).map(Number);
    const count = dims.reduce((product, dim) => product * dim, 1);
    const image = Float32Array.from({ length: count }, (_, at) => Math.sin(at * 0.37));
    const found = await runVariant(variant, new Tensor('float32', image, dims));
    for (const [name, wanted] of Object.entries(quantizeGolden.outputs)) {
      // An activation on the edge between two integers may fall to either side.
      expect(relativeDifference(floatsOf(found, name), Float32Array.from(wanted))).toBeLessThan(0.01);
    }
  });
});
