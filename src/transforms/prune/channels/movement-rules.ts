import { intAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import { padsOf, permutationOf, sliceRanges, splitSizes } from '../../../onnx/shapes/data-movement.ts';
import { elementsOf, knownNumbers, normalAxis } from '../../../onnx/shapes/facts.ts';
import { type Axis, CannotFollow, maxSize, plain } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';
import { tiled } from './regroup-rules.ts';

/** Transpose: axes change places, and take their channels along. */
export function transpose(walk: NodeWalk): void {
  const input = walk.operand(0);
  const order = permutationOf(walk.context, input.dims.length);
  walk.setOutput(order.map((axis) => input.axes[axis] ?? plain));
}

/** Concat: channels stand side by side along its axis; along the others all inputs hold the same. */
export function concat(walk: NodeWalk): void {
  const parts = walk.operands();
  const dims = walk.dimsOfOutput();
  const joined = normalAxis(walk.context, intAttribute(walk.node, 'axis') ?? 1, dims.length);
  walk.setOutput(
    dims.map((size, axis) => {
      if (axis !== joined) return walk.join(parts.map((operand) => ({ operand, axis })));
      for (const operand of parts) if (!operand.axes[axis]?.labels) walk.fix({ operand, axis });
      if (parts.every((operand) => !operand.axes[axis]?.labels)) return plain;
      const total = parts.reduce((sum, operand) => sum + (operand.dims[axis] ?? 0), 0);
      if (total !== size || size > maxSize) throw walk.contradiction();
      const labels = new Int32Array(size).fill(-1);
      let start = 0;
      for (const operand of parts) {
        const own = operand.axes[axis]?.labels;
        if (own) labels.set(own, start);
        start += operand.dims[axis] as number;
      }
      return { labels, factor: null };
    }),
  );
}

/** Split: each output holds its part of the channels. */
export function split(walk: NodeWalk): void {
  const input = walk.operand(0);
  const axis = normalAxis(walk.context, intAttribute(walk.node, 'axis') ?? 0, input.dims.length);
  const sizes = splitSizes(walk.context, input.dims[axis] as number);
  const labels = input.axes[axis]?.labels;
  if (sizes === null)
    throw new CannotFollow('computed-shape', `${walk.title} computes its parts while running`);
  let start = 0;
  for (const output of walk.node.outputs.keys()) {
    const end = start + (sizes[output] ?? 0);
    const part = labels ? { labels: labels.slice(start, end), factor: null } : plain;
    walk.setOutput(input.axes.with(axis, part), output);
    start = end;
  }
}

/** Slice: a run of neighbouring channels; other steps could not be written down once some are gone. */
export function slice(walk: NodeWalk): void {
  const input = walk.operand(0);
  const axes = [...input.axes];
  for (const [axis, range] of sliceRanges(walk.context, input.dims)) {
    const { labels } = input.axes[axis] ?? plain;
    const isWhole = range !== null && range.step === 1 && range.count === input.dims[axis];
    if (isWhole || !labels) {
      if (!isWhole) axes[axis] = plain;
      continue;
    }
    if (range === null) {
      walk.keepAxis(
        { operand: input, axis },
        'computed-shape',
        'computes which of them it takes while running',
      );
    } else if (range.step !== 1) {
      walk.keepAxis({ operand: input, axis }, 'step', `takes one in ${Math.abs(range.step)} of them`);
    } else {
      axes[axis] = { labels: labels.slice(range.start, range.start + range.count), factor: null };
      continue;
    }
    axes[axis] = plain;
  }
  walk.setOutput(axes);
}

/** Gather: constant indices take channels; from a weight, computed indices take rows (an embedding). */
export function gather(walk: NodeWalk): void {
  const data = walk.operand(0);
  const axis = normalAxis(walk.context, intAttribute(walk.node, 'axis') ?? 0, data.dims.length);
  const indexRank = walk.operand(1).dims.length;
  const held = data.axes[axis] ?? plain;
  const kept = data.dims.map((size, at) => {
    if (at === axis || !data.isWeight || size <= 1) return data.axes[at] ?? plain;
    return walk.make({ operand: data, axis: at });
  });
  let taken: Axis[] = Array.from({ length: indexRank }, () => plain);
  const chosen =
    held.labels && walk.network.isWeight(walk.node.inputs[1] ?? '') ? constantIndices(walk) : null;
  if (held.labels && chosen && indexRank === 1) {
    const size = data.dims[axis] as number;
    const labels = Int32Array.from(chosen, (index) => held.labels?.[index < 0 ? index + size : index] ?? -1);
    taken = [{ labels, factor: null }];
  } else {
    walk.keepAxis({ operand: data, axis }, 'gather', 'picks single ones of them');
  }
  walk.setOutput([...kept.slice(0, axis), ...taken, ...kept.slice(axis + 1)]);
}

function constantIndices(walk: NodeWalk): readonly number[] | null {
  return knownNumbers(elementsOf(walk.context, 1));
}

/** Pad with a constant: what is added along the channels are channels of their own (shortcuts of small ResNets). */
export function pad(walk: NodeWalk): void {
  const input = walk.operand(0);
  const rank = input.dims.length;
  const pads = padsOf(walk.context, rank);
  const mode = stringAttribute(walk.node, 'mode') ?? 'constant';
  walk.setOutput(
    input.axes.map((held, axis) => {
      const [before, after] = [pads?.[axis], pads?.[axis + rank]];
      if (before === 0 && after === 0) return held;
      if (!held.labels) return plain;
      if (before === undefined || after === undefined || before < 0 || after < 0 || mode !== 'constant') {
        walk.keepAxis({ operand: input, axis }, 'pad', 'pads along them');
        return plain;
      }
      const added = walk.makeFree(before + after).labels as Int32Array;
      const labels = new Int32Array(added.length + held.labels.length);
      labels.set(added.subarray(0, before));
      labels.set(held.labels, before);
      labels.set(added.subarray(before), before + held.labels.length);
      return { labels, factor: null };
    }),
  );
}

/** Tile: all copies of a channel are one unit. */
export function tile(walk: NodeWalk): void {
  const input = walk.operand(0);
  const dims = walk.dimsOfOutput();
  walk.setOutput(
    input.axes.map((held, axis) => {
      const times = (dims[axis] as number) / (input.dims[axis] as number);
      if (times === 1) return held;
      if ((dims[axis] as number) > maxSize) throw walk.contradiction();
      return held.labels ? { labels: tiled(held.labels, times), factor: null } : plain;
    }),
  );
}
