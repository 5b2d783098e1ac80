import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeNode } from '../../../src/onnx/attributes.ts';
import { DataType, type Tensor } from '../../../src/onnx/model.ts';
import { modelToBytes } from '../../../src/onnx/serialize.ts';
import { floatTensor } from '../../../src/onnx/tensor.ts';
import { modelOf, tensorInfo } from '../../fixtures/run-onnx.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function inspect(...args: string[]) {
  const run = spawnSync(process.execPath, ['--import', 'tsx', join(root, 'src/cli/inspect.ts'), ...args], {
    encoding: 'utf8',
    cwd: root,
    env: { ...process.env, PARETOSCOPE_CWD: folder },
  });
  return { status: run.status, stdout: run.stdout, stderr: run.stderr };
}

test('prints what is known about an architecture of the gallery', () => {
  const { status, stdout } = inspect('--model', 'zoo:resnet152');
  const report = JSON.parse(stdout);
  expect(status).toBe(0);
  expect(report).toMatchObject({
    nodes: 360,
    displayNodes: 360,
    params: 60_117_096,
    macs: 11_513_626_624,
    hollow: true,
    inputs: [{ name: 'input', shape: [1, 3, 224, 224], dataType: 'float32' }],
    outputs: [{ name: 'logits', shape: [1, 1000] }],
    unknownOperators: [],
    warnings: [],
  });
  expect(report.blocks.list).toHaveLength(report.blocks.count);
  const [first] = report.singleValueCuts;
  expect(first).toMatchObject({ opType: 'Conv', shape: [1, 64, 112, 112], bytes: 64 * 112 * 112 * 4 });
  expect(first.macsBeforeShare).toBeCloseTo(118_013_952 / 11_513_626_624, 12);
  const { 'equal-size': equal, 'fewest-bytes': fewest, fastest } = report.automaticCuts;
  expect(equal.weightBytesBefore + equal.weightBytesAfter).toBe(report.weightBytes);
  // The pooled features, before the classifier.
  expect(fewest).toMatchObject({ crossing: [expect.any(String)], bytes: 2048 * 4 });
  const { headMs, transferMs, tailMs, totalMs } = fastest.prediction;
  expect(headMs + transferMs + tailMs).toBeCloseTo(totalMs, 9);
});

describe('a model whose weights lie in another file', () => {
  const external = (location: string): Tensor => ({
    name: 'w',
    dims: [4, 3],
    dataType: DataType.float,
    data: { kind: 'external', location, offset: 0, length: 48, source: null },
    docString: '',
    unknown: [],
  });
  const write = (name: string, location: string) => {
    const model = modelOf({
      nodes: [makeNode('MatMul', ['x', 'w'], ['y'])],
      initializers: [external(location)],
      inputs: [tensorInfo('x', [1, 4])],
      outputs: [tensorInfo('y', [1, 3])],
    });
    writeFileSync(join(folder, name), modelToBytes(model));
  };

  test('is read whether they are there or not, and says when they are not', () => {
    write('model.onnx', 'weights.bin');
    const without = JSON.parse(inspect('--model', 'model.onnx').stdout);
    expect(without).toMatchObject({
      params: 12,
      macs: 12,
      warnings: ['weights are in files that were not given: weights.bin'],
    });
    writeFileSync(join(folder, 'weights.bin'), new Uint8Array(48));
    expect(JSON.parse(inspect('--model', 'model.onnx').stdout).warnings).toEqual([]);
  });

  test('is refused if they would lie outside its folder', () => {
    write('sneaky.onnx', '../../etc/passwd');
    const { status, stdout, stderr } = inspect('--model', 'sneaky.onnx');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toContain('../../etc/passwd');
  });
});

test('a model of open size is counted at the size asked for, or at the usual one', () => {
  const model = modelOf({
    nodes: [makeNode('Conv', ['x', 'w'], ['y'])],
    initializers: [floatTensor('w', [2, 3, 1, 1], new Float32Array(6))],
    inputs: [tensorInfo('x', ['N', 3, 'h', 'w_'])],
    outputs: [tensorInfo('y', null)],
  });
  writeFileSync(join(folder, 'open.onnx'), modelToBytes(model));
  const usual = JSON.parse(inspect('--model', 'open.onnx').stdout);
  expect(usual).toMatchObject({
    macs: 6 * 224 * 224,
    warnings: [expect.stringContaining('[1, 3, 224, 224]')],
  });
  const asked = JSON.parse(inspect('--model', 'open.onnx', '--input-size', '20x30').stdout);
  expect(asked.macs).toBe(6 * 20 * 30);
  expect(asked.inputs[0]).toMatchObject({ shape: ['N', 3, 'h', 'w_'], counted: [1, 3, 20, 30] });
  const fixed = inspect('--model', 'sample', '--input-size', '20x30');
  expect([fixed.status, fixed.stdout]).toEqual([1, '']);
  expect(fixed.stderr).toContain('[1, 3, 32, 32]');
});

describe('refuses with one line and a code', () => {
  test('a missing file', () => {
    const { status, stdout, stderr } = inspect('--model', 'nothing.onnx');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(join(folder, 'nothing.onnx'));
  });

  test('something that is not a model', () => {
    writeFileSync(join(folder, 'photo.onnx'), Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10));
    const { status, stdout, stderr } = inspect('--model', 'photo.onnx');
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test('an architecture the gallery does not have', () => {
    const { status, stderr } = inspect('--model', 'zoo:resnet9000');
    expect(status).toBe(1);
    expect(stderr).toContain('resnet152');
  });

  test('wrong arguments get the usage', () => {
    for (const args of [[], ['--modle', 'x'], ['--model'], ['--model', 'sample', '--input-size', '0x8']]) {
      const { status, stdout, stderr } = inspect(...args);
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toContain('usage:');
    }
  });
});
