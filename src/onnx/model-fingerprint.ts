import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ByteRange } from './byte-source.ts';
import { memorySource } from './byte-source.ts';
import type { Model, TensorData } from './model.ts';
import { encodeText } from './text.ts';

const SAMPLE_BYTES = 64;
/** Each sample is a read of its own from a file; this keeps a model of thousands of tensors quick. */
const MAX_SAMPLES = 512;

/**
 * A name for a model's content: 32 hex digits over its whole structure and a sample from the middle of each
 * tensor's data (the first 512 tensors). Retraining changes every weight, so the middle tells; a few bytes
 * patched elsewhere in a large tensor go unnoticed.
 */
export function modelFingerprint(model: Model): string {
  let samples = 0;
  const describe = (data: TensorData): unknown => {
    if (data.kind === 'hollow') return [data.kind, data.mean, data.std];
    const range = sampledRange(data);
    if (range === null || samples++ >= MAX_SAMPLES) return data.kind;
    const length = Math.min(SAMPLE_BYTES, range.length);
    const offset = range.offset + Math.floor((range.length - length) / 2);
    return [data.kind, range.length, bytesToHex(range.source.read(offset, length))];
  };
  const text = JSON.stringify(model, (key, value: unknown) => {
    if (key === 'unknown') return (value as readonly { length: number }[]).map((field) => field.length);
    if (key === 'data') return describe(value as TensorData);
    if (typeof value === 'bigint') return `${value}`;
    if (value instanceof Uint8Array) return bytesToHex(value);
    return value;
  });
  return bytesToHex(sha256(encodeText(text))).slice(0, 32);
}

function sampledRange(data: TensorData): ByteRange | null {
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
