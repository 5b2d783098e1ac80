import { describe, expect, test } from 'vitest';
import { boxesOf } from '../../../src/canvas/boxes.ts';
import { heatOf, heatRamp } from '../../../src/canvas/heat.ts';
import { layOut } from '../../../src/canvas/layout.ts';
import { cutPlaces, nearestPlace, type Place, stepFrom, stopPlaces } from '../../../src/canvas/places.ts';
import { searchMatches } from '../../../src/canvas/search.ts';
import { placementOf, withCut } from '../../../src/transforms/placement.ts';
import { bundledModels, viewOf } from './views.ts';

const place = (at: number, y: number, pullPx = 0, endsBlock = false): Place => ({ at, y, pullPx, endsBlock });

describe.each(bundledModels)('%s', (name) => {
  const view = viewOf(name);
  const places = cutPlaces(view, layOut(view, boxesOf(view, new Set())));

  test('every place is legal, and a cut dropped there stays there', () => {
    expect(places.length).toBeGreaterThan(4);
    for (const { at } of places) {
      expect(view.frontiers[at]?.legal).toBe(true);
      expect(placementOf(withCut([], view, at), view).cut).toBe(at);
    }
  });

  test('places come from top to bottom', () => {
    const heights = places.map(({ y }) => y);
    expect(heights).toEqual(heights.toSorted((a, b) => a - b));
  });
});

test('the nearest place is meant, but one with a pull from farther away', () => {
  const places = [place(0, 0), place(1, 100, 14), place(2, 130)];
  expect(nearestPlace(places, 40, 1)?.at).toBe(0);
  expect(nearestPlace(places, 120, 1)?.at).toBe(1);
  expect(nearestPlace(places, 128, 1)?.at).toBe(2);
  // The pull is in pixels on screen: magnified, the same point is clearly nearer to the other place.
  expect(nearestPlace(places, 120, 4)?.at).toBe(2);
  expect(nearestPlace([], 0, 1)).toBeUndefined();
});

test('the keyboard reaches every place, and stays at the ends', () => {
  const places = [place(2, 0), place(5, 10, 0, true), place(6, 20), place(9, 30, 0, true)];
  const reached = [places[0]?.at ?? -1];
  for (let i = 0; i < 5; i++) reached.push(stepFrom(places, reached.at(-1) ?? -1, 'next')?.at ?? -1);
  expect(reached).toEqual([2, 5, 6, 9, 9, 9]);
  expect(stepFrom(places, 6, 'previous')?.at).toBe(5);
  expect(stepFrom(places, 2, 'previous')?.at).toBe(2);
  expect(stepFrom(places, 2, 'nextBlock')?.at).toBe(5);
  expect(stepFrom(places, 5, 'nextBlock')?.at).toBe(9);
  expect(stepFrom(places, 9, 'previousBlock')?.at).toBe(5);
  expect(stepFrom(places, 6, 'first')?.at).toBe(2);
  expect(stepFrom(places, 6, 'last')?.at).toBe(9);
  // From a place that is none (a cut typed into the recipe) to its neighbours.
  expect(stepFrom(places, 7, 'next')?.at).toBe(9);
  expect(stepFrom(places, 7, 'previous')?.at).toBe(6);
});

test('a fixed exit can stand at every exit of the model', () => {
  const view = viewOf('sample');
  const places = stopPlaces(view, layOut(view, boxesOf(view, new Set())));
  expect(places.map(({ at }) => at)).toEqual([0, 1, 2]);
});

test('search finds by operator and name, all words, any case', () => {
  const view = viewOf('zoo:resnet152');
  const found = searchMatches(view, 'CONV layer3.20');
  expect(found).toHaveLength(3);
  for (const index of found) expect(view.nodes[index]?.opType).toBe('Conv');
  expect(searchMatches(view, '  ')).toEqual([]);
  expect(searchMatches(view, 'no such thing')).toEqual([]);
});

test('heat rises with cost from cold to hot', () => {
  expect([heatOf(0, 100), heatOf(25, 100), heatOf(100, 100), heatOf(5, 0)]).toEqual([0, 0.5, 1, 0]);
  expect(heatRamp('#fff', '#000000', 3)).toEqual(['rgb(255,255,255)', 'rgb(128,128,128)', 'rgb(0,0,0)']);
});
