import type { ByteRange } from './byte-source.ts';
import { Wire } from './schema.ts';
import { encodeText } from './text.ts';

/** Bytes to write: in memory, or a range of a source that is read when it is written. */
export type Piece = Uint8Array | ByteRange;

/** One encoded field (tag included) or the payload of a message. */
export interface Pieces {
  readonly pieces: readonly Piece[];
  readonly length: number;
}

const GATHERED_BYTES = 65_536;
/** Ranges are read and handed on in steps of at most this. */
const LARGEST_CHUNK = 4 * 1024 * 1024;

export function piecesOf(...pieces: readonly Piece[]): Pieces {
  return { pieces, length: pieces.reduce((sum, piece) => sum + piece.length, 0) };
}

export function joined(parts: readonly Pieces[]): Pieces {
  return {
    pieces: parts.flatMap((part) => part.pieces),
    length: parts.reduce((sum, part) => sum + part.length, 0),
  };
}

/** A length-delimited field around a payload. */
export function framed(key: number, payload: Pieces): Pieces {
  const head = Uint8Array.from([...varintBytes(BigInt(key)), ...varintBytes(BigInt(payload.length))]);
  return { pieces: [head, ...payload.pieces], length: head.length + payload.length };
}

export function bytesField(key: number, bytes: Uint8Array): Pieces {
  return framed(key, piecesOf(bytes));
}

export function textField(key: number, text: string): Pieces {
  return bytesField(key, encodeText(text));
}

/** An int64 or int32 field; negative numbers take ten bytes, as protobuf wants. */
export function varintField(key: number, value: number | bigint): Pieces {
  return piecesOf(Uint8Array.from([...varintBytes(BigInt(key)), ...varintBytes(BigInt(value))]));
}

export function floatField(key: number, value: number): Pieces {
  const head = varintBytes(BigInt(key));
  const bytes = new Uint8Array(head.length + 4);
  bytes.set(head);
  new DataView(bytes.buffer).setFloat32(head.length, value, true);
  return piecesOf(bytes);
}

/** The length-delimited form of a key, for packed lists. */
export function packedKey(key: number): number {
  return ((key >>> 3) << 3) | Wire.bytes;
}

export function varintBytes(value: bigint): number[] {
  let rest = BigInt.asUintN(64, value);
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return bytes;
}

/**
 * Hands all bytes to `sink`, in order. Small pieces are gathered, neighbouring ranges of a source are read in one
 * go, and no chunk exceeds 4 MiB. Chunks are not used again, so the sink may keep them; it must not write to them.
 */
export function writePieces(pieces: readonly Piece[], sink: (chunk: Uint8Array) => void): void {
  const gather = new Gatherer(sink);
  for (const piece of mergedPieces(pieces)) {
    if (piece instanceof Uint8Array) gather.add(piece);
    else gather.addRange(piece);
  }
  gather.flush();
}

/** The same bytes with neighbouring ranges of a source made one. */
export function mergedPieces(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = [];
  for (const piece of pieces) {
    const last = merged.at(-1);
    const continues =
      last !== undefined &&
      !(last instanceof Uint8Array) &&
      !(piece instanceof Uint8Array) &&
      last.source === piece.source &&
      last.offset + last.length === piece.offset;
    if (continues) merged[merged.length - 1] = { ...last, length: last.length + piece.length };
    else merged.push(piece);
  }
  return merged;
}

class Gatherer {
  private buffer = new Uint8Array(GATHERED_BYTES);
  private filled = 0;
  private readonly sink: (chunk: Uint8Array) => void;

  constructor(sink: (chunk: Uint8Array) => void) {
    this.sink = sink;
  }

  add(bytes: Uint8Array): void {
    if (bytes.length > GATHERED_BYTES) {
      this.flush();
      for (let at = 0; at < bytes.length; at += LARGEST_CHUNK) {
        this.sink(bytes.subarray(at, Math.min(at + LARGEST_CHUNK, bytes.length)));
      }
      return;
    }
    if (this.filled + bytes.length > GATHERED_BYTES) this.flush();
    this.buffer.set(bytes, this.filled);
    this.filled += bytes.length;
  }

  addRange(range: ByteRange): void {
    for (let done = 0; done < range.length; done += LARGEST_CHUNK) {
      this.add(range.source.read(range.offset + done, Math.min(LARGEST_CHUNK, range.length - done)));
    }
  }

  flush(): void {
    if (this.filled === 0) return;
    this.sink(this.buffer.subarray(0, this.filled));
    this.buffer = new Uint8Array(GATHERED_BYTES);
    this.filled = 0;
  }
}
