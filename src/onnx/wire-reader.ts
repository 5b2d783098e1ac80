import type { ByteRange, ByteSource } from './byte-source.ts';
import { Wire } from './schema.ts';
import { decodeText } from './text.ts';

/** The bytes are not what protobuf or its reader's limits allow. `parse.ts` turns it into an `InputError`. */
export class WireError extends Error {
  readonly kind: 'truncated' | 'corrupt' | 'too-big';
  readonly offset: number;
  constructor(kind: WireError['kind'], offset: number, message: string) {
    super(message);
    this.name = 'WireError';
    this.kind = kind;
    this.offset = offset;
  }
}

/** A model nests about ten levels deep for each level of subgraphs; this is far beyond any real one. */
const MAX_DEPTH = 200;
/** Bounds memory: a hostile file of two-byte nodes would otherwise blow up a hundredfold. */
const MAX_FIELDS = 8_000_000;
/**
 * After a jump over a payload mostly one short header follows, so the first window is small (or as large as costs
 * nothing, see `ByteSource.cheapReadBytes`); reading on doubles it. Opening a file of many large initializers then
 * costs about one small read each.
 */
const SMALLEST_WINDOW = 512;
const LARGEST_WINDOW = 65_536;

/**
 * A cursor over protobuf fields that never reads what nobody asks for. `next` steps to a field and describes it
 * in `key`, `fieldStart`, `valueStart` and `valueEnd`; its position is then already behind the field, so a
 * field that is left alone is skipped, and one that is a message is entered with `enter`.
 *
 * ```ts
 * const end = reader.enter('node');
 * while (reader.next(end)) switch (reader.key) { case NodeKey.name: name = reader.text(); break; ... }
 * reader.leave();
 * ```
 */
export class WireReader {
  readonly source: ByteSource;
  /** The messages around the cursor, outermost first: where an error happened. */
  readonly trail: string[] = [];
  key = 0;
  fieldStart = 0;
  valueStart = 0;
  valueEnd = 0;
  private position = 0;
  private varintLow = 0;
  private varintHigh = 0;
  private fieldCount = 0;
  private window = new Uint8Array(0);
  private windowStart = 0;
  private readonly smallestWindow: number;
  private readonly largestWindow: number;
  private windowSize: number;

  constructor(source: ByteSource) {
    this.source = source;
    this.smallestWindow = Math.max(SMALLEST_WINDOW, source.cheapReadBytes ?? 0);
    this.largestWindow = Math.max(LARGEST_WINDOW, 4 * this.smallestWindow);
    this.windowSize = this.smallestWindow / 2;
  }

  /**
   * Steps to the next field of the message that ends at `end`.
   * @returns false at its end
   * @throws WireError if the field is not whole, or reaches out of the message
   */
  next(end: number): boolean {
    if (this.position >= end) return false;
    if (++this.fieldCount > MAX_FIELDS) this.fail('too-big', `more than ${MAX_FIELDS} fields`);
    this.fieldStart = this.position;
    this.readVarint();
    const key = this.varintLow;
    if (this.varintHigh !== 0 || key >>> 3 === 0) this.fail('corrupt', 'a field number that cannot be');
    this.key = key;
    this.valueStart = this.position;
    this.position = this.endOfValue(key, end, 0);
    this.valueEnd = this.position;
    if (this.valueEnd > end) {
      const missing = `a field of ${this.valueEnd - this.valueStart} bytes where ${end - this.valueStart} are left`;
      // Inside a message the outer length already fitted, so the file is whole and the number is wrong.
      this.fail(this.trail.length === 0 ? 'truncated' : 'corrupt', missing);
    }
    return true;
  }

  /** Moves to the start of the current field's message. @returns where it ends, for `next` */
  enter(what: string): number {
    if (this.trail.push(what) > MAX_DEPTH) this.fail('too-big', `more than ${MAX_DEPTH} nested messages`);
    this.position = this.valueStart;
    return this.valueEnd;
  }

  leave(): void {
    this.trail.pop();
  }

  /** Moves to any place, e.g. to read a message found earlier. */
  seek(start: number, end: number): void {
    this.valueStart = start;
    this.valueEnd = end;
    this.position = start;
  }

  /** The current field with its tag and length. */
  fieldRange(): ByteRange {
    return { source: this.source, offset: this.fieldStart, length: this.valueEnd - this.fieldStart };
  }

  /** The current field's value without tag and length. */
  valueRange(): ByteRange {
    return { source: this.source, offset: this.valueStart, length: this.valueEnd - this.valueStart };
  }

  /** The value's bytes: a view, not to be kept or written to. */
  bytes(): Uint8Array {
    return this.view(this.valueStart, this.valueEnd - this.valueStart);
  }

  text(): string {
    return decodeText(this.bytes());
  }

  /** A varint as int64. */
  int64(): bigint {
    return BigInt.asIntN(64, (BigInt(this.varintHigh) << 32n) | BigInt(this.varintLow));
  }

  /** A varint as int64 in a number; beyond 2^53 only roughly right, which no valid dimension or version is. */
  int64Number(): number {
    return (this.varintHigh | 0) * 4294967296 + this.varintLow;
  }

  int32(): number {
    return this.varintLow | 0;
  }

  float(): number {
    const bytes = this.bytes();
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getFloat32(0, true);
  }

  /** Every varint of the current packed field; `read` takes each with `int64()` or `int64Number()`. */
  packedVarints(read: () => void): void {
    const end = this.valueEnd;
    this.position = this.valueStart;
    while (this.position < end) {
      if (++this.fieldCount > MAX_FIELDS) this.fail('too-big', `more than ${MAX_FIELDS} values`);
      this.readVarint();
      read();
    }
    if (this.position !== end) this.fail('corrupt', 'a packed list that ends inside a number');
  }

  /** Every float of the current packed field. */
  packedFloats(): Float32Array {
    const bytes = this.bytes();
    if (bytes.length % 4 !== 0) this.fail('corrupt', `a packed list of floats of ${bytes.length} bytes`);
    const floats = new Float32Array(bytes.length / 4);
    new Uint8Array(floats.buffer).set(bytes);
    return floats;
  }

  fail(kind: WireError['kind'], message: string): never {
    throw new WireError(kind, this.fieldStart, message);
  }

  /** Where the value ends whose key was just read; leaves a varint's number behind. */
  private endOfValue(key: number, end: number, depth: number): number {
    switch (key & 7) {
      case Wire.varint:
        this.readVarint();
        return this.position;
      case Wire.fixed64:
        return this.position + 8;
      case Wire.fixed32:
        return this.position + 4;
      case Wire.bytes: {
        this.readVarint();
        this.valueStart = this.position;
        return this.position + this.varintHigh * 4294967296 + this.varintLow;
      }
      case Wire.groupStart:
        return this.endOfGroup(key, end, depth);
      default:
        return this.fail('corrupt', `wire type ${key & 7}`);
    }
  }

  /** Groups are long deprecated, but an unknown one must pass through. */
  private endOfGroup(key: number, end: number, depth: number): number {
    if (depth > MAX_DEPTH) this.fail('too-big', `more than ${MAX_DEPTH} nested groups`);
    const valueStart = this.valueStart;
    while (this.position < end) {
      if (++this.fieldCount > MAX_FIELDS) this.fail('too-big', `more than ${MAX_FIELDS} fields`);
      this.readVarint();
      const inner = this.varintLow;
      if ((inner & 7) === Wire.groupEnd) {
        if (inner >>> 3 !== key >>> 3) this.fail('corrupt', 'a group closed by another');
        this.valueStart = valueStart;
        return this.position;
      }
      this.position = this.endOfValue(inner, end, depth + 1);
    }
    return this.fail('corrupt', 'a group without an end');
  }

  /** @throws WireError at the source's end, or if it is longer than ten bytes */
  private readVarint(): void {
    let low = 0;
    let high = 0;
    for (let i = 0; i < 10; i++) {
      const byte = this.byte();
      const bits = byte & 0x7f;
      if (i < 4) low |= bits << (7 * i);
      else if (i === 4) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (7 * i - 32);
      if (byte < 0x80) {
        this.varintLow = low >>> 0;
        this.varintHigh = high >>> 0;
        return;
      }
    }
    this.fail('corrupt', 'a number longer than ten bytes');
  }

  private byte(): number {
    let at = this.position - this.windowStart;
    if (at < 0 || at >= this.window.length) {
      this.fill(this.position, 1);
      at = 0;
    }
    this.position++;
    return this.window[at] as number;
  }

  private view(offset: number, length: number): Uint8Array {
    const at = offset - this.windowStart;
    if (at >= 0 && at + length <= this.window.length) return this.window.subarray(at, at + length);
    if (length > this.largestWindow) return this.source.read(offset, length);
    this.fill(offset, length);
    return this.window.subarray(0, length);
  }

  private fill(offset: number, atLeast: number): void {
    if (offset + atLeast > this.source.size) this.fail('truncated', 'the file ends inside a field');
    const windowEnd = this.windowStart + this.window.length;
    const readsOn = offset >= this.windowStart && offset <= windowEnd;
    this.windowSize = readsOn ? Math.min(2 * this.windowSize, this.largestWindow) : this.smallestWindow;
    const length = Math.min(Math.max(this.windowSize, atLeast), this.source.size - offset);
    this.window = this.source.read(offset, length) as Uint8Array<ArrayBuffer>;
    this.windowStart = offset;
  }
}
