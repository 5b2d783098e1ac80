import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The file of a gallery model with its weights: written once, with the project's own command. */
export function fullSizeFile(projectRoot: string, name: string): string {
  const folder = join(projectRoot, 'node_modules', '.cache', 'bench-models');
  const file = join(folder, `${name}.onnx`);
  if (existsSync(file)) return file;
  mkdirSync(folder, { recursive: true });
  const recipe = join(folder, 'identity.json');
  writeFileSync(recipe, '[{"op":"identity"}]');
  const launch = join(projectRoot, 'src/cli/launch.mjs');
  execFileSync(
    process.execPath,
    [launch, 'transform', '--model', `zoo:${name}`, '--recipe', recipe, '--out', folder],
    { stdio: 'ignore' },
  );
  return file;
}
