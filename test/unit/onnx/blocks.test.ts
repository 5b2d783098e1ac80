import { describe, expect, test } from 'vitest';
import { headOfNodes } from '../../../src/onnx/exit-heads.ts';
import { bundledModels, viewOf } from '../canvas/views.ts';

const labels = (name: string) => viewOf(name).blocks.map(({ label }) => label);

test('the trunk is numbered through; heads of exits have names of their own', () => {
  expect(labels('sample')).toEqual([
    'stem',
    'block 1',
    'exit 1 head',
    'block 2',
    'exit 2 head',
    'block 3',
    'block 4',
    'block 5',
    'head',
  ]);
});

test.each(['zoo:mobilenet_v2', 'zoo:resnet152', 'zoo:vit_b_16', 'zoo:shufflenet_v2_x1_0'])(
  '%s ends in one head',
  (name) => {
    const { blocks, nodes } = viewOf(name);
    expect(blocks.filter(({ label }) => label.startsWith('head'))).toEqual([blocks.at(-1)]);
    const head = nodes.slice(blocks.at(-1)?.firstNode);
    expect(head.some(({ opType }) => opType === 'Gemm')).toBe(true);
    expect(head.some(({ opType }) => opType === 'Conv')).toBe(false);
  },
);

test('a model that ends in a map has no classifier', () => {
  expect(labels('zoo:fcn_resnet101').slice(-3)).toEqual(['Conv', 'Conv', 'Resize']);
});

describe.each(bundledModels)('%s', (name) => {
  const view = viewOf(name);
  const { blocks, frontiers, nodes } = view;

  test('blocks are numbered from 1 without a gap, and no two numbers are the same', () => {
    const numbers = blocks.flatMap(({ label }) => /^block (\d+)$/.exec(label)?.[1] ?? []);
    expect(numbers).toEqual(numbers.map((_, at) => String(at + 1)));
  });

  test('blocks end where a single value crosses', () => {
    for (const { lastNode } of blocks)
      if (lastNode < nodes.length - 1) expect(frontiers[lastNode]?.crossing).toHaveLength(1);
  });

  test('blocks are a partition of the nodes, and the head of an exit belongs to it alone', () => {
    const heads = headOfNodes(view);
    let next = 0;
    for (const { label, firstNode, lastNode } of blocks) {
      expect(firstNode).toBe(next);
      next = lastNode + 1;
      const exit = /^exit (\d+) head$/.exec(label)?.[1];
      const owners = new Set(heads.subarray(firstNode, next));
      if (exit !== undefined) expect([...owners]).toEqual([Number(exit) - 1]);
    }
    expect(next).toBe(nodes.length);
  });
});
