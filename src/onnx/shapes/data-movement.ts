import { floatsAttribute, intAttribute, intsAttribute, stringAttribute } from '../attributes.ts';
import { DataType, type Dim, type Shape } from '../model.ts';
import {
  broadcast,
  type Elements,
  elementsOf,
  type Facts,
  intOr,
  intsFromEither,
  knownNumbers,
  normalAxis,
  perDimension,
  productOf,
  repeated,
  required,
  ShapeError,
  type ShapeContext,
  type ShapeFunction,
  typed,
} from './facts.ts';

function reshape(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const wanted: Elements | null = intsAttribute(context.node, 'shape') ?? perDimension(context, 1);
  if (!wanted) {
    const rank = context.inputs[1]?.shape?.[0];
    return [typed(dataType, typeof rank === 'number' ? repeated<Dim>(null, rank) : null)];
  }
  return [typed(dataType, reshaped(context, shape, wanted))];
}

/** 0 copies the input's size (unless `allowzero`), -1 is what is left. */
function reshaped(context: ShapeContext, shape: Shape, wanted: Elements): readonly Dim[] {
  const allowZero = intOr(context, 'allowzero', 0) === 1;
  const result = wanted.map((size, axis): Dim => (size === 0 && !allowZero ? (shape?.[axis] ?? null) : size));
  const open = result.indexOf(-1);
  if (open !== result.lastIndexOf(-1))
    throw new ShapeError(context.node, 'the target shape has more than one -1');
  const total = shape && productOf(shape);
  if (open < 0) {
    const found = productOf(result);
    if (typeof total === 'number' && found !== null && total !== found) {
      throw new ShapeError(context.node, `${total} elements do not fit [${result.join(', ')}]`);
    }
    return result;
  }
  const rest = remainingSize(shape, result.toSpliced(open, 1));
  if (rest !== null && typeof rest === 'number' && !Number.isInteger(rest)) {
    throw new ShapeError(context.node, `${total} elements do not fit [${result.join(', ')}]`);
  }
  return result.with(open, rest);
}

/** The size that makes `others` hold as many elements as `shape`; equal symbols on both sides cancel. */
function remainingSize(shape: Shape, others: readonly Dim[]): Dim {
  if (!shape) return null;
  const left = [...shape];
  const right: Dim[] = [];
  for (const dim of others) {
    const twin = typeof dim === 'string' ? left.indexOf(dim) : -1;
    if (twin >= 0) left.splice(twin, 1);
    else right.push(dim);
  }
  const denominator = productOf(right);
  if (denominator === null) return null;
  const numerator = productOf(left);
  if (numerator !== null) return denominator === 0 ? 0 : numerator / denominator;
  const [only, ...more] = left.filter((dim) => typeof dim !== 'number');
  const factor = productOf(left.filter((dim) => typeof dim === 'number'));
  return more.length === 0 && factor === denominator ? (only ?? null) : null;
}

function flatten(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, [null, null])];
  const given = intOr(context, 'axis', 1);
  const axis = given < 0 ? given + shape.length : given;
  if (axis < 0 || axis > shape.length)
    throw new ShapeError(context.node, `axis ${given} is outside ${shape.length} dims`);
  return [typed(dataType, [flatSize(shape.slice(0, axis)), flatSize(shape.slice(axis))])];
}

function flatSize(dims: readonly Dim[]): Dim {
  const symbols = dims.filter((dim) => typeof dim !== 'number');
  const factor = productOf(dims.filter((dim) => typeof dim === 'number'));
  if (symbols.length === 0) return factor;
  return symbols.length === 1 && factor === 1 ? (symbols[0] as Dim) : null;
}

function squeeze(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const axes = intsFromEither(context, 'axes', 1);
  if (!shape || axes === null) return [typed(dataType, null)];
  if (axes === undefined) {
    const certain = shape.every((dim) => typeof dim === 'number');
    return [typed(dataType, certain ? shape.filter((dim) => dim !== 1) : null)];
  }
  const gone = new Set(axes.map((axis) => normalAxis(context, axis, shape.length)));
  for (const axis of gone) {
    const dim = shape[axis];
    if (typeof dim === 'number' && dim !== 1)
      throw new ShapeError(context.node, `axis ${axis} has size ${dim}, not 1`);
  }
  return [
    typed(
      dataType,
      shape.filter((_, axis) => !gone.has(axis)),
    ),
  ];
}

function unsqueeze(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const axes = intsFromEither(context, 'axes', 1);
  if (!shape || !axes) return [typed(dataType, null)];
  const rank = shape.length + axes.length;
  const added = new Set(axes.map((axis) => normalAxis(context, axis, rank)));
  if (added.size !== axes.length) throw new ShapeError(context.node, 'axes repeat');
  const rest = shape.values();
  const result: Dim[] = [];
  for (let axis = 0; axis < rank; axis++) result.push(added.has(axis) ? 1 : (rest.next().value as Dim));
  return [typed(dataType, result)];
}

/** The permutation of a Transpose; the reverse order if none is given. */
export function permutationOf(context: ShapeContext, rank: number): readonly number[] {
  const given = intsAttribute(context.node, 'perm');
  if (!given) return Array.from({ length: rank }, (_, axis) => rank - 1 - axis);
  if (
    given.length !== rank ||
    new Set(given).size !== rank ||
    given.some((axis) => axis < 0 || axis >= rank)
  ) {
    throw new ShapeError(context.node, `perm [${given.join(', ')}] does not fit ${rank} dims`);
  }
  return given;
}

function transpose(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  return [typed(dataType, shape && permutationOf(context, shape.length).map((axis) => shape[axis] as Dim))];
}

function concat(context: ShapeContext): readonly Facts[] {
  const { dataType } = required(context, 0);
  const shapes: (readonly Dim[])[] = [];
  for (const input of context.inputs) {
    if (!input?.shape) return [typed(dataType, null)];
    shapes.push(input.shape);
  }
  const first = shapes[0] as readonly Dim[];
  const axis = normalAxis(context, intOr(context, 'axis', 1), first.length);
  const result = [...first];
  for (const [position, shape] of shapes.entries()) {
    if (shape.length !== first.length) {
      throw new ShapeError(
        context.node,
        `input ${position} has ${shape.length} dims, input 0 has ${first.length}`,
      );
    }
    if (position === 0) continue;
    for (const [at, dim] of shape.entries()) {
      const known = result[at] as Dim;
      if (at === axis) {
        result[at] = typeof known === 'number' && typeof dim === 'number' ? known + dim : null;
      } else if (typeof known !== 'number') {
        result[at] = typeof dim === 'number' ? dim : known === dim ? known : null;
      } else if (typeof dim === 'number' && dim !== known) {
        throw new ShapeError(
          context.node,
          `input ${position} has size ${dim} at axis ${at}, input 0 has ${known}`,
        );
      }
    }
  }
  return [typed(dataType, result)];
}

/** Sizes of a Split's parts; null if they are not known. */
export function splitSizes(context: ShapeContext, size: Dim): readonly number[] | null {
  const attribute = intsAttribute(context.node, 'split');
  const given = attribute ?? (context.inputs[1] ? knownNumbers(elementsOf(context, 1)) : undefined);
  if (given === null) return null;
  if (given && given.length > 0) return given;
  if (typeof size !== 'number') return null;
  const parts = intAttribute(context.node, 'num_outputs') ?? context.node.outputs.length;
  // Since opset 18 the last part may be smaller.
  const chunk = Math.ceil(size / parts);
  return Array.from({ length: parts }, (_, part) => Math.max(0, Math.min(chunk, size - part * chunk)));
}

function split(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const { outputs } = context.node;
  if (!shape) return outputs.map(() => typed(dataType, null));
  const axis = normalAxis(context, intOr(context, 'axis', 0), shape.length);
  const sizes = splitSizes(context, shape[axis] as Dim);
  const total = shape[axis];
  if (sizes && typeof total === 'number' && sizes.reduce((sum, part) => sum + part, 0) !== total) {
    throw new ShapeError(context.node, `parts [${sizes.join(', ')}] do not make up ${total}`);
  }
  return outputs.map((_, part) => typed(dataType, shape.with(axis, sizes?.[part] ?? null)));
}

/** One axis of a Slice, its bounds already clamped as ONNX defines. */
export interface SliceRange {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** The ranges of a Slice on a tensor of these dims; null where a bound is not known; axes it leaves alone are missing. */
export function sliceRanges(context: ShapeContext, dims: readonly Dim[]): Map<number, SliceRange | null> {
  const ranges = new Map<number, SliceRange | null>();
  const starts = intsFromEither(context, 'starts', 1);
  const ends = intsFromEither(context, 'ends', 2);
  const axes = intsFromEither(context, 'axes', 3);
  const steps = context.inputs[4] ? knownNumbers(perDimension(context, 4)) : undefined;
  if (axes === null) {
    dims.forEach((_, axis) => ranges.set(axis, null));
    return ranges;
  }
  const count = starts?.length ?? ends?.length ?? axes?.length ?? dims.length;
  for (let position = 0; position < count; position++) {
    const axis = normalAxis(context, axes ? (axes[position] as number) : position, dims.length);
    const size = dims[axis];
    const start = starts?.[position];
    const end = ends?.[position];
    const step = steps === undefined ? 1 : steps?.[position];
    if (start === 0 && end !== undefined && end >= 2 ** 31 - 1 && step === 1) continue;
    if (typeof size !== 'number' || start === undefined || end === undefined || step === undefined) {
      ranges.set(axis, null);
      continue;
    }
    if (step === 0) throw new ShapeError(context.node, 'a step of 0');
    ranges.set(axis, { axis, ...clampedRange(start, end, step, size) });
  }
  return ranges;
}

function clampedRange(start: number, end: number, step: number, size: number): Omit<SliceRange, 'axis'> {
  const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high);
  const from = start < 0 ? start + size : start;
  const to = end < 0 ? end + size : end;
  const first = step > 0 ? clamp(from, 0, size) : clamp(from, 0, size - 1);
  const last = step > 0 ? clamp(to, 0, size) : clamp(to, -1, size - 1);
  return { start: first, step, count: Math.max(0, Math.ceil((last - first) / step)) };
}

function slice(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null)];
  const ranges = sliceRanges(context, shape);
  const result = shape.map((dim, axis): Dim => {
    const range = ranges.get(axis);
    return range === undefined ? dim : (range?.count ?? null);
  });
  return [typed(dataType, result)];
}

function gather(context: ShapeContext): readonly Facts[] {
  const data = required(context, 0);
  const indices = required(context, 1);
  if (!data.shape || !indices.shape) return [typed(data.dataType, null)];
  const axis = normalAxis(context, intOr(context, 'axis', 0), data.shape.length);
  return [
    typed(data.dataType, [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)]),
  ];
}

function gatherElements(context: ShapeContext): readonly Facts[] {
  return [typed(required(context, 0).dataType, required(context, 1).shape)];
}

function gatherNd(context: ShapeContext): readonly Facts[] {
  const data = required(context, 0);
  const indices = required(context, 1);
  const depth = indices.shape?.at(-1);
  if (!data.shape || !indices.shape || typeof depth !== 'number') return [typed(data.dataType, null)];
  const batchDims = intOr(context, 'batch_dims', 0);
  return [typed(data.dataType, [...indices.shape.slice(0, -1), ...data.shape.slice(batchDims + depth)])];
}

function expand(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const wanted = perDimension(context, 1);
  return [typed(dataType, wanted ? broadcast(context.node, [shape, wanted]) : null)];
}

function tile(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null)];
  const repeats = perDimension(context, 1);
  const result = shape.map((dim, axis): Dim => {
    const times = repeats?.[axis];
    if (times === 1) return dim;
    return typeof dim === 'number' && typeof times === 'number' ? dim * times : null;
  });
  return [typed(dataType, result)];
}

/** Begins, then ends, of every axis; null if not known. */
export function padsOf(context: ShapeContext, rank: number): readonly number[] | null {
  const attribute = intsAttribute(context.node, 'pads') ?? intsAttribute(context.node, 'paddings');
  const pads = attribute ?? knownNumbers(elementsOf(context, 1));
  if (!pads) return null;
  const axes = context.inputs[3] ? knownNumbers(perDimension(context, 3)) : undefined;
  if (axes === null) return null;
  if (axes === undefined) {
    if (pads.length !== 2 * rank) {
      throw new ShapeError(context.node, `pads has ${pads.length} entries, ${rank} dims need ${2 * rank}`);
    }
    return pads;
  }
  const full = repeated(0, 2 * rank);
  for (const [position, given] of axes.entries()) {
    const axis = normalAxis(context, given, rank);
    full[axis] = pads[position] ?? 0;
    full[axis + rank] = pads[position + axes.length] ?? 0;
  }
  return full;
}

function pad(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null)];
  const pads = padsOf(context, shape.length);
  const result = shape.map((dim, axis): Dim => {
    if (!pads) return null;
    const added = (pads[axis] as number) + (pads[axis + shape.length] as number);
    return typeof dim === 'number' ? dim + added : added === 0 ? dim : null;
  });
  return [typed(dataType, result)];
}

/** Resize (scales or sizes, with `axes` since opset 18) and Upsample. */
function resize(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  if (!shape) return [typed(dataType, null)];
  const scalesAt = context.node.opType === 'Upsample' || context.opset < 11 ? 1 : 2;
  const axes = (intsAttribute(context.node, 'axes') ?? shape.map((_, axis) => axis)).map((axis) =>
    normalAxis(context, axis, shape.length),
  );
  if ((stringAttribute(context.node, 'keep_aspect_ratio_policy') ?? 'stretch') !== 'stretch') {
    return [
      typed(
        dataType,
        shape.map((dim, axis) => (axes.includes(axis) ? null : dim)),
      ),
    ];
  }
  const sizes = perDimension(context, 3);
  const scales = floatsAttribute(context.node, 'scales') ?? knownNumbers(perDimension(context, scalesAt));
  const result: Dim[] = [...shape];
  for (const [position, axis] of axes.entries()) {
    const dim = shape[axis];
    const scale = scales?.[position];
    if (sizes && sizes.length > 0) result[axis] = sizes[position] ?? null;
    else if (scale === 1) continue;
    // The runtime multiplies in float32: in double precision 7 * 1.4285715 would round differently.
    else if (typeof dim === 'number' && scale !== undefined)
      result[axis] = Math.floor(Math.fround(dim * scale));
    else result[axis] = null;
  }
  return [typed(dataType, result)];
}

function depthToSpace(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const block = intOr(context, 'blocksize', 1);
  if (!shape) return [typed(dataType, null)];
  const [batch, channels, height, width] = shape as readonly [Dim, Dim, Dim, Dim];
  return [
    typed(dataType, [
      batch,
      scaled(channels, 1 / (block * block)),
      scaled(height, block),
      scaled(width, block),
    ]),
  ];
}

function spaceToDepth(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const block = intOr(context, 'blocksize', 1);
  if (!shape) return [typed(dataType, null)];
  const [batch, channels, height, width] = shape as readonly [Dim, Dim, Dim, Dim];
  return [
    typed(dataType, [
      batch,
      scaled(channels, block * block),
      scaled(height, 1 / block),
      scaled(width, 1 / block),
    ]),
  ];
}

function scaled(dim: Dim, factor: number): Dim {
  return typeof dim === 'number' ? Math.round(dim * factor) : null;
}

function compress(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const axis = intAttribute(context.node, 'axis');
  if (axis === undefined) return [typed(dataType, [null])];
  return [typed(dataType, shape && shape.with(normalAxis(context, axis, shape.length), null))];
}

function oneHot(context: ShapeContext): readonly Facts[] {
  const indices = required(context, 0);
  const depth = elementsOf(context, 1)?.[0] ?? null;
  const { dataType } = required(context, 2);
  if (!indices.shape) return [typed(dataType, null)];
  const axis = normalAxis(context, intOr(context, 'axis', -1), indices.shape.length + 1);
  return [typed(dataType, indices.shape.toSpliced(axis, 0, depth))];
}

function nonZero(context: ShapeContext): readonly Facts[] {
  const { shape } = required(context, 0);
  const found = knownNumbers(elementsOf(context, 0))?.filter((element) => element !== 0).length ?? null;
  return [typed(DataType.int64, shape && [Math.max(1, shape.length), found])];
}

function unique(context: ShapeContext): readonly Facts[] {
  const { dataType, shape } = required(context, 0);
  const axis = intAttribute(context.node, 'axis');
  const values =
    axis === undefined ? [null] : shape && shape.with(normalAxis(context, axis, shape.length), null);
  const indices = typed(DataType.int64, [null]);
  return [typed(dataType, values), indices, indices, indices];
}

/** Operators that move elements without computing with them. */
export const dataMovementShapes: readonly (readonly [string, ShapeFunction])[] = [
  ['Reshape', reshape],
  ['Flatten', flatten],
  ['Squeeze', squeeze],
  ['Unsqueeze', unsqueeze],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['GatherElements', gatherElements],
  ['GatherND', gatherNd],
  ['Expand', expand],
  ['Tile', tile],
  ['Pad', pad],
  ['Resize', resize],
  ['Upsample', resize],
  ['DepthToSpace', depthToSpace],
  ['SpaceToDepth', spaceToDepth],
  ['Compress', compress],
  ['OneHot', oneHot],
  ['NonZero', nonZero],
  ['Unique', unique],
];
