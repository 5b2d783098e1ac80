import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InputError } from '../base/result.ts';
import type { ByteSource } from '../onnx/byte-source.ts';
import { attachExternalData, externalLocations } from '../onnx/external-data.ts';
import { refillHollow } from '../onnx/hollow.ts';
import type { Model } from '../onnx/model.ts';
import { parseModel } from '../onnx/parse.ts';
import { fileSource } from './node-file-source.ts';

const samplesFolder = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'public', 'samples');

/** A model named on a command line, opened without reading its weights. */
export interface OpenedModel {
  readonly model: Model;
  /** e.g. `resnet152.onnx`. */
  readonly fileName: string;
  /** `fileName` without `.onnx`; the names of a variant's files begin with it. */
  readonly baseName: string;
  readonly fileBytes: number;
}

/**
 * Opens what `--model` names: `zoo:NAME` (an architecture of the gallery, its emptied weights refilled with
 * noise), `sample` (the bundled trained model), or a file, whose external data files are looked for beside it.
 * @throws InputError if there is no such file or architecture, or the file is not a readable ONNX model
 */
export function openModelArgument(argument: string): OpenedModel {
  const path = pathOfArgument(argument);
  if (!existsSync(path) || !statSync(path).isFile()) {
    throw new InputError({
      code: 'file-not-found',
      message: `${path}: there is no such file.`,
      where: path,
      hint: 'Give a path to a file, zoo:NAME or sample.',
    });
  }
  const source = fileSource(path);
  const fileName = basename(path);
  const parsed = parseModel(source, fileName);
  const model = refillHollow(withExternalData(parsed, dirname(path)));
  return { model, fileName, baseName: fileName.replace(/\.onnx$/i, ''), fileBytes: source.size };
}

/** A path as the user typed it, relative to where they typed it (npm runs scripts in the package's root). */
export function resolveUserPath(path: string): string {
  return isAbsolute(path) ? path : resolve(process.env.PARETOSCOPE_CWD ?? process.cwd(), path);
}

function pathOfArgument(argument: string): string {
  if (argument === 'sample') return join(samplesFolder, 'digits.onnx');
  if (!argument.startsWith('zoo:')) return resolveUserPath(argument);
  const wanted = argument.slice('zoo:'.length);
  const zooFolder = join(samplesFolder, 'zoo');
  const names = readdirSync(zooFolder)
    .filter((file) => file.endsWith('.onnx'))
    .map((file) => file.slice(0, -'.onnx'.length));
  if (!names.includes(wanted)) {
    throw new InputError({
      code: 'unknown-architecture',
      message: `zoo:${wanted}: the gallery has no such architecture; it has ${names.join(', ')}.`,
      where: argument,
    });
  }
  return join(zooFolder, `${wanted}.onnx`);
}

/** The parser refuses locations outside the model's folder. */
function withExternalData(model: Model, folder: string): Model {
  const files = new Map<string, ByteSource>();
  for (const location of externalLocations(model)) {
    const path = join(folder, location);
    if (existsSync(path)) files.set(location, fileSource(path));
  }
  return files.size === 0 ? model : attachExternalData(model, files);
}
