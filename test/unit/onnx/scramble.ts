import type { Random } from '../../../src/base/random.ts';

/**
 * Writes a model's protobuf in another legal way: fields of different keys in random order, unknown fields of
 * every wire type between them, and lengths in more bytes than needed. Shares no code with what it tests.
 */

type Kind = 'model' | 'graph' | 'node' | 'attribute' | 'leaf';
const MESSAGES: Readonly<Record<Kind, ReadonlyMap<number, Kind>>> = {
  model: new Map([
    [7, 'graph'],
    [8, 'leaf'],
    [14, 'leaf'],
  ]),
  graph: new Map([
    [1, 'node'],
    [5, 'leaf'],
    [11, 'leaf'],
    [12, 'leaf'],
    [13, 'leaf'],
  ]),
  node: new Map([[5, 'attribute']]),
  attribute: new Map([
    [5, 'leaf'],
    [6, 'graph'],
    [10, 'leaf'],
    [11, 'graph'],
  ]),
  leaf: new Map(),
};

const UNKNOWN_FIELDS = [
  [0xc0, 0xbb, 0x78, 5],
  [0xc1, 0xbb, 0x78, 1, 2, 3, 4, 5, 6, 7, 8],
  [0xc2, 0xbb, 0x78, 2, 0xff, 0x00],
  [0xc3, 0xbb, 0x78, 0x08, 0x96, 0x01, 0x13, 0x0a, 0x01, 0x61, 0x14, 0xc4, 0xbb, 0x78],
  [0xc5, 0xbb, 0x78, 1, 2, 3, 4],
];

export function scrambled(
  bytes: Uint8Array,
  random: Random,
  options: { readonly longVarints: boolean },
  kind: Kind = 'model',
): Uint8Array {
  const byKey = new Map<number, number[][]>();
  for (const field of fieldsOf(bytes)) {
    const inner = (field.key & 7) === 2 ? MESSAGES[kind].get(field.key >>> 3) : undefined;
    const encoded =
      inner === undefined
        ? [...field.whole]
        : withLength(field.key, scrambled(field.payload, random, options, inner), random, options);
    const list = byKey.get(field.key) ?? [];
    list.push(encoded);
    byKey.set(field.key, list);
  }
  const queues = [...byKey.values()];
  for (let i = Math.floor(random() * 3); i > 0; i--) {
    queues.push([UNKNOWN_FIELDS[Math.floor(random() * UNKNOWN_FIELDS.length)] as number[]]);
  }
  const out: number[] = [];
  while (queues.length > 0) {
    const at = Math.floor(random() * queues.length);
    const queue = queues[at] as number[][];
    out.push(...(queue.shift() as number[]));
    if (queue.length === 0) queues.splice(at, 1);
  }
  return Uint8Array.from(out);
}

function withLength(
  key: number,
  payload: Uint8Array,
  random: Random,
  options: { readonly longVarints: boolean },
): number[] {
  const length = varint(payload.length);
  if (options.longVarints && random() < 0.5) {
    length[length.length - 1] = (length.at(-1) as number) | 0x80;
    length.push(0x80, 0);
  }
  return [...varint(key), ...length, ...payload];
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return [...bytes, rest];
}

function fieldsOf(bytes: Uint8Array): { key: number; whole: Uint8Array; payload: Uint8Array }[] {
  const fields = [];
  let at = 0;
  const readVarint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++] as number;
      if (shift < 28) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const start = at;
    const key = readVarint();
    let payloadStart = at;
    if ((key & 7) === 0) readVarint();
    else if ((key & 7) === 1) at += 8;
    else if ((key & 7) === 5) at += 4;
    else {
      const length = readVarint();
      payloadStart = at;
      at += length;
    }
    fields.push({ key, whole: bytes.subarray(start, at), payload: bytes.subarray(payloadStart, at) });
  }
  return fields;
}
