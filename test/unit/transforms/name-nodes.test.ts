import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { nodesNamedByOriginal } from '../../../src/transforms/name-nodes.ts';
import { quantizeModel, valuesNeeded } from '../../../src/transforms/quantize/quantize-model.ts';
import { quantizeDynamic } from '../../../src/transforms/quantize/dynamic.ts';

const file = 'public/samples/digits.onnx';
const original = parseModel(memorySource(readFileSync(file)), file);

describe("a quantized model's nodes for the profile", () => {
  const { model } = quantizeDynamic(original, { weights: 'u8', perChannel: false });
  const { nodes } = nodesNamedByOriginal(model, original).graph;

  it('are each named after the node of the model that they stand for', () => {
    const outputs = new Set<string>(original.graph.nodes.flatMap((node) => node.outputs));
    for (const { name } of nodes) expect(outputs).toContain(name.replace(/\/\d+$/, ''));
    expect(new Set(nodes.map(({ name }) => name)).size).toBe(nodes.length);
  });
  it('of a convolution all count for it', () => {
    const owned = (name: string) =>
      nodes
        .filter((node) => node.name === name || node.name.startsWith(`${name}/`))
        .map(({ opType }) => opType);
    const convolutions = original.graph.nodes.filter(({ opType }) => opType === 'Conv');
    expect(convolutions.length).toBeGreaterThan(5);
    for (const { outputs } of convolutions) expect(owned(String(outputs[0]))).toContain('ConvInteger');
  });

  it('in integers count for the node that they replace, not for the one that uses their result', () => {
    const operator = { op: 'quantize', mode: 'static', format: 'qoperator' } as const;
    const ranges = new Map(valuesNeeded(original, operator).map((name) => [name, { low: -4, high: 4 }]));
    const integers = nodesNamedByOriginal(quantizeModel(original, operator, ranges).model, original).graph
      .nodes;
    const integersOf = (opType: string) =>
      integers.filter((node) => node.opType === opType).map(({ name }) => name.replace(/\/\d+$/, ''));
    const outputsOf = (opType: string) =>
      original.graph.nodes.flatMap((node) => (node.opType === opType ? [String(node.outputs[0])] : []));
    expect(integersOf('QLinearConv')).toEqual(outputsOf('Conv'));
    expect(integersOf('QGemm')).toEqual(outputsOf('Gemm'));
    expect(integersOf('QLinearAdd')).toEqual(outputsOf('Add'));
  });
});
