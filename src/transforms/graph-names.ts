import { graphAttributes } from '../onnx/attributes.ts';
import type { Graph, Model, Node, OpsetImport } from '../onnx/model.ts';

/** True for ONNX's own operators; the empty domain and `ai.onnx` are the same. */
export function isStandardDomain({ domain }: { readonly domain: string }): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** The version of the standard operators a model is written for. */
export function standardOpset(model: Model): number {
  return Math.max(0, ...model.opsetImports.filter(isStandardDomain).map(({ version }) => version));
}

/** Where onnxruntime's own operators are: `MatMulNBits`, `QGemm`, ... */
export const RUNTIME_DOMAIN = 'com.microsoft';

/** The imports of a file with these nodes: the runtime's own operators are imported as soon as one is there. */
export function withRuntimeDomain(
  imports: readonly OpsetImport[],
  nodes: readonly Node[],
): readonly OpsetImport[] {
  const isRuntimes = ({ domain }: { readonly domain: string }): boolean => domain === RUNTIME_DOMAIN;
  if (!nodes.some(isRuntimes) || imports.some(isRuntimes)) return imports;
  return [...imports, { domain: RUNTIME_DOMAIN, version: 1 }];
}

/** Every name a new value or node of this graph must not take, those of subgraphs included. */
export function namesIn(graph: Graph): Set<string> {
  const names = new Set<string>();
  const collect = (part: Graph): void => {
    for (const { name } of part.initializers) names.add(name);
    for (const { name } of [...part.inputs, ...part.outputs]) names.add(name);
    for (const node of part.nodes) {
      names.add(node.name);
      for (const value of node.inputs) names.add(value);
      for (const value of node.outputs) names.add(value);
      for (const inner of graphAttributes(node)) collect(inner);
    }
  };
  collect(graph);
  return names;
}

/** The values that nodes read, those inside of subgraphs included. */
export function namesRead(nodes: readonly Node[]): Set<string> {
  const read = new Set<string>();
  const collect = (part: readonly Node[]): void => {
    for (const node of part) {
      for (const name of node.inputs) read.add(name);
      for (const inner of graphAttributes(node)) {
        collect(inner.nodes);
        for (const { name } of inner.outputs) read.add(name);
      }
    }
  };
  collect(nodes);
  return read;
}

/** Gives out names that are not taken: the wanted one, or it with a number behind. */
export function uniqueNames(taken: Set<string>): (wanted: string) => string {
  return (wanted) => {
    let name = wanted;
    for (let count = 1; taken.has(name); count++) name = `${wanted}_${count}`;
    taken.add(name);
    return name;
  };
}
