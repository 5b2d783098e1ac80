import { expect, it } from 'vitest';
import type { NodeView } from '../../../src/onnx/graph-view.ts';
import { workLeft } from '../../../src/study/work-left.ts';

const node = (index: number, output: string, macs: number, activationBytes: number) =>
  ({ index, outputs: [output], macs, activationBytes }) as unknown as NodeView;

const before = { nodes: [node(0, 'conv', 100, 8), node(1, 'relu', 0, 8), node(2, 'head', 10, 4)] };

it('is all of it in the same graph, and a quarter where each layer does a quarter', () => {
  expect(workLeft(before, before, [5, 1, 2])).toBe(1);
  const after = { nodes: [node(0, 'conv', 25, 4), node(1, 'relu', 0, 2), node(2, 'head', 2.5, 4)] };
  expect(workLeft(before, after, [5, 1, 2])).toBeCloseTo(0.25);
});

it('weighs nodes by their time, and those that one graph lacks not at all', () => {
  const after = { nodes: [node(0, 'new', 7, 7), node(1, 'conv', 50, 4), node(2, 'relu', 0, 8)] };
  expect(workLeft(before, after, [6, 2, 100])).toBeCloseTo((3 + 2) / 8);
  expect(workLeft(before, { nodes: [] }, [1, 1, 1])).toBe(1);
});
