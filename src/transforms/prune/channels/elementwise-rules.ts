import { intAttribute, intsAttribute } from '../../../onnx/attributes.ts';
import { intsFromEither, normalAxis, type ShapeContext } from '../../../onnx/shapes/facts.ts';
import { keepComputedSizes } from './computed-sizes.ts';
import { CannotFollow, type Operand, plain } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';

/** One input goes through element by element; further inputs are settings (bounds, seeds). */
export function unary(walk: NodeWalk): void {
  const input = walk.operand(0);
  for (const output of walk.node.outputs.keys()) walk.setOutput(input.axes, output);
}

/** All inputs are combined element by element, broadcast as numpy does. */
export function elementwise(walk: NodeWalk): void {
  const operands = walk.operands();
  walk.setOutput(broadcastAxes(walk, operands, walk.dimsOfOutput()));
}

function broadcastAxes(walk: NodeWalk, operands: readonly Operand[], dims: readonly number[]) {
  return dims.map((size, axis) => {
    const aligned = operands
      .map((operand) => ({ operand, axis: axis - dims.length + operand.dims.length }))
      .filter((part) => part.axis >= 0);
    const partners = aligned.filter((part) => part.operand.dims[part.axis] === size);
    for (const part of aligned) {
      if (!partners.includes(part)) walk.keepAxis(part, 'broadcast', 'spreads one of them over many');
    }
    return walk.join(partners);
  });
}

/** Expand: axes of size 1 are repeated, the others stay. */
export function expand(walk: NodeWalk): void {
  const axes = broadcastAxes(walk, [walk.operand(0)], walk.dimsOfOutput());
  keepComputedSizes(walk, 1, axes);
  walk.setOutput(axes);
}

/** ReduceMean, ReduceSum, …: channels that are reduced over may go, the mean is that of what is left. */
export function reduce(walk: NodeWalk): void {
  const input = walk.operand(0);
  const reduced = reducedAxes(walk.context, input.dims.length);
  if (reduced === null)
    throw new CannotFollow('computed-shape', `${walk.title} computes its axes while running`);
  const keepsDims = intAttribute(walk.node, 'keepdims') !== 0;
  walk.setOutput(
    input.axes.flatMap((held, axis) => (reduced.has(axis) ? (keepsDims ? [plain] : []) : [held])),
  );
}

/** The axes that a ReduceMean, ReduceSum, … takes away; null: it computes them. */
export function reducedAxes(context: ShapeContext, rank: number): ReadonlySet<number> | null {
  const given = intsFromEither(context, 'axes', 1);
  if (given === null) return null;
  if (given?.length) return new Set(given.map((axis) => normalAxis(context, axis, rank)));
  const reducesNothing = intAttribute(context.node, 'noop_with_empty_axes') === 1;
  return new Set(reducesNothing ? [] : Array.from({ length: rank }, (_, axis) => axis));
}

/** ArgMax and ArgMin: their results are positions along the axis. */
export function positions(walk: NodeWalk): void {
  const input = walk.operand(0);
  const axis = normalAxis(walk.context, intAttribute(walk.node, 'axis') ?? 0, input.dims.length);
  walk.keepAxis({ operand: input, axis }, 'positions', 'gives positions among them');
  const keepsDims = intAttribute(walk.node, 'keepdims') !== 0;
  walk.setOutput(keepsDims ? input.axes.with(axis, plain) : input.axes.toSpliced(axis, 1));
}

/** Softmax and its kin: a share among channels is not one among fewer. */
export function shares(walk: NodeWalk): void {
  const input = walk.operand(0);
  const rank = input.dims.length;
  const isOld = walk.context.opset < 13 && walk.node.opType !== 'LpNormalization';
  const axis = normalAxis(walk.context, intAttribute(walk.node, 'axis') ?? (isOld ? 1 : -1), rank);
  // Until opset 12 everything from the axis on was one row.
  const end = isOld ? rank : axis + 1;
  for (let at = axis; at < end; at++)
    walk.keepAxis({ operand: input, axis: at }, 'shares', 'gives each of them a share of the whole');
  walk.setOutput(input.axes);
}

/** Pooling windows move over the spatial axes. */
export function pool(walk: NodeWalk): void {
  const input = walk.operand(0);
  for (let axis = 2; axis < input.dims.length; axis++)
    walk.keepAxis({ operand: input, axis }, 'window', 'moves a window over them');
  const axes = input.axes.map((held, axis) => (axis < 2 ? held : plain));
  for (const output of walk.node.outputs.keys()) walk.setOutput(axes, output);
}

/** Global pooling: one number for each channel. */
export function globalPool(walk: NodeWalk): void {
  walk.setOutput(walk.operand(0).axes.map((held, axis) => (axis < 2 ? held : plain)));
}

/** Resize, Upsample: axes that keep their size are left alone. */
export function resize(walk: NodeWalk): void {
  const input = walk.operand(0);
  const dims = walk.dimsOfOutput();
  const axes = input.axes.map((held, axis) => {
    if (dims[axis] === input.dims[axis]) return held;
    walk.keepAxis({ operand: input, axis }, 'resize', 'interpolates between them');
    return plain;
  });
  if (!intsAttribute(walk.node, 'axes')) keepComputedSizes(walk, 3, axes);
  walk.setOutput(axes);
}

/** Operators that sample or pool at places that another input gives: the channels of the first stay. */
export function sample(walk: NodeWalk): void {
  const input = walk.operand(0);
  for (let axis = 2; axis < input.dims.length; axis++)
    walk.keepAxis({ operand: input, axis }, 'window', 'moves a window over them');
  for (let other = 1; other < walk.node.inputs.length; other++) {
    if (!walk.has(other)) continue;
    const operand = walk.operand(other);
    for (const axis of operand.axes.keys())
      walk.keepAxis({ operand, axis }, 'positions', 'takes them as positions');
  }
  walk.setOutput(walk.dimsOfOutput().map((_, axis) => (axis === 1 ? (input.axes[1] ?? plain) : plain)));
}

/** Shape and Size tell sizes; where they end up is what the model computes at run time. */
export function tellsSizes(walk: NodeWalk): void {
  for (const output of walk.node.outputs.keys()) walk.setOutput([plain], output);
}
