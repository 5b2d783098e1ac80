import { intAttribute, stringAttribute } from '../../../onnx/attributes.ts';
import { einsumTerms } from '../../../onnx/shapes/matrix.ts';
import { type Axis, type AxisOf, CannotFollow, type Operand, plain } from './channel-walk.ts';
import type { NodeWalk } from './node-walk.ts';
import { compactClasses, splitAxis, tiedByPlace } from './regroup-rules.ts';
import { coordinates, unitsByFactor } from './split-axes.ts';

/** The node's output as an operand, to join biases with what it holds. */
function outputOperand(walk: NodeWalk, axes: readonly Axis[]): Operand {
  const [name] = walk.node.outputs;
  if (name === undefined) throw new CannotFollow('no-output', `${walk.title} has no output`);
  return { name, dims: walk.dimsOfOutput(), axes, isWeight: false };
}

function layerWeight(walk: NodeWalk, input: number): Operand {
  const weight = walk.operand(input);
  if (weight.isWeight || weight.axes.some(({ labels }) => labels)) return weight;
  const { index, model } = walk.network.analysed;
  const maker = model.graph.nodes[index.producer.get(weight.name) ?? -1]?.opType ?? '';
  if (maker === 'DequantizeLinear')
    throw new CannotFollow('quantized', `${walk.title} has quantized weights: prune before quantizing`);
  throw new CannotFollow('computed-weights', `${walk.title} has weights that are computed while it runs`);
}

/** Conv and FusedConv: weight [out, in / group, kernel...]. */
export function convolution(walk: NodeWalk): void {
  if (walk.has(3))
    throw new CannotFollow('operator', `${walk.title} adds a fourth input, which is not followed`);
  const weight = layerWeight(walk, 1);
  convolve(walk, { weight, outAxis: 0, inAxis: 1 });
}

/** ConvTranspose: weight [in, out / group, kernel...]. */
export function transposedConvolution(walk: NodeWalk): void {
  convolve(walk, { weight: layerWeight(walk, 1), outAxis: 1, inAxis: 0 });
}

function convolve(
  walk: NodeWalk,
  { weight, outAxis, inAxis }: { weight: Operand; outAxis: 0 | 1; inAxis: 0 | 1 },
): void {
  const input = walk.operand(0);
  const group = intAttribute(walk.node, 'group') ?? 1;
  const isWhole = (size = 0) => size > 0 && size % group === 0;
  if (group < 1 || !isWhole(input.dims[1]) || !isWhole(weight.dims[0])) throw walk.contradiction();
  for (let axis = 2; axis < input.dims.length; axis++) {
    walk.keepAxis({ operand: input, axis }, 'window', 'moves a window over them');
    walk.keepAxis({ operand: weight, axis }, 'window', 'moves a window over them');
  }
  const channels =
    group === 1
      ? denseChannels(
          walk,
          { operand: input, axis: 1 },
          { operand: weight, axis: inAxis },
          { operand: weight, axis: outAxis },
        )
      : groupedChannels(walk, input, weight, group);
  const axes = [input.axes[0] ?? plain, channels, ...input.dims.slice(2).map(() => plain)];
  if (walk.has(2)) {
    walk.join([
      { operand: outputOperand(walk, axes), axis: 1 },
      { operand: walk.operand(2), axis: 0 },
    ]);
  }
  walk.setOutput(axes);
}

function denseChannels(walk: NodeWalk, input: AxisOf, readers: AxisOf, makers: AxisOf): Axis {
  walk.join([input, readers], 'reads');
  return walk.make(makers);
}

/**
 * A convolution in groups may lose whole groups, each with its inputs and outputs (a depthwise one: groups of one
 * channel), or become thinner: inputs and outputs then lose the same places of every group, independently. It is
 * done the way that leaves more to choose from.
 */
function groupedChannels(walk: NodeWalk, input: Operand, weight: Operand, group: number): Axis {
  const perGroup = (input.dims[1] as number) / group;
  const inputs = input.axes[1]?.labels;
  const outputsPerGroup = (weight.dims[0] as number) / group;
  // Axis 0 counts through the groups in both kinds of convolution: outputs, or inputs of a transposed one.
  const isTransposed = walk.node.opType === 'ConvTranspose';
  if (!isTransposed && isThinned(walk, inputs, { group, perGroup, outputsPerGroup }))
    return thinnedGroups(walk, input, weight, group);
  walk.fix({ operand: weight, axis: 1 });
  const through = walk.make({ operand: weight, axis: 0 }, perGroup === 1 ? 'follows' : 'makes');
  const outputs = isTransposed ? walk.makeFree(walk.dimsOfOutput()[1] as number) : through;
  for (const labels of new Set([through.labels, outputs.labels])) {
    if (inputs && labels) tieParts(walk, inputs, labels, group);
    else {
      const reason = `${walk.title} works in groups on "${input.name}", which no layer's channels make`;
      walk.keep(labels, 'fixed-partner', reason);
    }
  }
  return outputs;
}

function isThinned(
  walk: NodeWalk,
  inputs: Int32Array | null | undefined,
  { group, perGroup, outputsPerGroup }: Readonly<Record<'group' | 'perGroup' | 'outputsPerGroup', number>>,
): boolean {
  if (!inputs) return true;
  if (perGroup === 1) return false;
  const [whole = 0, places = 0] = unitsByFactor(...compactClasses(walk, inputs), [group, perGroup]);
  // Outputs that become thinner go by themselves, though inputs may hang together (a shuffle before).
  return Math.max(places, outputsPerGroup) > whole;
}

function thinnedGroups(walk: NodeWalk, input: Operand, weight: Operand, group: number): Axis {
  const perGroup = (input.dims[1] as number) / group;
  const inputs = input.axes[1]?.labels;
  const outputs = walk.make({ operand: weight, axis: 0 });
  if (outputs.labels) tiePlaces(walk, outputs.labels, group);
  if (inputs) tiePlaces(walk, inputs, group);
  const place: Axis = { labels: inputs?.slice(0, perGroup) ?? null, factor: null };
  const inside: Operand = { ...input, dims: [perGroup], axes: [place] };
  walk.join(
    [
      { operand: inside, axis: 0 },
      { operand: weight, axis: 1 },
    ],
    'reads',
  );
  return outputs;
}

/** Ties the first places of `count` equal parts, and so on. */
function tiePlaces(walk: NodeWalk, labels: Int32Array, count: number): void {
  const size = labels.length / count;
  tiedByPlace(walk, labels, coordinates([count, size], 1), size);
}

/** Ties the first of `count` equal parts of `a` to the first part of `b`, and so on. */
function tieParts(walk: NodeWalk, a: Int32Array, b: Int32Array, count: number): void {
  const [sizeOfA, sizeOfB] = [a.length / count, b.length / count];
  const tied = new Int32Array(sizeOfA + sizeOfB);
  for (let part = 0; part < count; part++) {
    tied.set(a.subarray(part * sizeOfA, (part + 1) * sizeOfA));
    tied.set(b.subarray(part * sizeOfB, (part + 1) * sizeOfB), sizeOfA);
    walk.tie(tied);
  }
}

/** numpy.matmul; weights may be on either side, or on none (attention). */
export function matMul(walk: NodeWalk): void {
  const [a, b] = [walk.operand(0), walk.operand(1)];
  const [rankA, rankB] = [a.dims.length, b.dims.length];
  walk.join(
    [
      { operand: a, axis: rankA - 1 },
      { operand: b, axis: Math.max(0, rankB - 2) },
    ],
    'reads',
  );
  const batchRank = Math.max(rankA, rankB) - 2;
  const axes: Axis[] = [];
  for (let axis = 0; axis < batchRank; axis++) {
    const parts = [a, b].map((operand) => ({ operand, axis: axis - batchRank + operand.dims.length - 2 }));
    axes.push(batchAxis(walk, parts));
  }
  if (rankA > 1) axes.push(freeAxis(walk, { operand: a, axis: rankA - 2 }));
  if (rankB > 1) axes.push(freeAxis(walk, { operand: b, axis: rankB - 1 }));
  walk.setOutput(axes);
}

/** Einsum that transposes one operand, or multiplies two: a letter is summed over, shared, or one operand's own. */
export function einsum(walk: NodeWalk): void {
  const operands = walk.operands();
  const equation = stringAttribute(walk.node, 'equation') ?? '';
  const ranks = operands.map(({ dims }) => dims.length);
  const terms = einsumTerms(equation, ranks);
  const fits = (term: readonly string[], input: number): boolean =>
    term.length === ranks[input] && new Set(term).size === term.length;
  const places = new Map<string, readonly AxisOf[]>();
  for (const [input, operand] of operands.entries())
    for (const [axis, letter] of terms?.inputs[input]?.entries() ?? [])
      places.set(letter, [...(places.get(letter) ?? []), { operand, axis }]);
  const summed = [...places].filter(([letter]) => terms?.output.includes(letter) === false);
  if (!terms?.inputs.every(fits) || operands.length > 2 || summed.some(([, parts]) => parts.length < 2))
    throw new CannotFollow('operator', `${walk.title} computes "${equation}", which is not followed`);
  for (const [, parts] of summed) walk.join(parts, 'reads');
  walk.setOutput(terms.output.map((letter) => batchAxis(walk, places.get(letter) ?? [])));
}

/** An axis of a product that is not summed over: the channels of a layer if it is a weight's. */
function freeAxis(walk: NodeWalk, part: AxisOf): Axis {
  return walk.network.isConstant(part.operand.name)
    ? walk.make(part)
    : (part.operand.axes[part.axis] ?? plain);
}

/** An axis along which products are taken side by side: if a reshape made it as a factor, it counts heads. */
function batchAxis(walk: NodeWalk, shared: readonly AxisOf[]): Axis {
  const parts = shared.filter(({ operand, axis }) => axis >= 0 && (operand.dims[axis] as number) > 1);
  const [first, second] = parts;
  if (first === undefined) return plain;
  if (second === undefined) return freeAxis(walk, first);
  for (const { operand, axis } of parts) {
    const factor = operand.axes[axis]?.factor;
    if (factor && !operand.axes[axis]?.labels) walk.network.found.set(factor.split, factor.position);
  }
  return walk.join(parts);
}

/** Gemm: A * B + C, either transposed. */
export function gemm(walk: NodeWalk): void {
  const [a, b] = [walk.operand(0), walk.operand(1)];
  const innerOfA = intAttribute(walk.node, 'transA') === 1 ? 0 : 1;
  const innerOfB = intAttribute(walk.node, 'transB') === 1 ? 1 : 0;
  walk.join(
    [
      { operand: a, axis: innerOfA },
      { operand: b, axis: innerOfB },
    ],
    'reads',
  );
  const axes = [
    freeAxis(walk, { operand: a, axis: 1 - innerOfA }),
    freeAxis(walk, { operand: b, axis: 1 - innerOfB }),
  ];
  if (walk.has(2)) {
    const output = outputOperand(walk, axes);
    const bias = walk.operand(2);
    for (const axis of [0, 1]) {
      const axisOfBias = axis - 2 + bias.dims.length;
      if (axisOfBias >= 0 && (bias.dims[axisOfBias] as number) > 1) {
        walk.join([
          { operand: output, axis },
          { operand: bias, axis: axisOfBias },
        ]);
      }
    }
  }
  walk.setOutput(axes);
}

/** Batch and instance normalisation: one number of each parameter for each channel. */
export function channelNormalization(walk: NodeWalk): void {
  const [input, ...parameters] = walk.operands();
  if (input === undefined) return;
  walk.join([{ operand: input, axis: 1 }, ...parameters.map((operand) => ({ operand, axis: 0 }))]);
  walk.setOutput(input.axes);
}

/** LayerNormalization and its kin: parameters have the shape of the axes that are normalised over. */
export function layerNormalization(walk: NodeWalk): void {
  const [input, ...parameters] = walk.operands();
  if (input === undefined) return;
  const rank = input.dims.length;
  const given = intAttribute(walk.node, 'axis') ?? -1;
  const first = given < 0 ? given + rank : given;
  for (let axis = first; axis < rank; axis++) {
    const ofParameters = parameters
      .map((operand) => ({ operand, axis: axis - rank + operand.dims.length }))
      .filter((part) => part.axis >= 0 && part.operand.dims[part.axis] === input.dims[axis]);
    walk.join([{ operand: input, axis }, ...ofParameters]);
  }
  walk.setOutput(input.axes);
  const statistics = input.axes.map((axis, at) => (at < first ? axis : plain));
  walk.setOutput(statistics, 1);
  walk.setOutput(statistics, 2);
}

/** Normalisation over groups of channels: whole groups go, or the same places of each. */
export function groupNormalization(walk: NodeWalk): void {
  const [input, ...parameters] = walk.operands();
  const groups = intAttribute(walk.node, 'num_groups') ?? 1;
  const channels = input?.dims[1] ?? 0;
  if (input === undefined || channels % groups !== 0)
    throw new CannotFollow('operator', `${walk.title} has uneven groups`);
  const [byGroup = plain] = splitAxis(walk, input.axes[1] ?? plain, [groups, channels / groups], 1);
  for (const operand of parameters) {
    // Before opset 21 parameters are per group.
    const perGroup: Operand = { ...input, dims: [groups], axes: [byGroup] };
    const partner =
      operand.dims[0] === channels ? { operand: input, axis: 1 } : { operand: perGroup, axis: 0 };
    if (operand.dims[0] !== channels && !byGroup.labels) walk.fix({ operand, axis: 0 });
    else walk.join([partner, { operand, axis: 0 }]);
  }
  walk.setOutput(input.axes);
}
