import { describe, expect, it } from 'vitest';
import {
  attributeText,
  floatAttribute,
  floatsAttribute,
  graphAttributes,
  intAttribute,
  intsAttribute,
  makeFloat,
  makeGraph,
  makeInt,
  makeInts,
  makeNode,
  makeString,
  makeTensor,
  stringAttribute,
  tensorAttribute,
} from '../../../src/onnx/attributes.ts';
import type { Attribute, Graph } from '../../../src/onnx/model.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';

const graph: Graph = {
  name: 'g',
  nodes: [],
  initializers: [],
  inputs: [],
  outputs: [],
  valueInfos: [],
  docString: '',
  unknown: [],
};
const tensor = floatTensor('t', [2, 1], Float32Array.of(1, 2));
const node = makeNode(
  'Op',
  ['x', ''],
  ['y'],
  [
    makeInt('i', -3),
    makeInts('is', [1, 2]),
    makeFloat('f', 0.1),
    makeString('s', 'SAME_UPPER'),
    makeTensor('t', tensor),
    makeGraph('g', graph),
  ],
  { name: 'n', domain: 'com.example' },
);

describe('attributes', () => {
  it('are read as they were made', () => {
    expect(intAttribute(node, 'i')).toBe(-3);
    expect(intsAttribute(node, 'is')).toEqual([1, 2]);
    expect(floatAttribute(node, 'f')).toBe(Math.fround(0.1));
    expect(stringAttribute(node, 's')).toBe('SAME_UPPER');
    expect(tensorAttribute(node, 't')).toBe(tensor);
    expect(graphAttributes(node)).toEqual([graph]);
    expect(node).toMatchObject({ name: 'n', domain: 'com.example', inputs: ['x', ''] });
  });

  it('are undefined if absent or of another type', () => {
    expect(intAttribute(node, 'absent')).toBeUndefined();
    expect(intAttribute(node, 'f')).toBeUndefined();
    expect(floatsAttribute(node, 'is')).toBeUndefined();
    expect(stringAttribute(node, 't')).toBeUndefined();
  });

  it('are shown as short text', () => {
    const many: Attribute = makeInts(
      'many',
      Array.from({ length: 40 }, (_, i) => i),
    );
    const opaque: Attribute = { name: 'o', value: { kind: 'opaque', type: 14 }, unknown: [] };
    const long = makeString('l', 'a'.repeat(1000));
    expect([...node.attributes, opaque].map(attributeText)).toEqual([
      '-3',
      '[1, 2]',
      '0.1',
      '"SAME_UPPER"',
      'float32[2, 1]',
      'graph of 0 nodes',
      'attribute type 14',
    ]);
    expect(attributeText(many)).toMatch(/^\[0, 1, .*, 15, … 40 in all\]$/);
    expect(attributeText(long).length).toBeLessThan(130);
  });
});
