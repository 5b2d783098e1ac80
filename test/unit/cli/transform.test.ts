import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

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
      err: expect.stringContaining('prune 50% + exits τ 0.80 + int8'),
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
    for (const { name, bytes } of variant.files) expect(statSync(join(folder, 'out', name)).size).toBe(bytes);
    expect(readdirSync(join(folder, 'out'))).toHaveLength(4);
    const sum = (field: string): number =>
      variant.files.reduce((total: number, file: Record<string, number>) => total + (file[field] ?? 0), 0);
    expect(sum('macs')).toBe(variant.macs);
    expect(sum('params')).toBe(variant.params);
    expect(sum('nonZeroParams')).toBe(variant.nonZeroParams);
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
