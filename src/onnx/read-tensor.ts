import { InputError } from '../base/result.ts';
import type { ByteRange } from './byte-source.ts';
import { memorySource } from './byte-source.ts';
import { checkLocation } from './external-path.ts';
import type { Tensor, TensorData } from './model.ts';
import { rememberDataFields } from './origins.ts';
import { readEntry, readMessage } from './read-message.ts';
import { TensorKey } from './schema.ts';
import { typedFieldOf } from './tensor.ts';
import type { WireReader } from './wire-reader.ts';

/**
 * Reads a tensor's name, type and dims, and where its data is.
 * @throws InputError `onnx-external-path` if its external data is nowhere sensible
 */
export function readTensor(reader: WireReader, what: string): Tensor {
  let name = '';
  let dataType = 0;
  let docString = '';
  const dims: number[] = [];
  const data = new TensorDataFields();
  return readMessage(
    reader,
    what,
    (key) => {
      switch (key) {
        case TensorKey.dims:
          dims.push(reader.int64Number());
          return true;
        case TensorKey.dimsPacked:
          reader.packedVarints(() => dims.push(reader.int64Number()));
          return true;
        case TensorKey.dataType:
          dataType = reader.int32();
          return true;
        case TensorKey.name:
          name = reader.text();
          return true;
        case TensorKey.docString:
          docString = reader.text();
          return true;
        default:
          return data.take(reader, key);
      }
    },
    (unknown) => ({ name, dims, dataType, data: data.finish(name, dataType), docString, unknown }),
  );
}

/**
 * Small tensors (shapes, scales, biases) are taken along now, as they stand in the window anyway: hundreds of them
 * are needed to fold constants, and each read of its own from a browser's file costs about a millisecond.
 */
const TAKEN_ALONG_BYTES = 1024;

function dataRange(reader: WireReader): ByteRange {
  const range = reader.valueRange();
  if (range.length > TAKEN_ALONG_BYTES) return range;
  return { source: memorySource(reader.bytes().slice()), offset: 0, length: range.length };
}

/** Gathers the fields that hold a tensor's data, in whichever of ONNX's four ways, without reading raw data. */
class TensorDataFields {
  private readonly fields: ByteRange[] = [];
  private raw: ByteRange | null = null;
  private external = false;
  private readonly externalKeys = new Map<string, string>();
  private readonly typed = new Map<number, { ranges: ByteRange[]; loose: LooseBytes; packed: boolean }>();

  take(reader: WireReader, key: number): boolean {
    switch (key) {
      case TensorKey.rawData:
        this.raw = dataRange(reader);
        break;
      case TensorKey.externalData: {
        const range = reader.fieldRange();
        const entry = readEntry(reader);
        this.externalKeys.set(entry.key, entry.value);
        this.keep(range);
        return true;
      }
      case TensorKey.dataLocation:
        this.external = reader.int32() === 1;
        break;
      case TensorKey.stringData:
      case TensorKey.floatDataPacked:
      case TensorKey.int32DataPacked:
      case TensorKey.int64DataPacked:
      case TensorKey.doubleDataPacked:
      case TensorKey.uint64DataPacked: {
        const list = this.list(key >>> 3);
        list.loose.flush(list.ranges);
        list.packed = key !== TensorKey.stringData;
        list.ranges.push(dataRange(reader));
        break;
      }
      case TensorKey.floatData:
      case TensorKey.int32Data:
      case TensorKey.int64Data:
      case TensorKey.doubleData:
      case TensorKey.uint64Data:
        // One range for each number would take twenty times the file's memory; their bytes take none extra.
        this.list(key >>> 3).loose.add(reader.bytes());
        break;
      default:
        return false;
    }
    this.keep(reader.fieldRange());
    return true;
  }

  finish(name: string, dataType: number): TensorData {
    const data = this.choose(name, dataType);
    rememberDataFields(data, this.fields);
    return data;
  }

  private choose(name: string, dataType: number): TensorData {
    if (this.external) return this.externalData(name);
    if (this.raw !== null && this.raw.length > 0) return { kind: 'raw', range: this.raw };
    const wanted = typedFieldOf(dataType);
    const fieldNumber = this.typed.has(wanted) ? wanted : this.typed.keys().next().value;
    const list = fieldNumber === undefined ? undefined : this.typed.get(fieldNumber);
    if (fieldNumber !== undefined && list !== undefined) {
      list.loose.flush(list.ranges);
      return { kind: 'typed', fieldNumber, packed: list.packed, ranges: list.ranges };
    }
    return this.raw === null ? { kind: 'empty' } : { kind: 'raw', range: this.raw };
  }

  private externalData(name: string): TensorData {
    const location = this.externalKeys.get('location') ?? '';
    checkLocation(location, name);
    return {
      kind: 'external',
      location,
      offset: this.externalNumber('offset', name) ?? 0,
      length: this.externalNumber('length', name),
      source: null,
    };
  }

  private externalNumber(key: string, name: string): number | null {
    const text = this.externalKeys.get(key);
    if (text === undefined || text === '') return null;
    const value = Number(text);
    if (!/^[0-9]+$/.test(text) || !Number.isSafeInteger(value)) {
      throw new InputError({
        code: 'onnx-external-path',
        message: `Tensor "${name}": its external data's ${key} is "${text}", not a number of bytes.`,
        where: name,
        hint: 'Export the model again.',
      });
    }
    return value;
  }

  private list(fieldNumber: number): { ranges: ByteRange[]; loose: LooseBytes; packed: boolean } {
    let list = this.typed.get(fieldNumber);
    if (list === undefined) {
      list = { ranges: [], loose: new LooseBytes(), packed: false };
      this.typed.set(fieldNumber, list);
    }
    return list;
  }

  private keep(range: ByteRange): void {
    const last = this.fields.at(-1);
    if (last !== undefined && last.offset + last.length === range.offset) {
      this.fields[this.fields.length - 1] = { ...last, length: last.length + range.length };
    } else this.fields.push(range);
  }
}

/** The payloads of unpacked numbers put behind each other, as if they had been packed. */
class LooseBytes {
  private bytes = new Uint8Array(0);
  private length = 0;

  add(more: Uint8Array): void {
    if (this.length + more.length > this.bytes.length) {
      const grown = new Uint8Array(Math.max(64, 2 * this.bytes.length + more.length));
      grown.set(this.bytes.subarray(0, this.length));
      this.bytes = grown;
    }
    this.bytes.set(more, this.length);
    this.length += more.length;
  }

  flush(ranges: ByteRange[]): void {
    if (this.length === 0) return;
    const source = memorySource(this.bytes.slice(0, this.length));
    ranges.push({ source, offset: 0, length: this.length });
    this.length = 0;
  }
}
