import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ByteRange } from './byte-source.ts';
import { memorySource } from './byte-source.ts';
import type { Model, Tensor, UnknownField } from './model.ts';
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

  const hash = sha256.create();
  hash.update(encodeText(structureText({ ...model, graph: { ...model.graph, initializers: [] } })));
  for (const tensor of model.graph.initializers) {
    hash.update(encodeText(structureText({ ...tensor, data: tensor.data.kind })));
    if (tensor.data.kind === 'hollow') hash.update(encodeText(`${tensor.data.mean} ${tensor.data.std}`));
    const range = storedRange(tensor);
    if (range === null) continue;
    hash.update(encodeText(`${range.length} `));
    if (range.length <= SMALL_BYTES) hash.update(range.source.read(range.offset, range.length));
    else if (sampled.has(tensor)) hash.update(middleOf(range));
  }
  return bytesToHex(hash.digest()).slice(0, 32);
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

/** JSON, with what JSON has not; of large data and of unknown fields their lengths. */
function structureText(value: object): string {
  return JSON.stringify(value, (key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}`;
    if (part instanceof Uint8Array) return bytesToHex(part);
    if (key === 'unknown') return (part as readonly UnknownField[]).map((field) => field.length);
    if (key === 'range') return contentText(part as ByteRange);
    if (key === 'ranges') return (part as readonly ByteRange[]).map(contentText);
    if (key === 'source') return null;
    return part;
  });
}

function contentText(range: ByteRange): unknown {
  return range.length > SMALL_BYTES
    ? range.length
    : bytesToHex(range.source.read(range.offset, range.length));
}
