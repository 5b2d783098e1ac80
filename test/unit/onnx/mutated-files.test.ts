import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Random } from '../../../src/base/random.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { InputError } from '../../../src/base/result.ts';
import type { ByteSource } from '../../../src/onnx/byte-source.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { checkRunnable } from '../../../src/onnx/check-runnable.ts';
import { modelFingerprint } from '../../../src/onnx/model-fingerprint.ts';
import type { Model } from '../../../src/onnx/model.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { tensorBytes } from '../../../src/onnx/tensor.ts';
import { officialBytes } from './official-onnx.ts';

/** Damaged files through the whole codec: each is read or refused with an `InputError`, and nothing runs away. */

const zoo = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../../../public/samples/zoo/${name}.onnx`, import.meta.url)));

/** Every kind of field in a file of about a kilobyte, so that most damage hits structure. */
const compact = officialBytes('ModelProto', {
  irVersion: 8n,
  producerName: 'test',
  opsetImport: [{ version: 13n }, { domain: 'com.example', version: 1n }],
  metadataProps: [{ key: 'a', value: 'b' }],
  graph: {
    name: 'g',
    node: [
      {
        opType: 'Conv',
        name: 'conv',
        input: ['x', 'w', 'b'],
        output: ['c'],
        attribute: [
          { name: 'strides', type: 7, ints: [1n, -1n] },
          { name: 'alpha', type: 1, f: 0.5 },
          { name: 'mode', type: 3, s: Uint8Array.of(65, 66) },
          { name: 'scales', type: 6, floats: [1, 2, 3] },
          { name: 'names', type: 8, strings: [Uint8Array.of(67)] },
        ],
      },
      {
        opType: 'If',
        input: ['k'],
        output: ['y'],
        attribute: [
          {
            name: 'then_branch',
            type: 5,
            g: {
              node: [
                {
                  opType: 'Constant',
                  output: ['v'],
                  attribute: [
                    { name: 'value', type: 4, t: { dims: [2n], dataType: 1, rawData: new Uint8Array(8) } },
                  ],
                },
              ],
              output: [{ name: 'v' }],
            },
          },
        ],
      },
    ],
    initializer: [
      { name: 'w', dims: [1n, 1n, 2n, 2n], dataType: 1, rawData: new Uint8Array(16) },
      { name: 'b', dims: [3n], dataType: 1, floatData: [1, 2, 3] },
      { name: 'k', dims: [2n], dataType: 7, int64Data: [-1n, 300n] },
      { name: 's', dims: [1n], dataType: 8, stringData: [Uint8Array.of(65)] },
      {
        name: 'e',
        dims: [2n],
        dataType: 1,
        dataLocation: 1,
        externalData: [
          { key: 'location', value: 'w.bin' },
          { key: 'offset', value: '0' },
        ],
      },
    ],
    sparseInitializer: [{ values: { name: 'sp', dims: [0n], dataType: 1 }, dims: [4n] }],
    input: [
      {
        name: 'x',
        type: {
          value: {
            case: 'tensorType',
            value: { elemType: 1, shape: { dim: [{ value: { case: 'dimParam', value: 'N' } }, {}] } },
          },
        },
      },
    ],
    output: [{ name: 'y' }],
  },
  functions: [{ name: 'f', domain: 'com.example' }],
});

const HUGE_VARINTS = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
  [0xff, 0xff, 0xff, 0xff, 0x07],
];

function joined(...parts: readonly (Uint8Array | readonly number[])[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts.map((part) => Uint8Array.from(part))));
}

const MUTATIONS: readonly ((bytes: Uint8Array, random: Random) => Uint8Array)[] = [
  function flipBits(bytes, random) {
    const result = Uint8Array.from(bytes);
    for (let i = 1 + Math.floor(random() * 8); i > 0; i--) {
      const at = Math.floor(random() * result.length);
      result[at] = (result[at] as number) ^ (1 << Math.floor(random() * 8));
    }
    return result;
  },
  function replaceBytes(bytes, random) {
    const result = Uint8Array.from(bytes);
    const at = Math.floor(random() * result.length);
    for (let i = at; i < Math.min(at + 1 + random() * 12, result.length); i++) {
      result[i] = Math.floor(random() * 256);
    }
    return result;
  },
  function cutOff(bytes, random) {
    return bytes.slice(0, Math.floor(random() * bytes.length));
  },
  function insertHugeNumber(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const huge = HUGE_VARINTS[Math.floor(random() * HUGE_VARINTS.length)] as number[];
    return joined(bytes.subarray(0, at), huge, bytes.subarray(at + 1));
  },
  function removeStretch(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const length = Math.floor(random() * 40);
    return joined(bytes.subarray(0, at), bytes.subarray(at + length));
  },
  function repeatStretch(bytes, random) {
    const at = Math.floor(random() * bytes.length);
    const stretch = bytes.subarray(at, at + Math.floor(random() * 200));
    return joined(bytes.subarray(0, at), stretch, bytes.subarray(at));
  },
  function moveStretch(bytes, random) {
    const [from, to] = [Math.floor(random() * bytes.length), Math.floor(random() * bytes.length)];
    const result = Uint8Array.from(bytes);
    result.copyWithin(to, from, from + Math.floor(random() * 100));
    return result;
  },
];

function parsed(source: ByteSource): Model | null {
  try {
    return parseModel(source);
  } catch (thrown) {
    if (thrown instanceof InputError) return null;
    throw thrown;
  }
}

/** What the lab does with a file before a user chooses anything, and the weights' values. */
function use(model: Model, fileBytes: number): void {
  checkRunnable(model);
  expect(modelFingerprint(model)).toMatch(/^[0-9a-f]{32}$/);
  expect(modelToBytes({ ...model, graph: { ...model.graph } }).length).toBeLessThan(2 * fileBytes + 1000);
  for (const tensor of model.graph.initializers) {
    try {
      if (tensorBytes(tensor).length > 16 * fileBytes) throw new Error('more weights than the file can hold');
    } catch (thrown) {
      if (!(thrown instanceof InputError)) throw thrown;
    }
  }
}

describe('damaged model files', () => {
  it.each([
    { name: 'a small model with every kind of field', seed: compact, files: 9500 },
    { name: 'MobileNetV3-Small', seed: zoo('mobilenet_v3_small'), files: 300 },
    { name: 'ShuffleNetV2', seed: zoo('shufflenet_v2_x1_0'), files: 150 },
    { name: 'ResNet-152', seed: zoo('resnet152'), files: 100 },
  ])('are read or refused with a reason: $files of $name', ({ seed, files }) => {
    const random = seededRandom(files);
    const outcomes = { read: 0, refused: 0 };
    for (let i = 0; i < files; i++) {
      let bytes = seed;
      for (let times = 1 + Math.floor(random() * 2); times > 0; times--) {
        const mutate = MUTATIONS[Math.floor(random() * MUTATIONS.length)];
        bytes = mutate?.(bytes, random) ?? bytes;
      }
      const memory = memorySource(bytes);
      let readBytes = 0;
      const counted = {
        size: bytes.length,
        read(offset: number, length: number) {
          readBytes += length;
          return memory.read(offset, length);
        },
      };
      const model = parsed(counted);
      expect(readBytes).toBeLessThan(4 * bytes.length + 2000);
      outcomes[model === null ? 'refused' : 'read']++;
      if (model === null) continue;
      if (Buffer.compare(modelToBytes(model), bytes) !== 0) throw new Error('written differently');
      if (seed === compact || i % 10 === 0) use(model, bytes.length);
    }
    // Both must happen, or the damage is too harmless or too harsh to test anything.
    expect(outcomes.read).toBeGreaterThan(files / 50);
    expect(outcomes.refused).toBeGreaterThan(files / 5);
  });

  it('with a hundred thousand empty nodes stay within the memory of their size', () => {
    const nodes = new Uint8Array(200_000);
    for (let i = 0; i < nodes.length; i += 2) nodes[i] = 0x0a;
    const graph = [0x3a, 0xc0, 0x9a, 0x0c];
    const bytes = Uint8Array.from([0x08, 8, 0x42, 2, 0x10, 13, ...graph, ...nodes]);
    expect(parseModel(memorySource(bytes)).graph.nodes).toHaveLength(100_000);
  });

  it('with more fields than any model has are refused', () => {
    const bytes = new Uint8Array(18_000_000);
    bytes.set([0x08, 8]);
    for (let i = 2; i < bytes.length; i += 2) bytes[i] = 0x28;
    expect(() => parseModel(memorySource(bytes))).toThrow(/more than 8000000 fields/);
  });
});
