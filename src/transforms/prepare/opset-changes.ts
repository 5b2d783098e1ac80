import {
  floatAttribute,
  floatsAttribute,
  intAttribute,
  intsAttribute,
  makeInt,
  makeNode,
  makeString,
  stringAttribute,
} from '../../onnx/attributes.ts';
import {
  type Attribute,
  DataType,
  type Node,
  type Shape,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';

/** What a rewrite may ask and add. */
export interface RewriteContext {
  /** Adds a constant to the graph, under a name like `stem`. */
  readonly constant: (stem: string, make: (name: string) => Tensor) => ValueName;
  /** A name for a new value, like `stem`. */
  readonly value: (stem: string) => ValueName;
  readonly shapeOf: (name: ValueName) => Shape;
  /** The numbers of a constant; null if they are computed at run time. */
  readonly numbersOf: (name: ValueName | undefined) => readonly number[] | null;
  readonly typeOf: (name: ValueName) => number;
  /** Whether any node reads it, or it leaves the graph. */
  readonly isRead: (name: ValueName) => boolean;
}

/** The node in its newer form, as one or more nodes, or why it has none. */
export type Rewritten =
  | { readonly kind: 'nodes'; readonly nodes: readonly Node[] }
  | { readonly kind: 'refused'; readonly reason: string };

/** An operator's form changed with this opset so that a node must be written differently. */
export interface OpsetChange {
  readonly since: number;
  readonly operators: readonly string[];
  readonly rewrite: (node: Node, context: RewriteContext) => Rewritten;
}

const one = (node: Node): Rewritten => ({ kind: 'nodes', nodes: [node] });
const refused = (reason: string): Rewritten => ({ kind: 'refused', reason });
const stemOf = (node: Node): string => node.outputs[0] ?? node.opType;

function without(node: Node, ...names: readonly string[]): Node {
  const attributes = node.attributes.filter(({ name }) => !names.includes(name));
  return attributes.length === node.attributes.length ? node : { ...node, attributes };
}

function withAttribute(node: Node, attribute: Attribute): Node {
  return {
    ...without(node, attribute.name),
    attributes: [...without(node, attribute.name).attributes, attribute],
  };
}

/** Empty names at the end are left out. */
function withInputs(node: Node, inputs: readonly ValueName[]): Node {
  let count = inputs.length;
  while (count > 0 && inputs[count - 1] === '') count--;
  return { ...node, inputs: inputs.slice(0, count) };
}

const absent = valueName('');
const firstInput = (node: Node): ValueName => node.inputs[0] ?? absent;

function integers(context: RewriteContext, stem: string, values: readonly number[] | undefined): ValueName {
  if (values === undefined) return absent;
  return context.constant(stem, (name) => int64Tensor(name, [values.length], values));
}

/** A scalar of the same type as `like`; only float32 and float64 models of old opsets exist in practice. */
function scalar(context: RewriteContext, stem: string, value: number | undefined): ValueName {
  if (value === undefined) return absent;
  return context.constant(stem, (name) => floatTensor(name, [], Float32Array.of(value)));
}

function isNotFloat(context: RewriteContext, node: Node): boolean {
  const type = context.typeOf(firstInput(node));
  return type !== DataType.float && type !== DataType.undefined;
}

/** A list of integers that was an attribute and is the second input now. */
function axesAsInput(attribute: string): OpsetChange['rewrite'] {
  return (node, context) => {
    const values = intsAttribute(node, attribute);
    if (values === undefined) return one(node);
    const list = integers(context, `${stemOf(node)}_${attribute}`, values);
    return one(withInputs(without(node, attribute), [firstInput(node), list]));
  };
}

const clip: OpsetChange['rewrite'] = (node, context) => {
  const [min, max] = [floatAttribute(node, 'min'), floatAttribute(node, 'max')];
  if (min === undefined && max === undefined) return one(node);
  if (isNotFloat(context, node)) return refused('has limits of another type than float32');
  const limits = [scalar(context, `${stemOf(node)}_min`, min), scalar(context, `${stemOf(node)}_max`, max)];
  return one(withInputs(without(node, 'min', 'max'), [firstInput(node), ...limits]));
};

const pad: OpsetChange['rewrite'] = (node, context) => {
  if (isNotFloat(context, node)) return refused('pads with a value of another type than float32');
  const isConstant = (stringAttribute(node, 'mode') ?? 'constant') === 'constant';
  const pads = integers(context, `${stemOf(node)}_pads`, intsAttribute(node, 'pads') ?? []);
  const fill = floatAttribute(node, 'value') ?? 0;
  const value = isConstant ? scalar(context, `${stemOf(node)}_value`, fill) : absent;
  return one(withInputs(without(node, 'pads', 'value'), [firstInput(node), pads, value]));
};

const slice: OpsetChange['rewrite'] = (node, context) => {
  const list = (attribute: string, values = intsAttribute(node, attribute)): ValueName =>
    integers(context, `${stemOf(node)}_${attribute}`, values);
  const inputs = [
    firstInput(node),
    list('starts', intsAttribute(node, 'starts') ?? []),
    list('ends', intsAttribute(node, 'ends') ?? []),
    list('axes'),
  ];
  return one(withInputs(without(node, 'starts', 'ends', 'axes'), inputs));
};

const topK: OpsetChange['rewrite'] = (node, context) => {
  const count = intAttribute(node, 'k');
  if (count === undefined) return one(node);
  const k = integers(context, `${stemOf(node)}_k`, [count]);
  return one(withInputs(without(node, 'k'), [firstInput(node), k]));
};

const upsampleScales: OpsetChange['rewrite'] = (node, context) => {
  const scales = floatsAttribute(node, 'scales');
  if (scales === undefined) return one(node);
  const list = context.constant(`${stemOf(node)}_scales`, (name) =>
    floatTensor(name, [scales.length], Float32Array.from(scales)),
  );
  return one(withInputs(without(node, 'scales'), [firstInput(node), list]));
};

const upsample: OpsetChange['rewrite'] = (node) =>
  node.inputs.length < 2 ? refused('became Resize in opset 10') : one({ ...node, opType: 'Resize' });

/** Before opset 11 coordinates were only multiplied; nearest rounded down, and up where the picture shrinks. */
const resize: OpsetChange['rewrite'] = (node, context) => {
  const scales = context.numbersOf(node.inputs[1]);
  if (scales === null) return refused('computes coordinates differently before opset 11');
  const mode = stringAttribute(node, 'mode') ?? 'nearest';
  const [shrinks, grows] = [scales.some((scale) => scale < 1), scales.some((scale) => scale > 1)];
  if (shrinks && grows) return refused('grows one way and shrinks another');
  const region = context.constant(`${stemOf(node)}_roi`, (name) =>
    floatTensor(name, [0], new Float32Array(0)),
  );
  const moved = withInputs(node, [firstInput(node), region, node.inputs[1] ?? absent]);
  const placed = withAttribute(moved, makeString('coordinate_transformation_mode', 'asymmetric'));
  if (mode !== 'nearest') return one(placed);
  return one(withAttribute(placed, makeString('nearest_mode', shrinks ? 'ceil' : 'floor')));
};

/** It took all axes from one on as a single one; since opset 13 it takes that axis alone. */
const softmax: OpsetChange['rewrite'] = (node, context) => {
  const rank = context.shapeOf(firstInput(node))?.length;
  const given = intAttribute(node, 'axis') ?? 1;
  const axis = rank !== undefined && given < 0 ? given + rank : given;
  if (axis === -1 || axis + 1 === rank) return one(withAttribute(node, makeInt('axis', -1)));
  const tail = rank === undefined ? null : context.shapeOf(firstInput(node))?.slice(axis + 1);
  if (tail?.every((dim) => dim === 1)) return one(withAttribute(node, makeInt('axis', axis)));
  const stem = stemOf(node);
  const [shape, flat, soft] = [`${stem}_shape`, `${stem}_flat`, `${stem}_flat_output`].map(context.value) as [
    ValueName,
    ValueName,
    ValueName,
  ];
  return {
    kind: 'nodes',
    nodes: [
      makeNode('Shape', [firstInput(node)], [shape], [], { name: shape }),
      makeNode('Flatten', [firstInput(node)], [flat], [makeInt('axis', axis)], { name: flat }),
      { ...withAttribute(node, makeInt('axis', -1)), inputs: [flat], outputs: [soft] },
      makeNode('Reshape', [soft, shape], node.outputs, [], { name: soft }),
    ],
  };
};

const batchNormalization: OpsetChange['rewrite'] = (node) => {
  const isPerPosition = intAttribute(node, 'spatial') === 0;
  return isPerPosition
    ? refused('normalizes each position on its own (spatial=0), which newer versions cannot')
    : one(without(node, 'spatial'));
};

const onlyFirstOutput =
  (reason: string): OpsetChange['rewrite'] =>
  (node, context) => {
    if (node.outputs.length === 1) return one(node);
    const isMore = node.outputs.slice(1).some((name) => name !== '' && context.isRead(name));
    return isMore ? refused(reason) : one({ ...node, outputs: node.outputs.slice(0, 1) });
  };

const split: OpsetChange['rewrite'] = (node) =>
  (node.inputs[1] ?? '') !== '' || intAttribute(node, 'num_outputs') !== undefined
    ? one(node)
    : one(withAttribute(node, makeInt('num_outputs', node.outputs.length)));

const GRID_MODES: ReadonlyMap<string, string> = new Map([
  ['bilinear', 'linear'],
  ['bicubic', 'cubic'],
]);

const gridSample: OpsetChange['rewrite'] = (node) => {
  const mode = stringAttribute(node, 'mode') ?? 'bilinear';
  return one(withAttribute(node, makeString('mode', GRID_MODES.get(mode) ?? mode)));
};

const always =
  (reason: string): OpsetChange['rewrite'] =>
  () =>
    refused(reason);

/**
 * All changes of standard operators from opset 8 to 21 that concern how a node is written, oldest first; what is not
 * here only got more types, or attributes and inputs whose defaults mean what it always did.
 * @source the operators' version history in onnx/docs/Changelog.md, and the schemas of onnx 1.19
 */
export const OPSET_CHANGES: readonly OpsetChange[] = [
  { since: 9, operators: ['BatchNormalization'], rewrite: batchNormalization },
  { since: 9, operators: ['Scan'], rewrite: always('changed its form in opset 9') },
  { since: 9, operators: ['Upsample'], rewrite: upsampleScales },
  {
    since: 10,
    operators: ['Dropout'],
    rewrite: onlyFirstOutput('tells what it drops in another type since opset 10'),
  },
  { since: 10, operators: ['Slice'], rewrite: slice },
  { since: 10, operators: ['TopK'], rewrite: topK },
  { since: 10, operators: ['Upsample'], rewrite: upsample },
  { since: 11, operators: ['Clip'], rewrite: clip },
  { since: 11, operators: ['Pad'], rewrite: pad },
  { since: 11, operators: ['Resize'], rewrite: resize },
  { since: 11, operators: ['Scatter'], rewrite: (node) => one({ ...node, opType: 'ScatterElements' }) },
  // In inference nothing is dropped, whatever the ratio.
  { since: 12, operators: ['Dropout'], rewrite: (node) => one(without(node, 'ratio')) },
  { since: 13, operators: ['Softmax', 'LogSoftmax', 'Hardmax'], rewrite: softmax },
  { since: 13, operators: ['Squeeze', 'Unsqueeze', 'ReduceSum'], rewrite: axesAsInput('axes') },
  { since: 13, operators: ['Split'], rewrite: axesAsInput('split') },
  {
    since: 13,
    operators: ['Resize'],
    rewrite: (node) =>
      stringAttribute(node, 'coordinate_transformation_mode') === 'tf_half_pixel_for_nn'
        ? refused('places pixels as newer versions cannot (tf_half_pixel_for_nn)')
        : one(node),
  },
  {
    since: 14,
    operators: ['BatchNormalization'],
    rewrite: onlyFirstOutput('has outputs for training, which changed in opset 14'),
  },
  {
    since: 16,
    operators: ['RoiAlign'],
    rewrite: (node) =>
      one(withAttribute(node, makeString('coordinate_transformation_mode', 'output_half_pixel'))),
  },
  {
    since: 18,
    operators:
      'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSumSquare'.split(
        ' ',
      ),
    rewrite: axesAsInput('axes'),
  },
  { since: 18, operators: ['Split'], rewrite: split },
  {
    since: 19,
    operators: ['AveragePool'],
    rewrite: (node) =>
      intAttribute(node, 'ceil_mode') === 1 && intAttribute(node, 'count_include_pad') === 1
        ? refused('counts padding at its end differently since opset 19')
        : one(node),
  },
  { since: 20, operators: ['DFT'], rewrite: always('takes its axis as an input since opset 20') },
  { since: 20, operators: ['GridSample'], rewrite: gridSample },
  {
    since: 21,
    operators: ['GroupNormalization'],
    rewrite: always('scales channels instead of groups since opset 21'),
  },
];
