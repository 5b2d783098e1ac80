import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Failure } from '../../../src/base/result.ts';
import { InputError } from '../../../src/base/result.ts';
import { memorySource } from '../../../src/onnx/byte-source.ts';
import { checkRunnable } from '../../../src/onnx/check-runnable.ts';
import { parseModel } from '../../../src/onnx/parse.ts';
import { officialBytes } from './official-onnx.ts';

const RESNET = new URL('../../../public/samples/zoo/resnet152.onnx', import.meta.url);
const OPSET = [{ domain: '', version: 13n }];

function failureOf(bytes: Uint8Array | string): Failure {
  const source = memorySource(
    typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'latin1')) : bytes,
  );
  try {
    parseModel(source, 'it.onnx');
  } catch (thrown) {
    if (thrown instanceof InputError) return thrown.failure;
    throw thrown;
  }
  throw new Error('was read as a model');
}

function modelBytes(graph: Record<string, unknown>, rest: Record<string, unknown> = {}): Uint8Array {
  return officialBytes('ModelProto', { irVersion: 8n, opsetImport: OPSET, graph, ...rest });
}

const tensorType = (elemType: number, sizes: readonly number[]) => ({
  value: {
    case: 'tensorType',
    value: {
      elemType,
      shape: { dim: sizes.map((size) => ({ value: { case: 'dimValue', value: BigInt(size) } })) },
    },
  },
});

describe('files that are no models', () => {
  it.each([
    ['a zip archive', 'PK\x03\x04\x14\x00 some/model.onnx'],
    ['PyTorch checkpoint', 'PK\x03\x04\x00\x00\x00\x00archive/data.pkl'],
    ['Python pickle', '\x80\x02}q\x00(X\x05\x00\x00\x00state'],
    ['PNG', '\x89PNG\r\n\x1a\n\0\0\0\rIHDR'],
    ['JPEG', '\xff\xd8\xff\xe0\0\x10JFIF'],
    ['TensorFlow Lite', '\x1c\0\0\0TFL3\x14\0'],
    ['ONNX Runtime model', '\x28\0\0\0ORTM\0\0'],
    ['HDF5', '\x89HDF\r\n\x1a\n'],
    ['Git LFS', 'version https://git-lfs.github.com/spec/v1\noid sha256:12\nsize 97\n'],
    ['safetensors', '\x40\0\0\0\0\0\0\0{"w":{"dtype":"F32"}}'],
    ['HTML', '<!DOCTYPE html><html><title>404</title>'],
    ['JSON', '{"name": "resnet"}'],
    ['text', 'hello, this is\nno model'],
    ['gzip', '\x1f\x8b\x08\0\0\0\0\0'],
  ])('recognises: %s', (name, head) => {
    const failure = failureOf(head);
    expect(failure.code).toBe('onnx-not-a-model');
    expect(failure.message).toContain(name);
    expect(failure.hint).toBeTruthy();
  });

  it('says that an empty file is empty', () => {
    expect(failureOf('')).toMatchObject({ code: 'onnx-empty', message: 'it.onnx is empty: it has 0 bytes.' });
  });

  it('tells noise from a model', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
        expect(failureOf(bytes).code).toMatch(/^onnx-/);
      }),
      { numRuns: 500 },
    );
  });

  it('says when there is no graph or no operator set', () => {
    expect(failureOf(officialBytes('ModelProto', { irVersion: 8n, opsetImport: OPSET })).code).toBe(
      'onnx-no-graph',
    );
    expect(failureOf(modelBytes({}, { opsetImport: [] }))).toMatchObject({ code: 'onnx-no-opset' });
  });

  it('reads files from before operator sets were written', () => {
    const bytes = modelBytes({}, { opsetImport: [], irVersion: 2n });
    expect(parseModel(memorySource(bytes)).opsetImports).toEqual([]);
  });
});

describe('damaged files', () => {
  const whole = new Uint8Array(readFileSync(RESNET));

  it('says of a cut file where it ends, in what, and how much is missing', () => {
    const failure = failureOf(whole.subarray(0, 60_000));
    expect(failure.code).toBe('onnx-truncated');
    expect(failure.message).toMatch(
      /^it\.onnx is cut off at byte 60000, inside (node \d+ of the graph|the graph|(the data of )?weight ".+"):/,
    );
    const missing = Number(/at least (\d+) bytes are missing/.exec(failure.message)?.[1]);
    // The graph's length is known; the few bytes of the fields behind it are not.
    expect(missing).toBeGreaterThan(whole.length - 60_000 - 100);
    expect(missing).toBeLessThanOrEqual(whole.length - 60_000);
  });

  it('names the weight whose data is cut', () => {
    const bytes = modelBytes({
      initializer: [
        { name: 'first', dims: [4n], dataType: 1, rawData: new Uint8Array(16) },
        { name: 'conv.weight', dims: [1000n], dataType: 1, rawData: new Uint8Array(4000) },
      ],
    });
    const failure = failureOf(bytes.subarray(0, 3000));
    expect(failure.code).toBe('onnx-truncated');
    expect(failure.message).toContain('inside the data of weight "conv.weight"');
  });

  it('calls every shorter beginning of a model cut off, or says what it lacks', () => {
    const bytes = modelBytes({
      node: [{ opType: 'Relu', input: ['x'], output: ['y'], name: 'relu' }],
      initializer: [{ name: 'w', dims: [8n], dataType: 1, rawData: new Uint8Array(32) }],
      input: [{ name: 'x', type: tensorType(1, [1, 3]) }],
    });
    for (let length = 1; length < bytes.length; length++) {
      const { code } = failureOf(bytes.subarray(0, length));
      expect(['onnx-truncated', 'onnx-no-graph', 'onnx-no-opset', 'onnx-corrupt'], `${length}`).toContain(
        code,
      );
    }
  });

  it('says where a length inside the graph is wrong', () => {
    const bytes = modelBytes({ node: [{ opType: 'Relu', name: 'relu' }] });
    const damaged = Uint8Array.from(bytes);
    const place = Buffer.from(bytes).indexOf('Relu') - 1;
    damaged[place] = 100;
    expect(failureOf(damaged)).toMatchObject({ code: 'onnx-corrupt' });
    expect(failureOf(damaged).message).toContain('(in graph > node)');
  });

  it('bounds nesting', () => {
    let graph: Record<string, unknown> = { name: 'innermost' };
    for (let depth = 0; depth < 120; depth++) {
      graph = { node: [{ opType: 'If', attribute: [{ name: 'then_branch', type: 5, g: graph }] }] };
    }
    expect(failureOf(modelBytes(graph)).code).toBe('onnx-too-big');
  });
});

describe('tensors that cannot be', () => {
  it('compares the length of the data with the dims', () => {
    const failure = failureOf(
      modelBytes({ initializer: [{ name: 'w', dims: [2n, 3n], dataType: 1, rawData: new Uint8Array(20) }] }),
    );
    expect(failure.code).toBe('onnx-tensor-size');
    expect(failure.message).toBe('Tensor "w" is float32[2, 3], which takes 24 bytes; the file holds 20.');
  });

  it.each([
    ['negative', [-2n, 3n]],
    ['beyond counting', [2n ** 40n, 2n ** 40n]],
  ])('refuses dims that are %s', (_name, dims) => {
    const initializer = [{ name: 'w', dims, dataType: 1, rawData: new Uint8Array(24) }];
    expect(failureOf(modelBytes({ initializer })).code).toBe('onnx-tensor-dims');
  });

  it('refuses more values than the typed data can hold, before making room for them', () => {
    const initializer = [{ name: 'w', dims: [10_000_000_000n], dataType: 7, int64Data: [1n, 2n] }];
    expect(failureOf(modelBytes({ initializer })).code).toBe('onnx-tensor-size');
  });
});

describe('models that cannot run here', () => {
  const report = (graph: Record<string, unknown>, rest: Record<string, unknown> = {}) =>
    checkRunnable(parseModel(memorySource(modelBytes(graph, rest))));
  const x = { name: 'x', type: tensorType(1, [1, 3]) };
  const y = { name: 'y', type: tensorType(1, [1, 3]) };
  const relu = { opType: 'Relu', input: ['x'], output: ['y'] };

  it('has nothing to say about a sound model', () => {
    expect(report({ node: [relu], input: [x], output: [y] })).toEqual({ errors: [], warnings: [] });
  });

  it('reports nodes that share a name, as the runtime would; those without a name do not', () => {
    const [first, last] = [
      { ...relu, output: ['h'] },
      { ...relu, input: ['h'] },
    ];
    const errorsOf = (name: string) =>
      report({ node: [first, last].map((node) => ({ ...node, name })), input: [x], output: [y] }).errors;
    expect(errorsOf('')).toEqual([]);
    expect(errorsOf('<b>')).toMatchObject([{ code: 'onnx-node-name-twice', where: '<b>' }]);
  });

  it.each(['sequence', 'map', 'optional'])('reports outputs that are a %s', (kind) => {
    const type = {
      value: {
        case: `${kind}Type`,
        value: kind === 'map' ? { keyType: 7 } : { elemType: tensorType(1, [1]) },
      },
    };
    const { errors } = report({ node: [relu], input: [x], output: [{ name: 'y', type }] });
    expect(errors).toMatchObject([{ code: 'onnx-not-a-tensor', where: 'y' }]);
    expect(errors[0]?.message).toContain(kind);
  });

  it('warns of versions and domains newer than the runtime', () => {
    const { errors, warnings } = report(
      { node: [relu], input: [x], output: [y] },
      {
        irVersion: 99n,
        opsetImport: [
          { domain: '', version: 99n },
          { domain: 'com.example', version: 1n },
        ],
      },
    );
    expect(errors).toEqual([]);
    expect(warnings.join('\n')).toMatch(/IR version 99[^]*opset 99[^]*com\.example/);
  });

  it('refuses operator sets before the first', () => {
    const { errors } = report(
      { node: [relu], input: [x], output: [y] },
      { opsetImport: [{ domain: '', version: -3n }] },
    );
    expect(errors).toMatchObject([{ code: 'onnx-wrong-opset' }]);
  });

  it('reports a graph without input or output, and one in a circle', () => {
    expect(report({}).errors.map((error) => error.code)).toEqual(['onnx-no-input', 'onnx-no-output']);
    const circle = [
      { opType: 'Add', name: 'a', input: ['x', 'q'], output: ['p'] },
      { opType: 'Relu', name: 'b', input: ['p'], output: ['q'] },
    ];
    expect(report({ node: circle, input: [x], output: [{ ...y, name: 'q' }] }).errors).toMatchObject([
      { code: 'onnx-cycle' },
    ]);
  });
});
