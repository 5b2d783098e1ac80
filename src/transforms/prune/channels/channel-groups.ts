import type { AnalysedModel } from '../../analyse-model.ts';
import type { ChannelGroups } from './channel-group.ts';
import { ChannelWalk } from './channel-walk.ts';
import { NodeWalk } from './node-walk.ts';
import { followNode } from './channel-rules.ts';
import { collectGroups } from './collect-groups.ts';

/** Heads are found in one walk and used in the next; what they decide may show others. */
const maxWalks = 4;

/**
 * Finds which channels, heads and features of a model can be removed, and what must go with each: channels that
 * elementwise operators, residual sums, depthwise filters, heads or shuffles tie together are one unit.
 *
 * Every index of every axis that a layer makes gets a label; operators carry labels on, tie them or end them; a group
 * is what one or more layers make together. Time is linear in the channels of all values. Reads no weights.
 */
export function channelGroups(analysed: AnalysedModel): ChannelGroups {
  const decided = new Map<string, number>();
  for (let round = 1; ; round++) {
    const walk = walkedModel(analysed, decided);
    const news = [...walk.found].filter(([split, factor]) => decided.get(split) !== factor);
    if (news.length === 0 || round === maxWalks) return collectGroups(walk);
    for (const [split, factor] of news) decided.set(split, factor);
  }
}

function walkedModel(analysed: AnalysedModel, decided: ReadonlyMap<string, number>): ChannelWalk {
  const walk = new ChannelWalk(analysed, decided);
  for (const position of analysed.index.order) followNode(new NodeWalk(walk, position));
  walk.keepFixedWeights();
  // The plainest of reasons goes first: what only a Softmax parts from the output is the output.
  for (const { name } of analysed.model.graph.outputs) {
    const reason = {
      code: 'channels-kept-output',
      message: `The model gives them out as "${name}"`,
      where: name,
    };
    for (const { labels } of walk.axes.get(name) ?? []) if (labels) walk.keepings.unshift({ labels, reason });
  }
  return walk;
}
