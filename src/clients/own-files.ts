import { InputError } from '../base/result.ts';

/**
 * A file that the app brings along.
 * @param path below the app's folder
 * @throws InputError `not-found`
 */
export async function fetchOwn(path: string): Promise<Blob> {
  const response = await fetch(new URL(path, document.baseURI));
  if (!response.ok)
    throw new InputError({ code: 'not-found', message: `${path}: HTTP ${response.status}`, where: path });
  return response.blob();
}

/**
 * Where the lab has a model that it brings along.
 * @param source see `StudiedModel.source`
 * @returns null: it is none of these
 */
export function ownModelPath(source: string): string | null {
  if (source === 'sample') return 'samples/digits.onnx';
  const name = /^zoo:(\w+)$/.exec(source)?.[1];
  return name === undefined ? null : `samples/zoo/${name}.onnx`;
}
