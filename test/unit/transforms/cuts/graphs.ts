import * as fc from 'fast-check';
import { valueName } from '../../../../src/onnx/model.ts';
import type { CutGraphSource } from '../../../../src/transforms/cuts/cut-graph.ts';
import { type CutGraph, cutGraphOf } from '../../../../src/transforms/cuts/cut-graph.ts';
import type { UnitsBefore } from '../../../../src/transforms/cuts/frontier.ts';
import { FrontierCounter } from '../../../../src/transforms/cuts/walk-frontiers.ts';

/**
 * Any acyclic graph of nodes with one or two outputs each, some weights shared, some values needed by several
 * nodes. The last node needs whatever nothing else needs, so that every node counts.
 */
export const anySource: fc.Arbitrary<CutGraphSource> = fc
  .array(
    fc.record({
      sources: fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 3 }),
      macs: fc.nat({ max: 5 }),
      bytes: fc.nat({ max: 9 }),
      weights: fc.uniqueArray(fc.nat({ max: 12 }), { maxLength: 2 }),
      twoOutputs: fc.boolean(),
    }),
    { minLength: 2, maxLength: 11 },
  )
  .map((drawn) => {
    const available = ['input'];
    const unused = new Set<string>();
    const bytes = new Map<string, number>([['input', 7]]);
    const nodes = drawn.map(({ sources, macs, weights, twoOutputs, ...rest }, node) => {
      const isLast = node === drawn.length - 1;
      const chosen = sources.map((source) => available[source % available.length] as string);
      const inputs = [...new Set(isLast ? [...chosen, ...unused] : chosen)];
      for (const name of inputs) unused.delete(name);
      const outputs = isLast ? ['output'] : twoOutputs ? [`v${node}`, `w${node}`] : [`v${node}`];
      for (const name of outputs) {
        available.push(name);
        unused.add(name);
        bytes.set(name, rest.bytes + name.length);
      }
      return {
        opType: 'Op',
        inputs: inputs.map(valueName),
        outputs: outputs.map(valueName),
        macs,
        weights: weights.map((weight) => ({ name: `weight${weight}`, bytes: 10 * weight + 1 })),
      };
    });
    return {
      nodes,
      inputs: [valueName('input')],
      outputs: [valueName('output')],
      sizeOf: (name) => ({ bytes: bytes.get(name) ?? null, dataType: 'float32' }),
    };
  });

export const anyGraph: fc.Arbitrary<CutGraph> = anySource.map(cutGraphOf);

/** Every closed set, by trying all subsets: for small graphs. */
export function allFrontiers({ units }: CutGraph): UnitsBefore[] {
  const frontiers: UnitsBefore[] = [];
  for (let bits = 0; bits < 2 ** units.length; bits++) {
    const isBefore = (unit: number): boolean => ((bits >> unit) & 1) === 1;
    const isClosed = units.every((unit, at) => !isBefore(at) || unit.predecessors.every(isBefore));
    if (isClosed) frontiers.push(Uint8Array.from(units, (_, at) => (isBefore(at) ? 1 : 0)));
  }
  return frontiers;
}

/** Those that leave something on both sides. */
export function properFrontiers(graph: CutGraph): UnitsBefore[] {
  return allFrontiers(graph).filter((before) => before.includes(0) && before.includes(1));
}

/**
 * A frontier with branches pulled at random: units join in an order that runs ahead now in one branch, now in
 * another, until about this share has joined.
 */
export function randomFrontier(graph: CutGraph, share: number, random: () => number): UnitsBefore {
  const counter = new FrontierCounter(graph);
  const ready = counter.startingUnits();
  const wanted = Math.min(graph.units.length - 1, Math.max(1, Math.round(share * graph.units.length)));
  while (counter.unitsBefore < wanted) {
    const [unit] = ready.splice(Math.floor(random() * ready.length), 1);
    if (unit === undefined) break;
    ready.push(...counter.join(unit));
  }
  return counter.before;
}
