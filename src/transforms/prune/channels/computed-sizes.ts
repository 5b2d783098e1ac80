import { intAttribute } from '../../../onnx/attributes.ts';
import type { Node, ValueName } from '../../../onnx/model.ts';
import { elementsOf, knownNumbers } from '../../../onnx/shapes/facts.ts';
import { sliceRanges } from '../../../onnx/shapes/data-movement.ts';
import type { Axis } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';

/** Operators that make something of the sizes listed; removal fits their lists. */
const SIZED = new Set(['Reshape', 'Expand', 'Resize', 'Concat']);

/**
 * Keeps those channels of an output whose number would be wrong once some are gone: its sizes are computed while
 * the model runs, from other things than constants (which removal rewrites) and the sizes of values. Channels whose
 * number is told by one constant, or by the shape of a value, go together with those that it is told of besides.
 * @param input which input lists the sizes of the output
 * @param axes what the output's axes hold; sizes that are listed are those of the last axes
 */
export function keepComputedSizes(walk: NodeWalk, input: number, axes: readonly Axis[]): void {
  const name = walk.node.inputs[input] ?? ('' as ValueName);
  if (name === '' || walk.network.isWeight(name)) return;
  const count = walk.network.dimsOf(name)?.[0] ?? 0;
  const elements = walk.network.countedElements(name);
  for (const [axis, { labels }] of axes.entries()) {
    const entry = axis - axes.length + count;
    // What is not expanded, and what is left of a reshape, is right whatever the number.
    const isOpen = elements?.[entry] === 1 || elements?.[entry] === -1;
    if (isOpen || follows(walk, name, entry, labels) || labels === null) continue;
    walk.keep(labels, 'computed-shape', `${walk.title} computes their number while it runs`);
  }
}

/**
 * Whether entry `entry` of a list of sizes is a constant, or the number of these channels.
 * @param labels null: no channels, which must stay as many
 */
function follows(walk: NodeWalk, name: ValueName, entry: number, labels: Int32Array | null): boolean {
  const node = producerOf(walk, name);
  if (node?.opType !== 'Concat') return labels !== null && tellsNumber(walk, name, entry, labels);
  let start = 0;
  for (const part of node.inputs) {
    const end = start + (walk.network.dimsOf(part)?.[0] ?? 0);
    if (entry < end) {
      if (!walk.network.isWeight(part)) return follows(walk, part, entry - start, labels);
      sharesConstant(walk, name, entry, labels);
      return true;
    }
    start = end;
  }
  return false;
}

/** Several nodes may read a list that is computed but for some constants: such a constant is right for all or none. */
function sharesConstant(walk: NodeWalk, list: ValueName, entry: number, labels: Int32Array | null): void {
  const { sharedSizes, analysed } = walk.network;
  const readers = analysed.index.consumers.get(list) ?? [];
  const isForSizes = readers.every((at) => SIZED.has(analysed.model.graph.nodes[at]?.opType ?? ''));
  const key = `${entry}:${list}`;
  const known = isForSizes ? sharedSizes.get(key) : null;
  if (known === undefined) sharedSizes.set(key, labels);
  else if (known !== null && labels !== null) walk.unite(known, labels);
  else {
    const reason = `${walk.title} shares its list of sizes with others that need as many`;
    walk.keep(known ?? labels, 'computed-shape', reason);
  }
}

/** Whether an entry goes back to a Shape that tells the number of these channels. */
function tellsNumber(walk: NodeWalk, name: ValueName, entry: number, labels: Int32Array): boolean {
  const node = producerOf(walk, name);
  const [source] = node?.inputs ?? [];
  if (node === undefined || source === undefined) return false;
  const context = walk.network.contextOf(node);
  switch (node.opType) {
    case 'Cast':
    case 'Identity':
    case 'Squeeze':
    case 'Unsqueeze':
      return tellsNumber(walk, source, entry, labels);
    case 'Gather': {
      const index = knownNumbers(elementsOf(context, 1))?.[entry];
      return index !== undefined && tellsNumber(walk, source, index, labels);
    }
    case 'Slice': {
      const range = sliceRanges(context, walk.network.dimsOf(source) ?? []).get(0);
      if (range === null) return false;
      return tellsNumber(walk, source, range ? range.start + entry * range.step : entry, labels);
    }
    case 'Shape': {
      const axes = walk.network.axes.get(source) ?? [];
      const first = intAttribute(node, 'start') ?? 0;
      const told = axes.at(first < 0 ? first + axes.length + entry : first + entry)?.labels;
      if (told?.length !== labels.length) return false;
      walk.unite(told, labels);
      return true;
    }
    default:
      return false;
  }
}

function producerOf(walk: NodeWalk, name: ValueName): Node | undefined {
  const { index, model } = walk.network.analysed;
  return model.graph.nodes[index.producer.get(name) ?? -1];
}
