import { expect, it } from 'vitest';
import { boxesOf } from '../../../src/canvas/boxes.ts';
import { lightOfBoxes, type LitRole, litNodes } from '../../../src/canvas/lit.ts';
import { type ValueName, valueName } from '../../../src/onnx/model.ts';
import { viewOf } from './views.ts';

const view = viewOf('sample');
const made = (node: number): ValueName => view.nodes[node]?.outputs[0] as ValueName;

it('nodes are lit by what they make, in their first role; values that the view lacks light nothing', () => {
  const roles: [ValueName, LitRole][] = [
    [made(1), 'makes'],
    [valueName('elsewhere'), 'reads'],
    [made(1), 'reads'],
    [made(0), 'follows'],
  ];
  expect([...litNodes(view, roles)]).toEqual([
    [1, 'makes'],
    [0, 'follows'],
  ]);
});

it('a folded box says how much of it is lit, by its first role; the others are dark', () => {
  const boxes = boxesOf(view, new Set());
  const at = boxes.findIndex(({ lastNode, firstNode }) => lastNode > firstNode);
  const { firstNode, lastNode } = boxes[at] as (typeof boxes)[number];
  const lights = lightOfBoxes(
    boxes,
    new Map<number, LitRole>([
      [firstNode, 'reads'],
      [lastNode, 'makes'],
    ]),
  );
  expect(lights[at]).toEqual({ role: 'makes', text: `2 of ${lastNode - firstNode + 1} lit` });
  expect(lights.filter((light) => light !== null)).toHaveLength(1);
});
