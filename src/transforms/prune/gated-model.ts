import { defined } from '../../base/assert.ts';
import { makeNode, makeTensor } from '../../onnx/attributes.ts';
import { tensorInfo } from '../../onnx/make-model.ts';
import { type Model, type Node, type ValueName, valueName } from '../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { namesIn, uniqueNames } from '../graph-names.ts';
import type { Bypass } from '../recipe.ts';
import type { ChannelGroups } from './channels/channel-group.ts';
import { gateReads } from './gated-reads.ts';
import { GateWriter } from './gate-writer.ts';

/** A model that answers what would be without some of its channels or blocks, one inference for each question. */
export interface GatedModel {
  readonly model: Model;
  /** Its last input, float32 [gateCount]: 1 leaves a unit or block in, 0 takes it out. */
  readonly gates: ValueName;
  readonly gateCount: number;
  /** The gate of the first block; those of units come before, in the order of `ChannelGroups`. */
  readonly firstBlock: number;
}

/** What may be taken out; groups that are kept get no gates that do anything. */
export interface GatedParts {
  readonly channels?: ChannelGroups;
  /** As `skipBlocks` takes them. */
  readonly blocks?: readonly Bypass[];
}

/**
 * Puts gates into a model: whatever sums over channels reads zeros for the units that are out, means and
 * normalisations are taken over those that are in, and what reads a block's output reads its input once the block is
 * out. With all gates 1 the scores are those of the model; with some 0 those of the model without these parts, but
 * nothing is faster. Of normalisations over neighbouring channels (LRN) units that are out remain neighbours.
 */
export function gatedModel(analysed: AnalysedModel, { channels, blocks = [] }: GatedParts): GatedModel {
  const { graph } = analysed.model;
  const unique = uniqueNames(namesIn(graph));
  const gates = valueName(unique('gates'));
  const firstBlock = channels?.unitCount ?? 0;
  const gateCount = firstBlock + blocks.length;
  const writer = new GateWriter(gates, unique);
  const reads = channels === undefined ? null : gateReads(analysed, channels, writer);
  const bypassed = new Map(
    blocks.map(({ from, to }, at) => [valueName(to), { from: valueName(from), gate: firstBlock + at }]),
  );
  const nodes: Node[] = [];
  const endOfBlock = (whole: ValueName): { readonly inner: ValueName; readonly nodes: readonly Node[] } => {
    const { from, gate } = defined(bypassed.get(whole), whole);
    const inner = valueName(unique(`${whole}/in_block`));
    const [index, own, half, isIn] = ['index', 'gate', 'half', 'is_in'].map((word) =>
      unique(`${whole}/${word}`),
    ) as [string, string, string, string];
    return {
      inner,
      nodes: [
        makeNode('Constant', [], [index], [makeTensor('value', int64Tensor('', [], [gate]))]),
        makeNode('Constant', [], [half], [makeTensor('value', floatTensor('', [], Float32Array.of(0.5)))]),
        makeNode('Gather', [gates, index], [own]),
        makeNode('Greater', [own, half], [isIn]),
        // Not a weighted sum: what a block makes of inputs that it was not trained for need not be finite.
        makeNode('Where', [isIn, inner, from], [whole], [], { name: unique(`${whole}/gated`) }),
      ],
    };
  };
  for (const [position, node] of graph.nodes.entries()) {
    const gated = reads?.(position) ?? node;
    nodes.push(...writer.take());
    const ends = gated.outputs
      .filter((name) => bypassed.has(name))
      .map((name) => [name, endOfBlock(name)] as const);
    if (ends.length === 0) {
      nodes.push(gated);
      continue;
    }
    const inner = new Map(ends.map(([name, end]) => [name, end.inner]));
    nodes.push({ ...gated, outputs: gated.outputs.map((name) => inner.get(name) ?? name) });
    for (const [, end] of ends) nodes.push(...end.nodes);
  }
  const inputs = [...graph.inputs, tensorInfo(gates, [gateCount])];
  return { model: { ...analysed.model, graph: { ...graph, nodes, inputs } }, gates, gateCount, firstBlock };
}
