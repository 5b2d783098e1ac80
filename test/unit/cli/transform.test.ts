import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { serialiseHeads } from '../../../src/transforms/exits/trained-head.ts';
import { randomHead } from '../transforms/exits/heads.ts';
import { sampleModel } from '../transforms/run-variant.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'transform-'));
afterAll(() => rmSync(folder, { recursive: true }));

function transform(
  args: readonly string[],
  recipe: unknown,
): { code: number | null; out: string; err: string } {
  writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
  const run = spawnSync(process.execPath, ['--import', 'tsx', 'src/cli/transform.ts', ...args], {
    cwd: root,
    encoding: 'utf8',
    // As npm does: the user's paths are relative to where they are.
    env: { ...process.env, PARETOSCOPE_CWD: folder },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

describe('npm run transform', () => {
  it('writes the files and variant.json, and prints it', () => {
    const recipe = [
      { op: 'prune', kind: 'unstructured', ratio: 0.5 },
      { op: 'early-exit', kind: 'existing', threshold: 0.8 },
      { op: 'quantize', mode: 'dynamic' },
    ];
    const { code, out, err } = transform(
      ['--model', 'sample', '--recipe', 'recipe.json', '--out', 'out'],
      recipe,
    );
    expect({ code, err }).toEqual({
      code: 0,
      err: expect.stringContaining('prune weights 50% l1 + exits τ 0.80 + int8'),
    });
    const written = readFileSync(join(folder, 'out', 'variant.json'), 'utf8');
    expect(out).toBe(written);
    const variant = JSON.parse(written);
    expect(variant.recipe).toEqual(recipe);
    expect(variant.exits.map((exit: { index: number }) => exit.index)).toEqual([0, 1, 2]);
    expect(variant.files.map((file: { name: string }) => file.name)).toEqual([
      'digits-segment-0.onnx',
      'digits-segment-1.onnx',
      'digits-segment-2.onnx',
    ]);
    for (const { name, bytes, sparseBytes } of variant.files) {
      expect(statSync(join(folder, 'out', name)).size).toBe(bytes);
      expect(sparseBytes).toBeLessThan(bytes);
    }
    expect(readdirSync(join(folder, 'out'))).toHaveLength(4);
    const sum = (field: string): number =>
      variant.files.reduce((total: number, file: Record<string, number>) => total + (file[field] ?? 0), 0);
    expect(sum('macs')).toBe(variant.macs);
    expect(sum('params')).toBe(variant.params);
    expect(sum('nonZeroParams')).toBe(variant.nonZeroParams);
  });

  it('builds trained exits with their heads, and asks for them', () => {
    const model = sampleModel('digits');
    const value = '/stage3/stage3.1/Relu_output_0';
    const recipe = [{ op: 'early-exit', kind: 'trained', at: [value], threshold: 0.9 }];
    const args = ['--model', 'sample', '--recipe', 'recipe.json', '--out', 'trained'];
    const refused = transform(args, recipe);
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toContain('not trained yet');
    expect(refused.err).toContain('--heads');

    writeFileSync(join(folder, 'heads.json'), serialiseHeads([randomHead(model, value)]));
    const { code, out } = transform([...args, '--heads', 'heads.json'], recipe);
    expect(code).toBe(0);
    const exits = JSON.parse(out).exits.map((exit: { output: string; threshold: number }) => exit);
    expect(exits).toMatchObject([
      { output: `exit_${value}`, threshold: 0.9 },
      { output: 'logits', threshold: 0 },
    ]);

    const strange = { ...randomHead(model, value), modelId: 'another' };
    writeFileSync(join(folder, 'heads.json'), serialiseHeads([strange]));
    expect(transform([...args, '--heads', 'heads.json'], recipe)).toMatchObject({
      code: 1,
      err: expect.stringContaining('was trained for model another'),
    });
  });

  it.each([
    [
      'a recipe that does not fit',
      ['--model', 'sample', '--recipe', 'recipe.json', '--out', 'x'],
      1,
      'no value of this name',
    ],
    [
      'a model that is not there',
      ['--model', 'nope.onnx', '--recipe', 'recipe.json', '--out', 'x'],
      1,
      'nope.onnx',
    ],
    ['missing arguments', ['--model', 'sample'], 2, 'usage:'],
  ])('says what is wrong with %s', (_, args, wantedCode, reason) => {
    const { code, out, err } = transform(args, [{ op: 'partition', cut: 'nowhere' }]);
    expect({ code, out }).toEqual({ code: wantedCode, out: '' });
    expect(err).toContain(reason);
    expect(err).not.toContain('    at ');
  });
});
