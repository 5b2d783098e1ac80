import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { openModelArgument } from '../../../src/cli/open-model-argument.ts';
import { buildGraphView } from '../../../src/onnx/build-graph-view.ts';
import type { EdgeView, GraphView, NodeView, ValueView } from '../../../src/onnx/graph-view.ts';
import { type ValueName, valueName } from '../../../src/onnx/model.ts';

const zooFolder = new URL('../../../public/samples/zoo/', import.meta.url);

/** The architectures that ship with the lab, and its sample with three exits. */
export const bundledModels: readonly string[] = [
  'sample',
  ...readdirSync(zooFolder)
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => `zoo:${file.slice(0, -'.onnx'.length)}`),
];

const views = new Map<string, GraphView>();

export function viewOf(argument: string): GraphView {
  const known = views.get(argument);
  if (known) return known;
  const { model, fileName, fileBytes } = openModelArgument(argument);
  const view = buildGraphView(model, { modelId: argument, fileName, fileBytes });
  views.set(argument, view);
  return view;
}

/** Any acyclic graph of nodes with one output each, with blocks at random borders and some outputs as exits. */
export const anyView: fc.Arbitrary<GraphView> = viewWhere({ lastNeedsAll: false });

/** The same, but the last node needs all that nothing else needs: no dead ends, and no heads of exits. */
export const anyViewWithoutHeads: fc.Arbitrary<GraphView> = viewWhere({ lastNeedsAll: true });

function viewWhere({ lastNeedsAll }: { readonly lastNeedsAll: boolean }): fc.Arbitrary<GraphView> {
  return fc
    .integer({ min: 1, max: 40 })
    .chain((count) =>
      fc.record({
        count: fc.constant(count),
        sources: fc.array(fc.uniqueArray(fc.nat({ max: count }), { minLength: 1, maxLength: 4 }), {
          minLength: count,
          maxLength: count,
        }),
        borders: fc.uniqueArray(fc.nat({ max: count - 1 })),
        structures: fc.array(fc.constantFrom('a', 'b'), { minLength: count, maxLength: count }),
        exits: fc.uniqueArray(fc.nat({ max: count - 1 }), { maxLength: 3 }),
      }),
    )
    .map(({ count, sources, borders, structures, exits }) => {
      const output = (node: number): ValueName => valueName(node < 0 ? 'input' : `v${node}`);
      // Source 0 is the graph's input, source s the node s - 1; sources must come before the node.
      const inputs = Array.from({ length: count }, (_, node) => [
        ...new Set((sources[node] ?? [0]).map((source) => (source % (node + 1)) - 1)),
      ]);
      if (lastNeedsAll) {
        const used = new Set(inputs.slice(0, -1).flat());
        const unused = inputs.slice(0, -1).flatMap((_, node) => (used.has(node) ? [] : [node]));
        inputs[count - 1] = [...new Set([...(inputs[count - 1] ?? []), ...unused])];
      }
      const exitNodes = [...new Set([...exits, count - 1])].toSorted((a, b) => a - b);
      const lastUse = new Map<number, number>();
      inputs.forEach((from, node) => from.forEach((source) => lastUse.set(source, node)));
      const edges: EdgeView[] = inputs.flatMap((from, to) =>
        from.map((source): EdgeView => ({ from: source, to, value: output(source) })),
      );
      for (const node of exitNodes) edges.push({ from: node, to: -1, value: output(node) });
      const starts = [...new Set([0, ...borders])].toSorted((a, b) => a - b);
      const value = (name: ValueName): ValueView => ({ name, dataType: 'float32', shape: [1, 4], bytes: 16 });
      const names = Array.from({ length: count + 1 }, (_, i) => output(i - 1));
      return {
        modelId: 'any',
        fileName: 'any.onnx',
        fileBytes: 1,
        irVersion: 8,
        opsets: [],
        producer: '',
        values: new Map(names.map((name) => [name, value(name)])),
        inputs: [output(-1)],
        outputs: exitNodes.map(output),
        nodes: inputs.map(
          (from, index): NodeView => ({
            index,
            name: `n${index}`,
            opType: 'Op',
            domain: '',
            known: true,
            attributes: [],
            weights: [],
            inputs: from.map(output),
            outputs: [output(index)],
            params: 1,
            macs: index,
            weightBytes: 4,
            activationBytes: 16,
          }),
        ),
        edges,
        blocks: starts.map((firstNode, id) => ({
          id,
          label: `block ${id}`,
          firstNode,
          lastNode: (starts[id + 1] ?? count) - 1,
          structure: structures[id] ?? 'a',
          macs: 0,
          params: 0,
        })),
        frontiers: inputs.map((_, afterNode) => {
          const crossing = names.filter(
            (_, i) => i - 1 <= afterNode && (lastUse.get(i - 1) ?? -1) > afterNode,
          );
          return {
            afterNode,
            crossing,
            bytes: 16 * crossing.length,
            macsBefore: 0,
            weightBytesBefore: 0,
            legal: crossing.some((name) => name !== 'input'),
          };
        }),
        exits: exitNodes.map((node, index) => ({
          index,
          output: output(node),
          node,
          macs: node,
          params: 1,
          scores: 'logits',
        })),
        totals: {
          params: count,
          nonZeroParams: null,
          macs: count,
          weightBytes: 4,
          activationBytes: 16,
          foldedNodes: 0,
          fileNodes: count,
        },
        hollow: false,
        warnings: [],
      };
    });
}
