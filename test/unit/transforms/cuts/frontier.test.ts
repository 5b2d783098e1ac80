import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  costOfFrontier,
  crossingNames,
  crossingOf,
  frontierOfValues,
  isNested,
  neighboursOf,
  placesOnBranch,
  unitsUpTo,
} from '../../../../src/transforms/cuts/frontier.ts';
import { walkFrontiers } from '../../../../src/transforms/cuts/walk-frontiers.ts';
import { bundledModels, viewOf } from '../../canvas/views.ts';
import { cutGraphOfView } from '../../../../src/transforms/cuts/cut-graph.ts';
import { allFrontiers, anyGraph, properFrontiers } from './graphs.ts';

const key = (before: Uint8Array): string => before.join('');

describe('frontiers of any graph', () => {
  test('are named by what crosses them', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        for (const before of properFrontiers(graph)) {
          const found = frontierOfValues(graph, crossingNames(graph, before).toReversed());
          expect(found.kind === 'frontier' && key(found.before)).toBe(key(before));
        }
      }),
    );
  });

  test('are all visited, each once, with the counts of a fresh count', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const visited: string[] = [];
        const isAll = walkFrontiers(graph, (state) => {
          visited.push(key(state.before));
          const cost = costOfFrontier(graph, state.before);
          expect(state).toMatchObject({
            crossingBytes: cost.crossingBytes,
            crossingValues: crossingOf(graph, state.before).length,
            macsBefore: cost.macsBefore,
            weightBytesBefore: cost.weightBytesBefore,
            weightBytesAfter: cost.weightBytesAfter,
          });
        });
        expect(isAll).toBe(true);
        expect(visited.toSorted()).toEqual(allFrontiers(graph).map(key).toSorted());
      }),
    );
  });

  test('with a value missing are completed to the nearest', () => {
    fc.assert(
      fc.property(anyGraph, fc.nat(), (graph, pick) => {
        const wide = properFrontiers(graph).map((before) => crossingNames(graph, before));
        const crossing = wide.filter((names) => names.length > 1);
        const names = crossing[pick % Math.max(1, crossing.length)];
        fc.pre(names !== undefined);
        const found = frontierOfValues(graph, names.slice(1));
        if (found.kind !== 'incomplete') return;
        expect(found.missing.length).toBeGreaterThan(0);
        expect(frontierOfValues(graph, found.nearest).kind).toBe('frontier');
      }),
    );
  });

  test('have neighbours that differ in one unit and are frontiers, too', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const known = new Set(allFrontiers(graph).map(key));
        for (const before of allFrontiers(graph)) {
          const { canJoin, canLeave } = neighboursOf(graph, before);
          const next = [
            ...canJoin.map((unit) => before.with(unit, 1)),
            ...canLeave.map((unit) => before.with(unit, 0)),
          ].map(key);
          const wanted = graph.units
            .map((_, unit) => key(before.with(unit, before[unit] === 1 ? 0 : 1)))
            .filter((each) => known.has(each));
          expect(next.toSorted()).toEqual(wanted.toSorted());
        }
      }),
    );
  });

  test('pulled along a branch leave what crosses the other branches as it is', () => {
    fc.assert(
      fc.property(anyGraph, (graph) => {
        const known = new Set(properFrontiers(graph).map(key));
        for (const before of properFrontiers(graph)) {
          const crossing = crossingOf(graph, before);
          for (const value of crossing) {
            const others = crossing.filter((other) => other !== value);
            const places = placesOnBranch(graph, before, value);
            expect(places.map((place) => key(place.before))).toContain(key(before));
            places.forEach((place, at) => {
              expect(known).toContain(key(place.before));
              expect(crossingOf(graph, place.before)).toEqual(
                expect.arrayContaining([...others, place.value]),
              );
              const next = places[at + 1];
              if (next) expect(isNested(place.before, next.before)).toBe(true);
            });
          }
        }
      }),
    );
  });
});

test('both branches of a block can be cut inside', () => {
  const view = viewOf('zoo:resnet101_duc_hdc');
  const graph = cutGraphOfView(view);
  const shortcut = view.nodes.find(({ opType, inputs }) => {
    const users = view.nodes.filter((node) => node.inputs.includes(inputs[0] as never));
    return opType === 'Conv' && users.length === 2 && users.every((user) => user.opType === 'Conv');
  });
  const fork = shortcut?.inputs[0] as string;
  const [main] = view.nodes.filter((node) => node.inputs.includes(fork as never));
  const straight = unitsUpTo(graph, main?.index ?? -1);
  const places = placesOnBranch(graph, straight, graph.valueIds.get(fork) as number);
  const pulled = places.find(({ before }) =>
    crossingOf(graph, before).every((value) => graph.values[value]?.name !== fork),
  );
  expect(pulled).toBeDefined();
  const names = crossingNames(graph, pulled!.before);
  expect(names).toHaveLength(2);
  expect(frontierOfValues(graph, names)).toEqual({ kind: 'frontier', before: pulled!.before });
});

test.each(bundledModels)('%s has few enough frontiers to compare them all', (name) => {
  const graph = cutGraphOfView(viewOf(name));
  let count = 0;
  expect(walkFrontiers(graph, () => count++, 20_000)).toBe(true);
  expect(count).toBeGreaterThan(graph.units.length);
});
