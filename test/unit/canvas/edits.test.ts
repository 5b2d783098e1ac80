import { expect, test } from 'vitest';
import { recipeAfter, withExitToggled } from '../../../src/canvas/edits.ts';
import { placementOf } from '../../../src/transforms/placement.ts';
import {
  canTap,
  nodeOfTap,
  tapPlaces,
  trainedExitsOf,
  withTap,
} from '../../../src/transforms/exits/trained-placement.ts';
import type { Recipe } from '../../../src/transforms/recipe.ts';
import { viewOf } from './views.ts';

test('an exit inside a branch stands where its value is made, in order, and is dragged to a place along the graph', () => {
  const view = viewOf('zoo:resnet152');
  const places = tapPlaces(view);
  const [first, last] = [places[0]!, places.at(-1)!];
  const inBranch = view.nodes
    .flatMap(({ outputs }) => outputs)
    .filter((value) => canTap(view, value) && !places.some((place) => place.value === value));
  const value = inBranch[Math.floor(inBranch.length / 2)]!;
  const from = nodeOfTap(view, value);
  expect(view.nodes[from]?.outputs).toContain(value);

  let three: Recipe = [];
  for (const at of [last.value, value, first.value]) three = withTap(three, view, at);
  expect(trainedExitsOf(three)?.at).toEqual([first.value, value, last.value]);

  const place = places[1]!;
  const drop = { subject: 'tap', from, place: place.afterNode } as const;
  const moved = recipeAfter(drop, three, view, placementOf(three, view));
  expect(trainedExitsOf(moved)?.at).toEqual([first.value, place.value, last.value]);
});

test('an exit is always taken where outputs are of pixels, and taken when confident where they are of classes', () => {
  const view = viewOf('sample');
  const { output } = view.exits.at(-1)!;
  const ofPixels = {
    ...view,
    values: new Map([...view.values, [output, { ...view.values.get(output)!, shape: [1, 12, 8, 8] }]]),
  };
  const toggled = (each: typeof view) =>
    placementOf(withExitToggled([], each, { kind: 'none' }, 0), each).exit;
  expect(toggled(view)).toMatchObject({ kind: 'dynamic', exits: [0, 2] });
  expect(toggled(ofPixels)).toMatchObject({ kind: 'fixed', exit: 0 });
});
