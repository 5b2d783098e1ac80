import { intAttribute, stringAttribute } from '../../onnx/attributes.ts';
import { DataType, type Node, type ValueName, valueName } from '../../onnx/model.ts';
import { einsumTerms } from '../../onnx/shapes/matrix.ts';
import { operatorKey } from '../../onnx/shapes/operator-table.ts';
import type { AnalysedModel } from '../analyse-model.ts';
import { standardOpset } from '../graph-names.ts';
import type { ChannelGroups } from './channels/channel-group.ts';
import { ChannelWalk } from './channels/channel-walk.ts';
import { reducedAxes } from './channels/elementwise-rules.ts';
import type { GatedAxis, GateWriter } from './gate-writer.ts';

/** A node that lets channels see each other, with the axes along which it does that. */
interface Reading {
  readonly node: Node;
  readonly title: string;
  readonly input: number;
  readonly value: ValueName;
  readonly dataType: number;
  readonly rank: number;
  readonly axes: readonly GatedAxis[];
}

/**
 * Has every node that lets channels see each other see none of those that are out: whatever goes through channel by
 * channel in between may be anything.
 * @returns writes what a node needs, and gives the node as it reads that; null: it reads no channels with gates
 */
export function gateReads(
  analysed: AnalysedModel,
  channels: ChannelGroups,
  writer: GateWriter,
): (position: number) => Node | null {
  const { model, index, counted } = analysed;
  const { graph } = model;
  const walk = new ChannelWalk(analysed, new Map());
  const opset = standardOpset(model);
  const gatedAxes = axesWithGates(channels);
  const rankOf = (value: ValueName): number => counted.get(value)?.shape?.length ?? 0;
  const readingOf = (node: Node, input: number, isRead: (axis: number) => boolean): Reading | null => {
    const value = node.inputs[input] ?? valueName('');
    const axes = (gatedAxes.get(value) ?? []).filter(({ axis }) => isRead(axis));
    if (axes.length === 0) return null;
    const dataType = counted.get(value)?.dataType ?? DataType.float;
    return {
      node,
      title: node.name || (node.outputs[0] ?? ''),
      input,
      value,
      dataType,
      rank: rankOf(value),
      axes,
    };
  };
  /** All readings multiply what they read by the gates, unless the operator needs more than that. */
  const gated = (reading: Reading | null, gate: (reading: Reading) => Node): Node | null =>
    reading === null ? null : gate(reading);
  const summed = (reading: Reading): Node => readingInstead(reading, masked(writer, reading));

  return (position) => {
    const node = graph.nodes[position] as Node;
    const key = operatorKey(node);
    switch (key) {
      case 'Conv':
      case 'com.microsoft:FusedConv':
      case 'ConvTranspose': {
        const shape = counted.get(node.inputs[0] ?? valueName(''))?.shape;
        // A group of one channel is that channel's own.
        const isDepthwise = shape?.[1] === (intAttribute(node, 'group') ?? 1);
        return isDepthwise && shape?.[1] !== 1
          ? null
          : gated(
              readingOf(node, 0, (axis) => axis === 1),
              summed,
            );
      }
      case 'Gemm': {
        const [innerOfA, innerOfB] = [
          intAttribute(node, 'transA') === 1 ? 0 : 1,
          intAttribute(node, 'transB') === 1 ? 1 : 0,
        ];
        const reading =
          readingOf(node, 0, (axis) => axis === innerOfA) ?? readingOf(node, 1, (axis) => axis === innerOfB);
        return gated(reading, summed);
      }
      case 'MatMul': {
        const [rankA, rankB] = node.inputs.map(rankOf) as [number, number];
        const reading =
          readingOf(node, 0, (axis) => axis === rankA - 1) ??
          readingOf(node, 1, (axis) => axis === Math.max(0, rankB - 2));
        return gated(reading, summed);
      }
      case 'Einsum': {
        const terms = einsumTerms(stringAttribute(node, 'equation') ?? '', node.inputs.map(rankOf));
        const isSummed = (input: number) => (axis: number) =>
          terms?.output.includes(terms.inputs[input]?.[axis] ?? '') === false;
        return gated(readingOf(node, 0, isSummed(0)) ?? readingOf(node, 1, isSummed(1)), summed);
      }
      case 'ReduceSum':
      case 'ReduceSumSquare':
      case 'ReduceL1':
      case 'ReduceL2':
      case 'ReduceLogSum':
      case 'ReduceMean':
      case 'ReduceMax':
      case 'ReduceMin':
      case 'ReduceProd':
      case 'ReduceLogSumExp': {
        const axes = reducedAxes(walk.contextOf(node), rankOf(node.inputs[0] ?? valueName('')));
        return gated(
          readingOf(node, 0, (axis) => axes?.has(axis) === true),
          (reading) => {
            if (key === 'ReduceMean') return readingInstead(reading, weighted(writer, reading));
            const neutral = NEUTRAL.get(key);
            return neutral === undefined
              ? summed(reading)
              : readingInstead(reading, filled(writer, reading, neutral));
          },
        );
      }
      case 'LayerNormalization':
      case 'RMSNormalization':
      case 'SimplifiedLayerNormalization': {
        const rank = rankOf(node.inputs[0] ?? valueName(''));
        const given = intAttribute(node, 'axis') ?? -1;
        const first = given < 0 ? given + rank : given;
        const axes = Array.from({ length: rank - first }, (_, at) => first + at);
        return gated(
          readingOf(node, 0, (axis) => axis >= first),
          (reading) => normalised(writer, reading, key === 'LayerNormalization' ? { axes, opset } : null),
        );
      }
      case 'InstanceNormalization': {
        const rank = rankOf(node.inputs[0] ?? valueName(''));
        const axes = Array.from({ length: rank - 2 }, (_, at) => 2 + at);
        return gated(
          readingOf(node, 0, (axis) => axis >= 2),
          (reading) => normalised(writer, reading, { axes, opset }),
        );
      }
      case 'GroupNormalization':
        return gated(
          readingOf(node, 0, (axis) => axis === 1),
          (reading) =>
            normalisedInGroups(writer, reading, {
              groups: intAttribute(node, 'num_groups') ?? 1,
              scaleSize: index.initializers.get(node.inputs[1] ?? valueName(''))?.dims[0] ?? 0,
              opset,
            }),
        );
      default:
        return null;
    }
  };
}

/** What changes nothing among the numbers that a node reduces. */
const NEUTRAL: ReadonlyMap<string, number> = new Map([
  ['ReduceMax', -Infinity],
  ['ReduceLogSumExp', -Infinity],
  ['ReduceMin', Infinity],
  ['ReduceProd', 1],
]);

/** Which axes of values have gates: those that hold units of groups that are not kept. */
function axesWithGates({
  groups,
  places,
  unitCount,
}: ChannelGroups): ReadonlyMap<string, readonly GatedAxis[]> {
  const isOpen = new Uint8Array(unitCount);
  for (const { firstUnit, unitCount: count, kept } of groups)
    if (kept === null) isOpen.fill(1, firstUnit, firstUnit + count);
  // Many values share what they hold.
  const known = new Map<Int32Array, Int32Array | null>();
  const found = new Map<string, GatedAxis[]>();
  for (const { kind, name, axis, units } of places) {
    if (kind !== 'value') continue;
    let gateOf = known.get(units);
    if (gateOf === undefined) {
      const open = units.map((unit) => (isOpen[unit] === 1 ? unit : -1));
      gateOf = open.some((unit) => unit >= 0) ? open : null;
      known.set(units, gateOf);
    }
    if (gateOf === null) continue;
    const axes = found.get(name) ?? [];
    if (!axes.some((other) => other.axis === axis)) axes.push({ axis, gateOf });
    found.set(name, axes);
  }
  return found;
}

function readingInstead({ node, input }: Reading, value: string): Node {
  return { ...node, inputs: node.inputs.with(input, valueName(value)) };
}

/** A value with something done to it for each of the gated axes; all readers share it. */
function forEachAxis(
  writer: GateWriter,
  kind: string,
  { value, rank, axes }: Reading,
  change: (before: string, mask: string) => string,
): string {
  return axes.reduce((before, gated) => {
    const mask = writer.mask(gated, rank);
    return writer.once(`${kind} ${mask} ${before}`, () => change(before, mask));
  }, value as string);
}

function masked(writer: GateWriter, reading: Reading): string {
  return forEachAxis(writer, 'masked', reading, (before, mask) =>
    writer.node('Mul', [before, writer.cast(mask, reading.dataType)]),
  );
}

/** Zeros for what is out, the rest scaled so that the mean over all is that over what is in. */
function weighted(writer: GateWriter, reading: Reading): string {
  return forEachAxis(writer, 'weighted', reading, (before, mask) => {
    const weights = writer.once(`weights ${mask}`, () => writer.node('Div', [mask, writer.shareIn(mask)]));
    return writer.node('Mul', [before, writer.cast(weights, reading.dataType)]);
  });
}

function filled(writer: GateWriter, reading: Reading, filling: number): string {
  return forEachAxis(writer, `filled ${filling}`, reading, (before, mask) => {
    const isIn = writer.once(`is in ${mask}`, () =>
      writer.node('Greater', [mask, writer.float(0.5, DataType.float)]),
    );
    return writer.node('Where', [isIn, before, writer.float(filling, reading.dataType)]);
  });
}

/**
 * Zeros for what is out once the mean is taken off, and the rest scaled so that the variance over all is that over
 * what is in; the normalisation's own factors take the scale back.
 * @param centred over which axes the normalisation subtracts a mean; null: it does not
 */
function normalised(
  writer: GateWriter,
  reading: Reading,
  centred: { readonly axes: readonly number[]; readonly opset: number } | null,
): Node {
  const { value, dataType, rank, axes, node } = reading;
  const deviations =
    centred === null
      ? value
      : writer.node('Sub', [value, writer.mean(weighted(writer, reading), centred.axes, centred.opset)]);
  let scale: string = node.inputs[1] ?? '';
  let read: string = deviations;
  for (const gated of axes) {
    const mask = writer.mask(gated, rank);
    const root = writer.once(`root ${mask}`, () => writer.node('Sqrt', [writer.shareIn(mask)]));
    const factors = writer.once(`factors ${mask}`, () => writer.node('Div', [mask, root]));
    read = writer.node('Mul', [read, writer.cast(factors, dataType)]);
    scale = writer.node('Mul', [scale, writer.cast(root, dataType)]);
  }
  return { ...node, inputs: node.inputs.with(0, valueName(read)).with(1, valueName(scale)) };
}

/** The same for groups of channels, each with its own share of channels that are in. */
function normalisedInGroups(
  writer: GateWriter,
  { node, value, dataType, axes, rank }: Reading,
  {
    groups,
    scaleSize,
    opset,
  }: { readonly groups: number; readonly scaleSize: number; readonly opset: number },
): Node {
  const [gated] = axes as readonly [GatedAxis];
  const perGroup = gated.gateOf.length / groups;
  const reshaped = (of: string, ...dims: number[]) => writer.node('Reshape', [of, writer.ints(dims)]);
  const mask = reshaped(writer.mask(gated, rank), 1, groups, perGroup, 1);
  const share = writer.node('Max', [writer.mean(mask, [2], opset), writer.float(1e-6, DataType.float)]);
  const root = writer.node('Sqrt', [share]);
  const grouped = reshaped(value, 0, groups, perGroup, -1);
  const weights = writer.cast(writer.node('Div', [mask, share]), dataType);
  const mean = writer.mean(writer.node('Mul', [grouped, weights]), [2, 3], opset);
  const factors = writer.cast(writer.node('Div', [mask, root]), dataType);
  const deviations = writer.node('Mul', [writer.node('Sub', [grouped, mean]), factors]);
  const read = writer.node('Reshape', [deviations, writer.node('Shape', [value])]);
  const perScale = scaleSize / groups;
  const scales = writer.node('Mul', [
    reshaped(node.inputs[1] ?? '', groups, perScale),
    writer.cast(reshaped(root, groups, 1), dataType),
  ]);
  const scale = reshaped(scales, scaleSize);
  return { ...node, inputs: node.inputs.with(0, valueName(read)).with(1, valueName(scale)) };
}
