import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { openModelArgument } from '../../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import { singleValueCuts } from '../../../src/onnx/frontiers.ts';
import type { GraphView } from '../../../src/onnx/graph-view.ts';
import { inferShapes } from '../../../src/onnx/shape-inference.ts';

function golden(path: string) {
  return JSON.parse(readFileSync(new URL(`../../fixtures/${path}`, import.meta.url), 'utf8'));
}

const costs: Record<string, { macs: number; params: number }> = golden('macs/golden/zoo-costs.json').models;
const shapes: Record<string, string> = golden('shapes/golden/zoo-shapes.json').models;

function viewOf(name: string): GraphView {
  const { model, fileName, fileBytes } = openModelArgument(`zoo:${name}`);
  return buildGraphView(model, { modelId: name, fileName, fileBytes });
}

test('the golden files cover all 17 architectures', () => {
  expect(Object.keys(costs)).toHaveLength(17);
  expect(Object.keys(shapes).toSorted()).toEqual(Object.keys(costs).toSorted());
});

describe.each(Object.keys(costs))('%s', (name) => {
  test('every value has the type and shape that onnx and ONNX Runtime give it', () => {
    const { model } = openModelArgument(`zoo:${name}`);
    const inferred = inferShapes(model);
    const values = model.graph.nodes.flatMap((node) => node.outputs);
    const text = values.map((value) => {
      const facts = inferred.get(value);
      return `${facts?.dataType}:${facts?.shape?.map((dim) => dim ?? '?').join('x')}`;
    });
    expect(text).toEqual((shapes[name] as string).split(' '));
  });

  test('MACs and parameters equal the count made with PyTorch hooks', () => {
    const { totals } = viewOf(name);
    expect({ macs: totals.macs, params: totals.params }).toEqual({
      macs: costs[name]?.macs,
      params: costs[name]?.params,
    });
  });

  test('the view is whole: blocks partition the nodes, every value has a size, nothing is left to warn of', () => {
    const view = viewOf(name);
    expect(view.warnings).toEqual([]);
    expect(view.hollow).toBe(true);
    expect([...view.values.values()].filter((value) => value.bytes === null)).toEqual([]);
    expect(view.blocks.flatMap(({ firstNode, lastNode }) => range(firstNode, lastNode))).toEqual(
      range(0, view.nodes.length - 1),
    );
    expect(view.blocks.reduce((sum, block) => sum + block.macs, 0)).toBe(view.totals.macs);
    expect(view.frontiers.at(-1)).toMatchObject({
      crossing: [],
      legal: false,
      macsBefore: view.totals.macs,
      weightBytesBefore: view.totals.weightBytes,
    });
    expect(view.exits).toHaveLength(1);
    expect(view.exits[0]).toMatchObject({ macs: view.totals.macs, params: view.totals.params });
  });

  test('single-value cuts are exactly the values that every path from input to output passes', () => {
    const view = viewOf(name);
    const cuts = new Set(singleValueCuts(view.frontiers).map(({ crossing }) => crossing[0] as string));
    const separators = view.nodes
      .flatMap((node) => node.outputs)
      .filter((value) => !view.outputs.includes(value) && separates(view, value));
    expect(cuts).toEqual(new Set(separators));
  });
});

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, at) => first + at);
}

/** Whether no output can be reached from an input once this value is taken away: a walk, not a count. */
function separates(view: GraphView, removed: string): boolean {
  const reached = new Set<string>(view.inputs);
  for (const node of view.nodes) {
    if (!node.inputs.some((name) => reached.has(name))) continue;
    for (const name of node.outputs) if (name !== removed) reached.add(name);
  }
  return view.outputs.every((name) => !reached.has(name));
}

test('repeated blocks fold: ResNet-152 and DenseNet-201 become few boxes', () => {
  expect(viewOf('resnet152').blocks.length).toBeLessThanOrEqual(156);
  expect(viewOf('densenet201').blocks.length).toBeLessThanOrEqual(28);
  const labels = viewOf('resnet152').blocks.map(({ label }) => label);
  expect([labels[0], labels[2], labels.at(-1)]).toEqual(['stem', 'block 1', 'head']);
  expect(labels.filter((label) => label.startsWith('block'))).toHaveLength(50);
});
