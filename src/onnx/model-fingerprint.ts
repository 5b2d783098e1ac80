import { unreachable } from '../base/assert.ts';
import type { ByteRange } from './byte-source.ts';
import { memorySource } from './byte-source.ts';
import type { AttributeValue, Graph, Model, Tensor } from './model.ts';
import { murmurHash128 } from './murmur-hash.ts';
import { encodeText } from './text.ts';

const SAMPLE_BYTES = 64;
/** The parser keeps data up to this size in memory, so it costs no read and is hashed whole. */
const SMALL_BYTES = 1024;
/** Each sample is a read of its own, which takes a browser about a millisecond. */
const MAX_SAMPLES = 24;

/**
 * A name for a model's content: 32 hex digits over its whole structure, its small tensors, and samples from the
 * middle of 24 large ones. Retraining changes every weight, so that tells; a few bytes patched elsewhere in a
 * large tensor go unnoticed.
 */
export function modelFingerprint(model: Model): string {
  const large = model.graph.initializers.filter((tensor) => (storedRange(tensor)?.length ?? 0) > SMALL_BYTES);
  const step = Math.max(1, large.length / MAX_SAMPLES);
  // From the end: a model that was only given a new last layer differs there.
  const sampled = new Set<Tensor>();
  for (let at = large.length - 1; at >= 0; at -= step) sampled.add(large[Math.round(at)] as Tensor);

  const out: string[] = [String(model.irVersion)];
  for (const { domain, version } of model.opsetImports) out.push(domain, String(version));
  out.push(String(model.unknown.length));
  addGraph(model.graph, out, (tensor) => sampled.has(tensor));
  return murmurHash128(encodeText(out.join('\0')));
}

function addGraph(graph: Graph, out: string[], isSampled: (tensor: Tensor) => boolean): void {
  out.push('graph', graph.name, graph.docString, String(graph.unknown.length));
  for (const value of [...graph.inputs, ...graph.outputs]) out.push(value.name, JSON.stringify(value.type));
  for (const node of graph.nodes) {
    out.push('node', node.name, node.opType, node.domain, ...node.inputs, '>', ...node.outputs);
    for (const { name, value } of node.attributes) {
      out.push(name);
      addValue(value, out, isSampled);
    }
  }
  for (const tensor of graph.initializers) addTensor(tensor, out, isSampled);
}

function addValue(value: AttributeValue, out: string[], isSampled: (tensor: Tensor) => boolean): void {
  out.push(value.kind);
  switch (value.kind) {
    case 'float':
    case 'int':
      out.push(String(value.value));
      return;
    case 'floats':
    case 'ints':
      out.push(value.value.join());
      return;
    case 'string':
      out.push(hexOf(value.value));
      return;
    case 'strings':
      out.push(...value.value.map(hexOf));
      return;
    case 'tensor':
      addTensor(value.value, out, isSampled);
      return;
    case 'tensors':
      for (const tensor of value.value) addTensor(tensor, out, isSampled);
      return;
    case 'graph':
      addGraph(value.value, out, isSampled);
      return;
    case 'graphs':
      for (const graph of value.value) addGraph(graph, out, isSampled);
      return;
    case 'opaque':
      out.push(String(value.type));
      return;
    default:
      unreachable(value);
  }
}

function addTensor(tensor: Tensor, out: string[], isSampled: (tensor: Tensor) => boolean): void {
  const { data } = tensor;
  out.push('tensor', tensor.name, tensor.dims.join(), String(tensor.dataType), data.kind);
  if (data.kind === 'hollow') out.push(String(data.mean), String(data.std));
  const range = storedRange(tensor);
  if (range === null) return;
  out.push(String(range.length));
  if (range.length <= SMALL_BYTES) out.push(hexOf(range.source.read(range.offset, range.length)));
  else if (isSampled(tensor)) out.push(hexOf(middleOf(range)));
}

function middleOf(range: ByteRange): Uint8Array {
  return range.source.read(range.offset + Math.floor((range.length - SAMPLE_BYTES) / 2), SAMPLE_BYTES);
}

function storedRange({ data }: Tensor): ByteRange | null {
  switch (data.kind) {
    case 'raw':
      return data.range;
    case 'typed':
      return data.ranges[Math.floor(data.ranges.length / 2)] ?? null;
    case 'external':
      return data.source === null
        ? null
        : { source: data.source, offset: data.offset, length: data.length ?? data.source.size - data.offset };
    case 'bytes':
      return { source: memorySource(data.bytes), offset: 0, length: data.bytes.length };
    case 'hollow':
    case 'empty':
      return null;
  }
}

function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
