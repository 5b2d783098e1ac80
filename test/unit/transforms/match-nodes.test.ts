import { describe, expect, it } from 'vitest';
import { makeNode } from '../../../src/onnx/attributes.ts';
import { matchNodes } from '../../../src/transforms/match-nodes.ts';

const nodes = [
  makeNode('Conv', ['x', 'w'], ['stem'], [], { name: '/features/0/conv' }),
  makeNode('Conv', ['stem', 'v'], ['deep'], [], { name: '/features/1/conv' }),
  makeNode('Softmax', ['deep'], ['prob']),
];

describe('nodes by pattern', () => {
  it.each([
    ['a name', '/features/1/conv', ['deep']],
    ['a made value', 'stem', ['stem']],
    ['an operator', 'Softmax', ['prob']],
    ['any text at the end', '/features/*', ['stem', 'deep']],
    ['any text at both ends', '*1*', ['deep']],
    ['any text in between', '/*/0/*v', ['stem']],
    ['everything', '*', ['stem', 'deep', 'prob']],
    ['text that a regular expression would read', '/features/..conv', []],
    ['overlapping ends', 'prob*ob', []],
  ])('finds %s', (_, pattern, outputs) => {
    const { matches, unmatched } = matchNodes(nodes, [pattern]);
    expect(nodes.filter(matches).flatMap((node) => node.outputs)).toEqual(outputs);
    expect(unmatched).toEqual(outputs.length === 0 ? [pattern] : []);
  });

  it('takes a long pattern of many stars without effort', () => {
    const name = 'a'.repeat(5000);
    const node = makeNode('Relu', ['x'], [name]);
    expect(matchNodes([node], [`${'*a'.repeat(2000)}*b`]).unmatched).toHaveLength(1);
  });
});
