import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { InputError } from '../../../src/base/result.ts';
import { fileSource } from '../../../src/cli/node-file-source.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { attachExternalData, externalLocations } from '../../../src/onnx/external-data.ts';
import { isHollow, refillHollow } from '../../../src/onnx/hollow.ts';
import type { Model, Tensor } from '../../../src/onnx/model.ts';
import { modelFingerprint } from '../../../src/onnx/model-fingerprint.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { modelToBytes, serializeModel } from '../../../src/onnx/serialize.ts';
import {
  floatTensor,
  tensorByteLength,
  tensorBytes,
  tensorFloats,
  tensorRange,
} from '../../../src/onnx/tensor.ts';
import { officialBytes } from './official-onnx.ts';

const parse = (bytes: Uint8Array): Model => parseModel(memorySource(bytes));
const zoo = (name: string): Model =>
  parse(new Uint8Array(readFileSync(new URL(`../../../public/samples/zoo/${name}.onnx`, import.meta.url))));
const first = (model: Model): Tensor => model.graph.initializers[0] as Tensor;

function externalModel(entries: Record<string, string>): Uint8Array {
  return officialBytes('ModelProto', {
    irVersion: 8n,
    opsetImport: [{ version: 13n }],
    graph: {
      initializer: [
        {
          name: 'w',
          dims: [2n],
          dataType: 1,
          dataLocation: 1,
          externalData: Object.entries(entries).map(([key, value]) => ({ key, value })),
        },
      ],
    },
  });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure.code;
    throw thrown;
  }
  return 'no error';
}

describe('external data', () => {
  const weights = new Uint8Array(Float32Array.of(0, 1, 2, 3).buffer);
  const entries = { location: 'data/w.bin', offset: '4', length: '8', checksum: 'abc' };

  it('is found by its location or by a unique file name, and read from its offset', () => {
    const model = parse(externalModel(entries));
    expect(externalLocations(model)).toEqual(['data/w.bin']);
    for (const path of ['data/w.bin', 'w.bin', 'elsewhere/w.bin']) {
      const attached = attachExternalData(model, new Map([[path, memorySource(weights)]]));
      expect([...tensorFloats(first(attached))]).toEqual([1, 2]);
    }
    const two = new Map([
      ['a/w.bin', memorySource(weights)],
      ['b/w.bin', memorySource(weights)],
    ]);
    expect(attachExternalData(model, two)).toBe(model);
  });

  it('stays a reference, checksum and all, while its file is missing', () => {
    const bytes = externalModel(entries);
    const model = parse(bytes);
    const renamed = { ...first(model), name: 'v' };
    const written = modelToBytes({ ...model, graph: { ...model.graph, initializers: [renamed] } });
    expect(written).toEqual(modelToBytes(parse(written)));
    expect(Buffer.from(written).includes('checksum')).toBe(true);
    expect(first(parse(written))).toMatchObject({
      name: 'v',
      data: { kind: 'external', location: 'data/w.bin', offset: 4, length: 8, source: null },
    });
  });

  it('is written into the file once it is there', () => {
    const model = attachExternalData(
      parse(externalModel(entries)),
      new Map([['w.bin', memorySource(weights)]]),
    );
    const again = parse(modelToBytes(model));
    expect(externalLocations(again)).toEqual([]);
    expect([...tensorFloats(first(again))]).toEqual([1, 2]);
  });

  it('without a length takes what the dims say', () => {
    const model = parse(externalModel({ location: 'w.bin' }));
    const attached = attachExternalData(model, new Map([['w.bin', memorySource(weights)]]));
    expect([...tensorFloats(first(attached))]).toEqual([0, 1]);
  });

  it('is refused if its file is too short', () => {
    const model = parse(externalModel({ location: 'w.bin', offset: '12' }));
    expect(codeOf(() => attachExternalData(model, new Map([['w.bin', memorySource(weights)]])))).toBe(
      'onnx-external-short',
    );
  });

  it.each(['../w.bin', 'a/../../w.bin', '/etc/passwd', 'C:\\w.bin', 'a\\..\\w', 'file:///w', 'w\0.bin', ''])(
    'is refused at %j',
    (location) => {
      expect(codeOf(() => parse(externalModel({ location })))).toBe('onnx-external-path');
    },
  );

  it.each([
    ['offset', '-1'],
    ['offset', '1e3'],
    ['length', '99999999999999999999'],
    ['length', 'eight'],
  ])('is refused with %s %s', (key, value) => {
    expect(codeOf(() => parse(externalModel({ location: 'w.bin', [key]: value })))).toBe(
      'onnx-external-path',
    );
  });
});

describe('hollow models', () => {
  it('are refilled with noise of the noted mean and spread', () => {
    const model = zoo('mobilenet_v2');
    expect(isHollow(model)).toBe(true);
    const tensor = first(refillHollow(model));
    const [, mean, std] = /mean=(\S+) std=(\S+)/.exec(first(model).docString) as RegExpExecArray;
    const values = tensorFloats(tensor);
    const found = values.reduce((sum, value) => sum + value, 0) / values.length;
    const spread = Math.sqrt(values.reduce((sum, value) => sum + (value - found) ** 2, 0) / values.length);
    // 1.28 million values: the mean's standard error is std / 1131.
    expect(Math.abs(found - Number(mean))).toBeLessThan(Number(std) / 200);
    expect(spread / Number(std)).toBeCloseTo(1, 2);
    const halfWidth = Math.sqrt(3) * Number(std) * 1.0001;
    expect(Math.max(...values.subarray(0, 10_000))).toBeLessThan(Number(mean) + halfWidth);
    expect(Math.min(...values.subarray(0, 10_000))).toBeGreaterThan(Number(mean) - halfWidth);
  });

  it('have the same weights however they are read', () => {
    const tensor = first(refillHollow(zoo('mobilenet_v2')));
    const range = tensorRange(tensor);
    const whole = tensorBytes(tensor);
    expect(Buffer.compare(tensorBytes(first(refillHollow(zoo('mobilenet_v2')))), whole)).toBe(0);
    for (const [offset, length] of [
      [0, 1],
      [5, 11],
      [4096, 64],
      [whole.length - 3, 3],
    ] as const) {
      expect(range?.source.read(offset, length)).toEqual(whole.slice(offset, offset + length));
    }
  });

  it('differ from tensor to tensor', () => {
    const [a, b] = refillHollow(zoo('mobilenet_v2')).graph.initializers.filter(
      (tensor) => tensor.data.kind === 'hollow',
    );
    expect(tensorFloats(a as Tensor).slice(0, 8)).not.toEqual(tensorFloats(b as Tensor).slice(0, 8));
  });

  it('written to a file are ordinary models that still say they are noise', () => {
    const model = refillHollow(zoo('mobilenet_v3_small'));
    const written = parse(modelToBytes(model));
    expect(isHollow(model)).toBe(true);
    expect(isHollow(written)).toBe(true);
    expect(refillHollow(written)).toBe(written);
    for (const [i, tensor] of written.graph.initializers.entries()) {
      expect(tensor.data.kind).not.toBe('empty');
      if (i % 20 === 0) {
        const refilled = tensorBytes(model.graph.initializers[i] as Tensor);
        expect(Buffer.compare(tensorBytes(tensor), refilled)).toBe(0);
      }
    }
  });

  it('are announced with their full size before any weight is made', () => {
    const model = refillHollow(zoo('wide_resnet101_2'));
    const weightBytes = model.graph.initializers.reduce((sum, tensor) => sum + tensorByteLength(tensor), 0);
    expect(weightBytes).toBeGreaterThan(500e6);
    const { bytes } = serializeModel(model);
    expect(bytes).toBeGreaterThan(weightBytes);
    expect(bytes).toBeLessThan(weightBytes + 100_000);
  });

  it('leave ordinary models alone', () => {
    const model = parse(
      modelToBytes({ ...zoo('mobilenet_v2'), graph: { ...zoo('mobilenet_v2').graph, initializers: [] } }),
    );
    expect(isHollow(model)).toBe(false);
    expect(refillHollow(model)).toBe(model);
  });
});

describe('files on disk', () => {
  it('are read where they are asked, and reads outside are refused', () => {
    const folder = mkdtempSync(join(tmpdir(), 'source-'));
    const path = join(folder, 'bytes');
    writeFileSync(path, Uint8Array.of(1, 2, 3, 4, 5));
    const source = fileSource(path);
    expect(source.size).toBe(5);
    expect([...source.read(1, 3)]).toEqual([2, 3, 4]);
    expect(() => source.read(3, 3)).toThrow(RangeError);
    expect(() => source.read(-1, 1)).toThrow(RangeError);
    source.close();
    rmSync(folder, { recursive: true });
  });
});

describe('fingerprint', () => {
  const withWeight = (values: Float32Array): Model => {
    const model = zoo('mobilenet_v2');
    const initializers = [floatTensor('w', [values.length], values), ...model.graph.initializers.slice(1)];
    return { ...model, graph: { ...model.graph, initializers } };
  };

  it('is the same for the same content, wherever it is', () => {
    const model = zoo('resnet152');
    expect(modelFingerprint(zoo('resnet152'))).toBe(modelFingerprint(model));
    expect(modelFingerprint(parse(modelToBytes({ ...model })))).toBe(modelFingerprint(model));
    expect(modelFingerprint(model)).toMatch(/^[0-9a-f]{32}$/);
  });

  it('differs by structure and by weights, small and large', () => {
    const model = zoo('mobilenet_v2');
    const [head, ...rest] = model.graph.nodes;
    const renamed = {
      ...model,
      graph: { ...model.graph, nodes: [{ ...head, opType: 'X' }, ...rest] },
    } as Model;
    const prints = [
      model,
      renamed,
      withWeight(Float32Array.of(1, 2)),
      withWeight(Float32Array.of(1, 3)),
      withWeight(new Float32Array(5000).fill(1)),
      withWeight(new Float32Array(5000).fill(2)),
    ].map(modelFingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });
});
