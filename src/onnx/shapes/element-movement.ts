import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
  tensorAttribute,
} from '../attributes.ts';
import type { Dim } from '../model.ts';
import { padsOf, permutationOf, sliceRanges, splitSizes } from './data-movement.ts';
import { rounded } from './element-arithmetic.ts';
import {
  broadcastReader,
  build,
  type Evaluator,
  flatIndex,
  numericDims,
  one,
  rowStrides,
  tensorElements,
} from './elements.ts';
import { type Elements, elementsOf, intOr, knownNumbers, normalAxis, productOf, repeated } from './facts.ts';
import { shapeWindow } from './generators.ts';

const sameElements = one((context) => elementsOf(context, 0));

const transpose = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const strides = rowStrides(dims);
  const moved = permutationOf(context, dims.length).map((axis) => strides[axis] as number);
  return build(outputDims, (position) => elements[flatIndex(position, moved)] ?? null);
});

const concat = one((context, output) => {
  const outputDims = numericDims(output);
  if (!outputDims) return null;
  const axis = normalAxis(context, intOr(context, 'axis', 1), outputDims.length);
  const outer = productOf(outputDims.slice(0, axis)) as number;
  const inner = productOf(outputDims.slice(axis + 1)) as number;
  const parts: { readonly elements: Elements; readonly run: number }[] = [];
  for (let at = 0; at < context.inputs.length; at++) {
    const elements = elementsOf(context, at);
    const dims = numericDims(context.inputs[at]);
    if (!elements || !dims) return null;
    parts.push({ elements, run: (dims[axis] as number) * inner });
  }
  const result: Dim[] = [];
  for (let row = 0; row < outer; row++) {
    for (const { elements, run } of parts) result.push(...elements.slice(row * run, (row + 1) * run));
  }
  return result;
});

const split: Evaluator = (context, outputs) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  if (!dims || !elements) return [];
  const axis = normalAxis(context, intOr(context, 'axis', 0), dims.length);
  const sizes = splitSizes(context, dims[axis] as number);
  if (!sizes) return [];
  const strides = rowStrides(dims);
  let start = 0;
  return outputs.map((output, part) => {
    const from = start * (strides[axis] as number);
    start += sizes[part] ?? 0;
    const outputDims = numericDims(output);
    return (
      outputDims && build(outputDims, (position) => elements[from + flatIndex(position, strides)] ?? null)
    );
  });
};

const slice = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const ranges = sliceRanges(context, dims);
  const strides = rowStrides(dims);
  let offset = 0;
  const steps = strides.map((stride, axis) => {
    const range = ranges.get(axis);
    if (!range) return stride;
    offset += range.start * stride;
    return range.step * stride;
  });
  return build(outputDims, (position) => elements[offset + flatIndex(position, steps)] ?? null);
});

const gather = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const indices = knownNumbers(elementsOf(context, 1));
  const indexDims = numericDims(context.inputs[1]);
  const outputDims = numericDims(output);
  if (!dims || !elements || !indices || !indexDims || !outputDims) return null;
  const axis = normalAxis(context, intOr(context, 'axis', 0), dims.length);
  const strides = rowStrides(dims);
  const indexStrides = rowStrides(indexDims);
  return build(outputDims, (position) => {
    const chosen = indices[flatIndex(position.slice(axis, axis + indexDims.length), indexStrides)] as number;
    const source = [
      ...position.slice(0, axis),
      chosen < 0 ? chosen + (dims[axis] as number) : chosen,
      ...position.slice(axis + indexDims.length),
    ];
    return elements[flatIndex(source, strides)] ?? null;
  });
});

const expand = one((context, output) => {
  const dims = numericDims(output);
  const reader = broadcastReader(context, 0);
  return dims && reader && build(dims, reader);
});

const tile = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  if (!dims || !elements || !outputDims) return null;
  const strides = rowStrides(dims);
  return build(
    outputDims,
    (position) =>
      elements[
        flatIndex(
          position.map((at, axis) => at % (dims[axis] as number)),
          strides,
        )
      ] ?? null,
  );
});

const where = one((context, output) => {
  const dims = numericDims(output);
  const readers = [0, 1, 2].map((at) => broadcastReader(context, at));
  const [condition, yes, no] = readers;
  if (!dims || !condition || !yes || !no) return null;
  return build(dims, (position) => {
    const chosen = condition(position);
    if (typeof chosen !== 'number') return null;
    return chosen ? yes(position) : no(position);
  });
});

const pad = one((context, output) => {
  const dims = numericDims(context.inputs[0]);
  const elements = elementsOf(context, 0);
  const outputDims = numericDims(output);
  const mode = stringAttribute(context.node, 'mode') ?? 'constant';
  // The other modes do not occur in shape arithmetic.
  if (!dims || !elements || !outputDims || mode !== 'constant') return null;
  const pads = padsOf(context, dims.length);
  const filler = context.inputs[2]
    ? elementsOf(context, 2)?.[0]
    : (floatAttribute(context.node, 'value') ?? 0);
  if (!pads || filler === undefined) return null;
  const strides = rowStrides(dims);
  return build(outputDims, (position) => {
    const source = position.map((at, axis) => at - (pads[axis] as number));
    const inside = source.every((at, axis) => at >= 0 && at < (dims[axis] as number));
    return inside ? (elements[flatIndex(source, strides)] ?? null) : filler;
  });
});

const constant = one((context) => {
  const { node } = context;
  const tensor = tensorAttribute(node, 'value');
  if (tensor) return tensorElements(tensor);
  const single = floatAttribute(node, 'value_float') ?? intAttribute(node, 'value_int');
  if (single !== undefined) return [single];
  return floatsAttribute(node, 'value_floats') ?? intsAttribute(node, 'value_ints') ?? null;
});

const constantOfShape = one((context, output) => {
  const dims = numericDims(output);
  const tensor = tensorAttribute(context.node, 'value');
  const filler = tensor ? tensorElements(tensor)?.[0] : 0;
  if (!dims || filler === undefined) return null;
  return repeated<Dim>(filler, productOf(dims) as number);
});

const range = one((context, output) => {
  const [count] = numericDims(output) ?? [];
  const start = elementsOf(context, 0)?.[0];
  const delta = elementsOf(context, 2)?.[0];
  if (count === undefined || !Number.isInteger(start) || !Number.isInteger(delta)) return null;
  return Array.from({ length: count }, (_, position) =>
    rounded((start as number) + position * (delta as number), output.dataType),
  );
});

const shape = one((context) => {
  const dims = context.inputs[0]?.shape;
  return dims ? shapeWindow(context, dims) : null;
});

const size = one((context) => {
  const dims = context.inputs[0]?.shape;
  return dims ? [productOf(dims)] : null;
});

const nonZero = one((context) => {
  const dims = numericDims(context.inputs[0]);
  const elements = knownNumbers(elementsOf(context, 0));
  if (!dims || !elements) return null;
  const found: (readonly number[])[] = [];
  let index = 0;
  build(dims, (position) => {
    if (elements[index++] !== 0) found.push([...position]);
    return 0;
  });
  return dims.flatMap((_, axis) => found.map((position) => position[axis] as number));
});

/** Operators that move the elements of small constants, or make them. */
export const movementEvaluators: readonly (readonly [string, Evaluator])[] = [
  ['Identity', sameElements],
  ['Reshape', sameElements],
  ['Flatten', sameElements],
  ['Squeeze', sameElements],
  ['Unsqueeze', sameElements],
  ['Transpose', transpose],
  ['Concat', concat],
  ['Split', split],
  ['Slice', slice],
  ['Gather', gather],
  ['Expand', expand],
  ['Tile', tile],
  ['Where', where],
  ['Pad', pad],
  ['Constant', constant],
  ['ConstantOfShape', constantOfShape],
  ['Range', range],
  ['Shape', shape],
  ['Size', size],
  ['NonZero', nonZero],
];
