import type { ByteSource } from './byte-source.ts';
import { mapModelTensors } from './map-tensors.ts';
import type { Model } from './model.ts';
import { tensorRange } from './tensor.ts';

/** The other files that a model's weights are in, by the relative paths it uses; each once. */
export function externalLocations(model: Model): string[] {
  const locations = new Set<string>();
  mapModelTensors(model, (tensor) => {
    if (tensor.data.kind === 'external') locations.add(tensor.data.location);
    return tensor;
  });
  return [...locations];
}

/**
 * Gives external tensors their files. A file is found by the location the model uses, or by the file name alone
 * when that is unambiguous (file pickers hand over no folders). Locations without a file stay as they are.
 * @throws InputError `onnx-external-short` if a tensor reaches over the end of its file
 */
export function attachExternalData(model: Model, files: ReadonlyMap<string, ByteSource>): Model {
  const byBaseName = new Map<string, ByteSource | null>();
  for (const [path, source] of files) {
    byBaseName.set(baseName(path), byBaseName.has(baseName(path)) ? null : source);
  }
  return mapModelTensors(model, (tensor) => {
    const { data } = tensor;
    if (data.kind !== 'external') return tensor;
    const source = files.get(data.location) ?? byBaseName.get(baseName(data.location)) ?? null;
    if (source === null) return tensor;
    const attached = { ...tensor, data: { ...data, source } };
    tensorRange(attached);
    return attached;
  });
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
