import { intAttribute } from '../../../onnx/attributes.ts';
import { type Axis, CannotFollow, maxSize, type Operand, plain } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';
import { keepComputedSizes } from './computed-sizes.ts';
import { coordinates, finestFactor, regroup } from './split-axes.ts';

/** Reshape, Flatten, Squeeze and Unsqueeze. */
export function reshape(walk: NodeWalk): void {
  const axes = regrouped(walk, walk.operand(0), walk.dimsOfOutput());
  if (walk.node.opType === 'Reshape') keepComputedSizes(walk, 1, axes);
  walk.setOutput(axes);
}

/** What each new axis holds once the axes of `input` are regrouped, row by row, as `after`. */
function regrouped(walk: NodeWalk, input: Operand, after: readonly number[]): Axis[] {
  const grouping = regroup(input.dims, after);
  if (grouping === null) {
    throw new CannotFollow(
      'unknown-shape',
      `${walk.title} makes [${after.join(', ')}] of [${input.dims.join(', ')}]`,
    );
  }
  const { sizes, from, to, mixedFrom, mixedTo } = grouping;
  const factors = sizes.map((): Axis => plain);
  for (const [axis, held] of input.axes.entries()) {
    const own = [...sizes.keys()].filter((factor) => from[factor] === axis);
    const isMixed = mixedFrom.has(axis) || own.some((factor) => mixedTo.has(to[factor] as number));
    if (isMixed || own.length === 0) {
      // An axis of one element is no part of any row.
      const isOne = input.dims[axis] === 1;
      const reason = isOne ? 'leaves out the axis of the only one' : 'makes other rows of them';
      walk.keepAxis({ operand: input, axis }, 'reshape', reason);
      continue;
    }
    const parts = splitAxis(
      walk,
      held,
      own.map((factor) => sizes[factor] as number),
      axis,
    );
    for (const [position, factor] of own.entries()) factors[factor] = parts[position] as Axis;
  }
  return after.map((_, axis) => {
    const own = [...sizes.keys()].filter((factor) => to[factor] === axis);
    return mergedAxis(
      walk,
      own.map((factor) => ({ held: factors[factor] as Axis, size: sizes[factor] as number })),
    );
  });
}

/**
 * What the factors of a split axis hold. Channels remain on one of them only, so that what is left is a grid again:
 * on the one that leaves most units, or on that which an earlier walk found to count heads.
 * @param sizes of the factors, in row-major order
 * @param axis names the split among those of the node
 */
export function splitAxis(walk: NodeWalk, held: Axis, sizes: readonly number[], axis: number): Axis[] {
  const { labels } = held;
  if (sizes.length === 1) return [held];
  if (!labels) return sizes.map(() => plain);
  const split = `${walk.position}:${axis}`;
  const chosen = walk.network.decisionOn(split) ?? finestFactor(...compactClasses(walk, labels), sizes);
  const first = tiedByPlace(walk, labels, coordinates(sizes, chosen), sizes[chosen] as number);
  return sizes.map((_, position) => ({
    labels: position === chosen ? first : null,
    factor: { split, position },
  }));
}

/**
 * Ties all labels at the same place.
 * @returns for each place the label that stands for it
 */
export function tiedByPlace(
  walk: NodeWalk,
  labels: Int32Array,
  places: Int32Array,
  placeCount: number,
): Int32Array {
  const first = new Int32Array(placeCount).fill(-1);
  const isTaken = new Uint8Array(placeCount);
  const pair = new Int32Array(2);
  for (let index = 0; index < labels.length; index++) {
    const place = places[index] as number;
    const label = labels[index] as number;
    const earlier = first[place] as number;
    if (isTaken[place] === 0) first[place] = label;
    else if (earlier !== label) {
      pair[0] = earlier;
      pair[1] = label;
      walk.tie(pair);
    }
    isTaken[place] = 1;
  }
  return first;
}

/** For each label the number of its class, from 0, and how many classes there are. */
export function compactClasses(walk: NodeWalk, labels: Int32Array): [Int32Array, number] {
  const numbers = new Map<number, number>();
  const classes = labels.map((label) => {
    const root = label < 0 ? -1 : walk.network.labels.find(label);
    const known = numbers.get(root);
    if (known !== undefined) return known;
    numbers.set(root, numbers.size);
    return numbers.size - 1;
  });
  return [classes, numbers.size];
}

function mergedAxis(walk: NodeWalk, parts: readonly { held: Axis; size: number }[]): Axis {
  const [only] = parts;
  if (only === undefined) return plain;
  if (parts.length === 1) return only.held;
  const labelled = [...parts.entries()].filter(([, { held }]) => held.labels);
  const [found] = labelled;
  if (found === undefined) return plain;
  if (labelled.length > 1) {
    for (const [, { held }] of labelled)
      walk.keep(held.labels, 'reshape', `${walk.title} mixes two kinds of channels`);
    return plain;
  }
  const [position, { held }] = found;
  if (parts.reduce((product, { size }) => product * size, 1) > maxSize) {
    walk.keep(held.labels, 'reshape', `${walk.title} puts more than ${maxSize} elements in a row`);
    return plain;
  }
  const labels = coordinates(
    parts.map(({ size }) => size),
    position,
  ).map((place) => held.labels?.[place] ?? -1);
  return { labels, factor: held.factor };
}

/** DepthToSpace: the same channel of each cell of a block becomes one channel. */
export function depthToSpace(walk: NodeWalk): void {
  const input = walk.operand(0);
  const [, channels = 0] = input.dims;
  const cells = (intAttribute(walk.node, 'blocksize') ?? 1) ** 2;
  if (cells === 0 || channels % cells !== 0) throw walk.contradiction();
  const isColumnRowDepth = walk.context.node.attributes.some(
    ({ name, value }) => name === 'mode' && value.kind === 'string' && value.value[0] === 'C'.codePointAt(0),
  );
  const sizes = isColumnRowDepth ? [channels / cells, cells] : [cells, channels / cells];
  const depthAt = isColumnRowDepth ? 0 : 1;
  for (const axis of [2, 3]) walk.keepAxis({ operand: input, axis }, 'reshape', 'moves them into space');
  const { labels } = input.axes[1] ?? plain;
  if (!labels) return walk.setOutput([input.axes[0] ?? plain, plain, plain, plain]);
  const depth = tiedByPlace(walk, labels, coordinates(sizes, depthAt), channels / cells);
  walk.setOutput([input.axes[0] ?? plain, { labels: depth, factor: null }, plain, plain]);
}

/** SpaceToDepth: each channel becomes one of each cell of a block. */
export function spaceToDepth(walk: NodeWalk): void {
  const input = walk.operand(0);
  const cells = (intAttribute(walk.node, 'blocksize') ?? 1) ** 2;
  for (const axis of [2, 3]) walk.keepAxis({ operand: input, axis }, 'reshape', 'moves them into depth');
  const { labels } = input.axes[1] ?? plain;
  const depth = labels ? { labels: tiled(labels, cells), factor: null } : plain;
  walk.setOutput([input.axes[0] ?? plain, depth, plain, plain]);
}

/** `labels`, `count` times over. */
export function tiled(labels: Int32Array, count: number): Int32Array {
  const result = new Int32Array(labels.length * count);
  for (let copy = 0; copy < count; copy++) result.set(labels, copy * labels.length);
  return result;
}
