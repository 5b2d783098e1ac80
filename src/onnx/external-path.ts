import { InputError } from '../base/result.ts';

/**
 * Refuses a location of external data that leads out of the model's own folder.
 * @throws InputError `onnx-external-path`
 * @source onnx/docs/ExternalData.md: "a relative path to the directory of the model; no `..`"
 */
export function checkLocation(location: string, tensorName: string): void {
  const escapes =
    location === '' ||
    location.startsWith('/') ||
    location.includes('\\') ||
    location.includes('\0') ||
    /^[a-z][a-z0-9+.-]*:/i.test(location) ||
    location.split('/').includes('..');
  if (!escapes) return;
  throw new InputError({
    code: 'onnx-external-path',
    message:
      location === ''
        ? `Tensor "${tensorName}" is said to be in another file, but not in which.`
        : `Tensor "${tensorName}" points at external data outside the model's folder: "${location}".`,
    where: tensorName,
    hint: 'Save the model with its external data beside it, or in one file.',
  });
}
