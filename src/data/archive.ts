import { InputError } from '../base/result.ts';
import { formatBytes } from '../base/units.ts';
import type { ByteSource } from '../onnx/byte-source.ts';
import { crc32 } from './crc32.ts';
import { inflateRange } from './inflate.ts';
import { readAhead } from './read-ahead.ts';

/** One file in a zip archive; nothing of it has been unpacked yet. */
export interface ArchiveEntry {
  /** Path with forward slashes, relative, without `.` or `..`. */
  readonly path: string;
  readonly bytes: number;
  /** @throws InputError if damaged, encrypted or packed by an unsupported method */
  readonly read: () => Uint8Array;
}

export interface Archive {
  readonly entries: readonly ArchiveEntry[];
  readonly warnings: readonly string[];
}

/** What an archive may ask of this device's memory. */
export interface ArchiveLimits {
  readonly maxEntryBytes: number;
  readonly maxTotalBytes: number;
  readonly maxEntries: number;
  /** An entry, or all together, larger than `ratioFromBytes` may be at most this many times the packed size. */
  readonly maxRatio: number;
  readonly ratioFromBytes: number;
}

export const ARCHIVE_LIMITS: ArchiveLimits = {
  maxEntryBytes: 512e6,
  maxTotalBytes: 1e9,
  maxEntries: 300_000,
  maxRatio: 100,
  ratioFromBytes: 16e6,
};

/** Names, comments and extra fields of all entries together. */
const MAX_NAMES_BYTES = 64e6;

const LOCAL_HEADER = 0x04034b50;
const CENTRAL_HEADER = 0x02014b50;
const END_OF_DIRECTORY = 0x06054b50;
const ZIP64_LOCATOR = 0x07064b50;
const ZIP64_END = 0x06064b50;

/** Whether a file starts like a zip archive (an empty one included). */
export function isZip(source: ByteSource): boolean {
  if (source.size < 22) return false;
  const magic = viewOf(source.read(0, 4)).getUint32(0, true);
  return magic === LOCAL_HEADER || magic === END_OF_DIRECTORY;
}

/**
 * Lists a zip archive from its central directory, ZIP64 included. Directories and the clutter of operating
 * systems are left out; names that point outside the archive are refused one by one with a warning.
 * @throws InputError `archive-truncated`, `archive-damaged`, `archive-too-big`
 * @source PKWARE APPNOTE.TXT 6.3
 */
export function openZip(source: ByteSource, name: string, limits = ARCHIVE_LIMITS): Archive {
  const directory = findDirectory(source, name);
  if (directory.count > limits.maxEntries) {
    throw tooBig(name, `${directory.count} entries`, `${limits.maxEntries}`);
  }
  if (directory.length > 46 * directory.count + MAX_NAMES_BYTES) {
    throw tooBig(name, `a directory of ${formatBytes(directory.length)}`, formatBytes(MAX_NAMES_BYTES));
  }
  const buffered = readAhead(source);
  const bytes = source.read(directory.offset, directory.length);
  const view = viewOf(bytes);
  const entries: (ArchiveEntry & { readonly headerOffset: number })[] = [];
  const refused: string[] = [];
  let totalBytes = 0;
  let totalPacked = 0;
  let at = 0;
  for (let i = 0; i < directory.count; i++) {
    if (at + 46 > bytes.length || view.getUint32(at, true) !== CENTRAL_HEADER) {
      throw damaged(name, `directory entry ${i + 1} of ${directory.count} is not where it should be`);
    }
    const record = readCentralRecord(bytes, view, at, name);
    at += record.recordBytes;
    if (/[/\\]$/.test(record.rawPath)) continue;
    const path = safePath(record.rawPath);
    if (path === null) {
      refused.push(record.rawPath);
      continue;
    }
    if (isClutter(path)) continue;
    checkSize(record, `${name}: ${path}`, limits);
    totalBytes += record.size;
    totalPacked += record.packedSize;
    if (totalBytes > limits.maxTotalBytes) {
      throw tooBig(
        name,
        `more than ${formatBytes(limits.maxTotalBytes)} unpacked`,
        formatBytes(limits.maxTotalBytes),
      );
    }
    entries.push({
      path,
      bytes: record.size,
      headerOffset: record.headerOffset,
      read: () => readEntry(buffered, record, `${name}: ${path}`),
    });
  }
  // Entries that share their data are how a small archive promises endless output.
  if (totalPacked > source.size) throw damaged(name, 'its entries overlap');
  checkRatio(totalBytes, totalPacked, name, limits);
  // In the order they lie in the file, so that reading them all is one pass over it.
  entries.sort((a, b) => a.headerOffset - b.headerOffset);
  const warnings =
    refused.length === 0
      ? []
      : [`${name}: left out ${refused.length} entries whose names point outside the archive (${refused[0]})`];
  return { entries, warnings };
}

interface CentralRecord {
  readonly rawPath: string;
  readonly flags: number;
  readonly method: number;
  readonly crc: number;
  readonly size: number;
  readonly packedSize: number;
  readonly headerOffset: number;
  readonly recordBytes: number;
}

function readCentralRecord(bytes: Uint8Array, view: DataView, at: number, name: string): CentralRecord {
  const nameLength = view.getUint16(at + 28, true);
  const extraLength = view.getUint16(at + 30, true);
  const recordBytes = 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  if (at + recordBytes > bytes.length) throw damaged(name, 'its directory ends inside an entry');
  const extraStart = at + 46 + nameLength;
  const [size, packedSize, headerOffset] = widened(
    [view.getUint32(at + 24, true), view.getUint32(at + 20, true), view.getUint32(at + 42, true)],
    viewOf(bytes.subarray(extraStart, extraStart + extraLength)),
    name,
  );
  return {
    rawPath: decodeName(bytes.subarray(at + 46, extraStart)),
    flags: view.getUint16(at + 8, true),
    method: view.getUint16(at + 10, true),
    crc: view.getUint32(at + 16, true),
    size,
    packedSize,
    headerOffset,
    recordBytes,
  };
}

/** Replaces fields that hold 0xffffffff by their 64-bit values from the ZIP64 extra field, which lists only those. */
function widened(
  fields: readonly [number, number, number],
  extra: DataView,
  name: string,
): [number, number, number] {
  const result: [number, number, number] = [...fields];
  if (!fields.includes(0xffffffff)) return result;
  for (let at = 0; at + 4 <= extra.byteLength; at += 4 + extra.getUint16(at + 2, true)) {
    if (extra.getUint16(at, true) !== 1) continue;
    let next = at + 4;
    for (const i of [0, 1, 2] as const) {
      if (fields[i] !== 0xffffffff) continue;
      if (next + 8 > extra.byteLength) throw damaged(name, 'a ZIP64 field is too short');
      result[i] = Number(extra.getBigUint64(next, true));
      next += 8;
    }
    return result;
  }
  throw damaged(name, 'a ZIP64 field is missing');
}

function checkSize(record: CentralRecord, where: string, limits: ArchiveLimits): void {
  if (record.size > limits.maxEntryBytes) {
    throw tooBig(where, formatBytes(record.size), formatBytes(limits.maxEntryBytes));
  }
  checkRatio(record.size, record.packedSize, where, limits);
}

function checkRatio(bytes: number, packedBytes: number, where: string, limits: ArchiveLimits): void {
  if (bytes <= limits.ratioFromBytes || bytes <= packedBytes * limits.maxRatio) return;
  const found = `${formatBytes(bytes)} packed into ${formatBytes(packedBytes)}`;
  throw tooBig(where, found, `${limits.maxRatio} times the packed size`);
}

function readEntry(source: ByteSource, record: CentralRecord, where: string): Uint8Array {
  if (record.flags & 1) {
    throw new InputError({
      code: 'archive-encrypted',
      message: `${where}: is encrypted`,
      where,
      hint: 'Unpack it with its password and open the folder, or pack it again without one.',
    });
  }
  const headerEnd = record.headerOffset + 30;
  if (headerEnd > source.size) throw damaged(where, 'its data lies beyond the end of the archive');
  const header = viewOf(source.read(record.headerOffset, 30));
  if (header.getUint32(0, true) !== LOCAL_HEADER) throw damaged(where, 'its data is not where it should be');
  const offset = headerEnd + header.getUint16(26, true) + header.getUint16(28, true);
  if (offset + record.packedSize > source.size) {
    throw damaged(where, 'its data lies beyond the end of the archive');
  }
  const bytes = unpack(source, record, offset, where);
  if (crc32(bytes) !== record.crc) throw damaged(where, 'its checksum does not match');
  return bytes;
}

function unpack(source: ByteSource, record: CentralRecord, offset: number, where: string): Uint8Array {
  switch (record.method) {
    case 0:
      if (record.size !== record.packedSize) throw damaged(where, 'stored, but its two sizes differ');
      // A copy: the read-ahead window would keep a megabyte alive for each image.
      return source.read(offset, record.size).slice();
    case 8:
      return inflateRange({ source, offset, length: record.packedSize }, record.size, where);
    default:
      throw new InputError({
        code: 'archive-method',
        message: `${where}: packed with method ${record.method} (${METHOD_NAMES.get(record.method) ?? 'unknown'}); only stored and deflate can be read`,
        where,
        hint: 'Pack it again as an ordinary zip (deflate).',
      });
  }
}

const METHOD_NAMES: ReadonlyMap<number, string> = new Map([
  [9, 'deflate64'],
  [12, 'bzip2'],
  [14, 'LZMA'],
  [93, 'Zstandard'],
  [95, 'XZ'],
  [99, 'AES encryption'],
]);

/** The end record lies in the last 64 KiB + 22 bytes, behind it only a comment. */
function findDirectory(source: ByteSource, name: string): { offset: number; length: number; count: number } {
  const tailLength = Math.min(source.size, 22 + 0xffff);
  const tailStart = source.size - tailLength;
  const tail = viewOf(source.read(tailStart, tailLength));
  for (let at = tailLength - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) !== END_OF_DIRECTORY) continue;
    const count = tail.getUint16(at + 10, true);
    const length = tail.getUint32(at + 12, true);
    const offset = tail.getUint32(at + 16, true);
    const found =
      count === 0xffff || length === 0xffffffff || offset === 0xffffffff
        ? (zip64Directory(source, tailStart + at) ?? { count, length, offset })
        : { count, length, offset };
    if (found.offset + found.length > source.size) {
      throw damaged(name, 'its directory lies beyond its end');
    }
    return found;
  }
  throw new InputError({
    code: 'archive-truncated',
    message: `${name}: starts like a zip archive but its directory, at the end, is missing`,
    where: name,
    hint: 'The download or copy was cut off: fetch it again.',
  });
}

function zip64Directory(
  source: ByteSource,
  endRecord: number,
): { offset: number; length: number; count: number } | null {
  if (endRecord < 20) return null;
  const locator = viewOf(source.read(endRecord - 20, 20));
  if (locator.getUint32(0, true) !== ZIP64_LOCATOR) return null;
  const at = Number(locator.getBigUint64(8, true));
  if (at + 56 > source.size) return null;
  const end = viewOf(source.read(at, 56));
  if (end.getUint32(0, true) !== ZIP64_END) return null;
  return {
    count: Number(end.getBigUint64(32, true)),
    length: Number(end.getBigUint64(40, true)),
    offset: Number(end.getBigUint64(48, true)),
  };
}

/** The path with forward slashes, or null if it is absolute, has a drive letter or climbs out. */
export function safePath(raw: string): string | null {
  const path = raw.replaceAll('\\', '/');
  if (path.startsWith('/') || /^[a-z]:/i.test(path) || path.includes('\0')) return null;
  const parts = path.split('/').filter((part) => part !== '' && part !== '.');
  return parts.length === 0 || parts.includes('..') ? null : parts.join('/');
}

/** Files that operating systems leave everywhere, and hidden ones. */
export function isClutter(path: string): boolean {
  return path
    .split('/')
    .some(
      (part) => part.startsWith('.') || part === '__MACOSX' || part === 'Thumbs.db' || part === 'desktop.ini',
    );
}

/** UTF-8, which even archives without its flag mostly use; else one character a byte. */
function decodeName(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return String.fromCharCode(...bytes);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(where: string, reason: string): InputError {
  return new InputError({
    code: 'archive-damaged',
    message: `${where}: damaged archive (${reason})`,
    where,
    hint: 'Download or pack it again.',
  });
}

function tooBig(where: string, found: string, limit: string): InputError {
  return new InputError({
    code: 'archive-too-big',
    message: `${where}: ${found}, more than the limit of ${limit}`,
    where,
    hint: 'Unpack it yourself and open the part you need.',
  });
}
