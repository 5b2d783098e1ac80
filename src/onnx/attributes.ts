import { unreachable } from '../base/assert.ts';
import type { Attribute, AttributeValue, Graph, Node, Tensor } from './model.ts';
import { valueName } from './model.ts';
import { dataTypeName } from './tensor.ts';
import { decodeText, encodeText } from './text.ts';

/** Values shown of a list before it is cut short. */
const SHOWN_VALUES = 16;
const SHOWN_CHARACTERS = 120;

function valueOf<K extends AttributeValue['kind']>(
  node: Node,
  name: string,
  kind: K,
): Extract<AttributeValue, { kind: K }> | undefined {
  const value = node.attributes.find((attribute) => attribute.name === name)?.value;
  return value?.kind === kind ? (value as Extract<AttributeValue, { kind: K }>) : undefined;
}

/** The attribute's value, or undefined if it is absent or of another type; beyond 2^53 only roughly right. */
export function intAttribute(node: Node, name: string): number | undefined {
  const value = valueOf(node, name, 'int');
  return value === undefined ? undefined : Number(value.value);
}

/** As `intAttribute`, for a list. */
export function intsAttribute(node: Node, name: string): readonly number[] | undefined {
  return valueOf(node, name, 'ints')?.value.map(Number);
}

/** The attribute's float32 value, or undefined if it is absent or of another type. */
export function floatAttribute(node: Node, name: string): number | undefined {
  return valueOf(node, name, 'float')?.value;
}

/** As `floatAttribute`, for a list. */
export function floatsAttribute(node: Node, name: string): readonly number[] | undefined {
  return valueOf(node, name, 'floats')?.value;
}

/** The attribute's text, or undefined if it is absent or of another type. */
export function stringAttribute(node: Node, name: string): string | undefined {
  const value = valueOf(node, name, 'string');
  return value === undefined ? undefined : decodeText(value.value);
}

/** The attribute's tensor, or undefined if it is absent or of another type. */
export function tensorAttribute(node: Node, name: string): Tensor | undefined {
  return valueOf(node, name, 'tensor')?.value;
}

/** All subgraphs of a node (branches of `If`, bodies of `Loop` and `Scan`), in attribute order. */
export function graphAttributes(node: Node): readonly Graph[] {
  const graphs: Graph[] = [];
  for (const { value } of node.attributes) {
    if (value.kind === 'graph') graphs.push(value.value);
    else if (value.kind === 'graphs') graphs.push(...value.value);
  }
  return graphs;
}

export function makeInt(name: string, value: number): Attribute {
  return { name, value: { kind: 'int', value: BigInt(value) }, unknown: [] };
}

export function makeInts(name: string, values: readonly number[]): Attribute {
  return { name, value: { kind: 'ints', value: values.map((value) => BigInt(value)) }, unknown: [] };
}

/** @param value kept as the nearest float32, as ONNX stores it */
export function makeFloat(name: string, value: number): Attribute {
  return { name, value: { kind: 'float', value: Math.fround(value) }, unknown: [] };
}

export function makeString(name: string, value: string): Attribute {
  return { name, value: { kind: 'string', value: encodeText(value) }, unknown: [] };
}

export function makeTensor(name: string, value: Tensor): Attribute {
  return { name, value: { kind: 'tensor', value }, unknown: [] };
}

export function makeGraph(name: string, value: Graph): Attribute {
  return { name, value: { kind: 'graph', value }, unknown: [] };
}

/** A new node; an empty input name stands for an optional input left out. */
export function makeNode(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Attribute[] = [],
  options: { readonly name?: string; readonly domain?: string } = {},
): Node {
  return {
    name: options.name ?? '',
    opType,
    domain: options.domain ?? '',
    inputs: inputs.map(valueName),
    outputs: outputs.map(valueName),
    attributes,
    docString: '',
    unknown: [],
  };
}

/** An attribute's value as one line for people. */
export function attributeText(attribute: Attribute): string {
  const { value } = attribute;
  switch (value.kind) {
    case 'float':
      return floatText(value.value);
    case 'int':
      return String(value.value);
    case 'string':
      return quoted(value.value);
    case 'tensor':
      return tensorText(value.value);
    case 'graph':
      return graphText(value.value);
    case 'floats':
      return listText(value.value, floatText);
    case 'ints':
      return listText(value.value, String);
    case 'strings':
      return listText(value.value, quoted);
    case 'tensors':
      return listText(value.value, tensorText);
    case 'graphs':
      return listText(value.value, graphText);
    case 'opaque':
      return `attribute type ${value.type}`;
    default:
      return unreachable(value);
  }
}

/** Seven digits are what a float32 holds: 0.1, not 0.10000000149011612. */
function floatText(value: number): string {
  return String(Number(value.toPrecision(7)));
}

function quoted(bytes: Uint8Array): string {
  const text = decodeText(bytes.subarray(0, SHOWN_CHARACTERS));
  return `"${text}${bytes.length > SHOWN_CHARACTERS ? '…' : ''}"`;
}

function tensorText(tensor: Tensor): string {
  return `${dataTypeName(tensor.dataType)}[${tensor.dims.join(', ')}]`;
}

function graphText(graph: Graph): string {
  return `graph of ${graph.nodes.length} nodes`;
}

function listText<T>(values: readonly T[], text: (value: T) => string): string {
  const shown = values.slice(0, SHOWN_VALUES).map(text);
  if (values.length > SHOWN_VALUES) shown.push(`… ${values.length} in all`);
  return `[${shown.join(', ')}]`;
}
