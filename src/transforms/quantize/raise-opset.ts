import { InputError } from '../../base/result.ts';
import {
  floatAttribute,
  graphAttributes,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../../onnx/attributes.ts';
import {
  type Graph,
  type Model,
  type Node,
  type Tensor,
  type ValueName,
  valueName,
} from '../../onnx/model.ts';
import { floatTensor, int64Tensor } from '../../onnx/tensor.ts';
import { isStandardDomain, namesIn, uniqueNames } from '../graph-names.ts';

/** DynamicQuantizeLinear appeared here; it is the youngest operator that dynamic quantization needs. */
export const DYNAMIC_QUANTIZATION_OPSET = 11;

/** Before 7, broadcasting was an attribute of every arithmetic operator. */
const OLDEST_RAISABLE_OPSET = 7;

/** The version of the standard operators a model is written for. */
export function standardOpset(model: Model): number {
  return Math.max(0, ...model.opsetImports.filter(isStandardDomain).map(({ version }) => version));
}

/**
 * Why this model cannot be rewritten for opset 11, or null if it can. Conservative: operators whose meaning or
 * form changed between the model's version and 11 are refused unless this file knows how to rewrite them.
 * @source the operators' version history in onnx/docs/Changelog.md
 */
export function opsetProblem(model: Model): InputError | null {
  const version = standardOpset(model);
  if (version >= DYNAMIC_QUANTIZATION_OPSET) return null;
  const refusal = (reason: string, where: string): InputError =>
    new InputError({
      code: 'opset-too-old',
      message: `int8 needs opset ${DYNAMIC_QUANTIZATION_OPSET}, this model has ${version}, and ${reason}`,
      where,
      hint: 'Export the model again with opset 11 or newer, or convert it with onnx.version_converter.',
    });
  if (version < OLDEST_RAISABLE_OPSET) {
    return refusal(`versions before ${OLDEST_RAISABLE_OPSET} broadcast differently`, 'opset_import');
  }
  const nodes = nodesWithDepth(model.graph);
  for (const { node, isNested } of nodes) {
    if (!isStandardDomain(node)) continue;
    const change = breakingChange(node, version, isNested);
    if (change !== null) return refusal(change, node.name || node.opType);
  }
  return null;
}

/**
 * The model at opset 11 or newer. Clip, Pad and Slice, whose attributes became inputs, are rewritten.
 * @throws InputError `opset-too-old`
 */
export function raiseOpset(model: Model): Model {
  const version = standardOpset(model);
  if (version >= DYNAMIC_QUANTIZATION_OPSET) return model;
  const problem = opsetProblem(model);
  if (problem !== null) throw problem;

  const added: Tensor[] = [];
  const unique = uniqueNames(namesIn(model.graph));
  const constant = (stem: string, make: (name: string) => Tensor): ValueName => {
    const tensor = make(unique(stem));
    added.push(tensor);
    return valueName(tensor.name);
  };
  const nodes = model.graph.nodes.map((node) =>
    isStandardDomain(node) ? withAttributesAsInputs(node, version, constant) : node,
  );
  return {
    ...model,
    irVersion: Math.max(model.irVersion, 6),
    opsetImports: model.opsetImports.map((entry) =>
      isStandardDomain(entry) ? { ...entry, version: DYNAMIC_QUANTIZATION_OPSET } : entry,
    ),
    graph: { ...model.graph, nodes, initializers: [...model.graph.initializers, ...added] },
  };
}

/** Says what changed for this node between `version` and opset 11, or null if nothing that matters. */
function breakingChange(node: Node, version: number, isNested: boolean): string | null {
  const place = `${node.opType}${node.name === '' ? '' : ` "${node.name}"`}`;
  switch (node.opType) {
    case 'BatchNormalization':
      return version < 9 && intAttribute(node, 'spatial') === 0
        ? `${place} normalises each position on its own (spatial=0), which newer versions cannot`
        : null;
    case 'Upsample':
      return `${place} became Resize in opset 10`;
    case 'Resize':
      return version < 11 ? `${place} computes coordinates differently before opset 11` : null;
    case 'TopK':
      return version < 10 ? `${place} takes k as an input since opset 10` : null;
    case 'Scatter':
      return `${place} became ScatterElements in opset 11`;
    case 'Scan':
      return version < 9 ? `${place} changed its form in opset 9` : null;
    case 'Clip':
    case 'Pad':
    case 'Slice':
      return isNested && becomesInput(node, version)
        ? `${place} inside a subgraph takes its attributes as inputs since then`
        : null;
    default:
      return null;
  }
}

function becomesInput(node: Node, version: number): boolean {
  if (node.opType === 'Slice') return version < 10;
  if (node.opType === 'Clip') {
    return floatAttribute(node, 'min') !== undefined || floatAttribute(node, 'max') !== undefined;
  }
  return node.opType === 'Pad';
}

function withAttributesAsInputs(
  node: Node,
  version: number,
  constant: (stem: string, make: (name: string) => Tensor) => ValueName,
): Node {
  if (!becomesInput(node, version)) return node;
  const stem = node.outputs[0] ?? node.opType;
  const integers = (suffix: string, values: readonly number[] | undefined): ValueName =>
    values === undefined
      ? valueName('')
      : constant(`${stem}_${suffix}`, (name) => int64Tensor(name, [values.length], values));
  const scalar = (suffix: string, value: number | undefined): ValueName =>
    value === undefined
      ? valueName('')
      : constant(`${stem}_${suffix}`, (name) => floatTensor(name, [], Float32Array.of(value)));
  const data = node.inputs[0] ?? valueName('');
  switch (node.opType) {
    case 'Clip':
      return withInputs(node, [
        data,
        scalar('min', floatAttribute(node, 'min')),
        scalar('max', floatAttribute(node, 'max')),
      ]);
    case 'Pad': {
      const isConstant = (stringAttribute(node, 'mode') ?? 'constant') === 'constant';
      const pads = integers('pads', intsAttribute(node, 'pads') ?? []);
      const value = isConstant ? scalar('value', floatAttribute(node, 'value') ?? 0) : valueName('');
      return withInputs(node, [data, pads, value]);
    }
    default:
      return withInputs(node, [
        data,
        integers('starts', intsAttribute(node, 'starts') ?? []),
        integers('ends', intsAttribute(node, 'ends') ?? []),
        integers('axes', intsAttribute(node, 'axes')),
      ]);
  }
}

const ATTRIBUTES_MADE_INPUTS = new Set(['min', 'max', 'pads', 'value', 'starts', 'ends', 'axes']);

function withInputs(node: Node, inputs: readonly ValueName[]): Node {
  let count = inputs.length;
  while (count > 0 && inputs[count - 1] === '') count--;
  return {
    ...node,
    inputs: inputs.slice(0, count),
    attributes: node.attributes.filter(({ name }) => !ATTRIBUTES_MADE_INPUTS.has(name)),
  };
}

function nodesWithDepth(graph: Graph, isNested = false): { node: Node; isNested: boolean }[] {
  return graph.nodes.flatMap((node) => [
    { node, isNested },
    ...graphAttributes(node).flatMap((inner) => nodesWithDepth(inner, true)),
  ]);
}
