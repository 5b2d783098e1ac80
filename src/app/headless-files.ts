import { assert, unreachable } from '../base/assert.ts';
import { orThrow } from '../base/result.ts';
import { openDataClient } from '../clients/data-client.ts';
import { fetchOwn, ownModelPath } from '../clients/own-files.ts';
import { guessPreprocessing } from '../data/guess-preprocessing.ts';
import { noiseDataset } from '../data/noise-dataset.ts';
import type { CountedSize } from '../onnx/counted-size.ts';
import type { GraphView } from '../onnx/graph-view.ts';
import type { LoadedDataset } from '../protocol/data-api.ts';
import type { HeadlessOptions, PlanFile } from '../protocol/headless-api.ts';
import type { StudiedModel } from '../study/trial.ts';

/** A model's files. */
export interface ModelFiles {
  readonly fileName: string;
  readonly file: Blob;
  readonly externalFiles: readonly { readonly location: string; readonly file: Blob }[];
}

/** The page's inputs for files. */
export type FileInputs = ReturnType<typeof addFileInputs>;

/** Adds hidden inputs to the page, because files given through them are read in place, however large. */
export function addFileInputs() {
  const inputs = {
    model: fileInput('model-files'),
    files: fileInput('data-files'),
    folder: fileInput('data-folder'),
  };
  inputs.folder.webkitdirectory = true;
  return inputs;
}

function fileInput(id: string): HTMLInputElement {
  const input = document.createElement('input');
  input.type = 'file';
  input.id = id;
  input.multiple = true;
  input.hidden = true;
  document.body.append(input);
  return input;
}

/** The files of the model of a study without a plan. */
export async function modelFiles(
  model: HeadlessOptions['model'],
  { model: input }: FileInputs,
): Promise<ModelFiles> {
  switch (model.kind) {
    case 'sample':
      return ownModel('sample', 'digits.onnx');
    case 'zoo':
      return ownModel(`zoo:${model.name}`, `${model.name}.onnx`);
    case 'files': {
      const files = [...(input.files ?? [])];
      const [only] = dealt(files, [model]);
      assert(only && files.length === 1 + only.externalFiles.length, 'one file for each location');
      return only;
    }
    default:
      return unreachable(model);
  }
}

/**
 * What finds the files of a plan's models: those that were given, else those that the lab brings along; null for others.
 * @param given in the order of the files
 */
export function planFiles(
  given: readonly PlanFile[],
  { model: input }: FileInputs,
): (model: StudiedModel) => Promise<ModelFiles | null> {
  const files = dealt([...(input.files ?? [])], given);
  return async ({ modelId, modelName, source }) => {
    const own = files[given.findIndex((each) => each.modelId === modelId)];
    if (own) return own;
    return source === undefined || ownModelPath(source) === null ? null : ownModel(source, modelName);
  };
}

/** Files as they were given one after the other: each model with its external data behind it. */
function dealt(
  files: readonly File[],
  models: readonly { readonly externalLocations: readonly string[] }[],
): readonly ModelFiles[] {
  let next = 0;
  const take = (): File => {
    const file = files[next++];
    assert(file, 'a file for each that was announced');
    return file;
  };
  return models.map(({ externalLocations }) => {
    const file = take();
    return {
      fileName: file.name,
      file,
      externalFiles: externalLocations.map((location) => ({ location, file: take() })),
    };
  });
}

async function ownModel(source: string, fileName: string): Promise<ModelFiles> {
  const path = ownModelPath(source);
  assert(path !== null, 'a model that the lab brings along');
  return { fileName, file: await fetchOwn(path), externalFiles: [] };
}

/**
 * Opens the images.
 * @param size what sizes that the model leaves open are taken as, for noise in place of images
 * @param viewOf the model that noise is for; asked only for that
 */
export async function openData(
  data: HeadlessOptions['data'],
  size: CountedSize,
  inputs: FileInputs,
  viewOf: () => Promise<GraphView>,
): Promise<LoadedDataset> {
  switch (data) {
    case 'noise': {
      const { preprocessing } = guessPreprocessing(await viewOf(), null, null, size);
      const { dataset, pack } = noiseDataset(preprocessing);
      return { dataset, pack: new Blob([pack]) };
    }
    case 'sample':
      return openFiles([{ path: 'digits.zip', file: await fetchOwn('samples/digits.zip') }], 'digits.zip');
    case 'files':
    case 'folder': {
      const files = [...(inputs[data].files ?? [])];
      const paths = files.map((file) => file.webkitRelativePath || file.name);
      const name = (data === 'folder' ? paths[0]?.split('/')[0] : paths[0]) ?? 'images';
      return openFiles(
        files.map((file, index) => ({ path: paths[index] as string, file })),
        name,
      );
    }
    default:
      return unreachable(data);
  }
}

async function openFiles(
  files: readonly { readonly path: string; readonly file: Blob }[],
  name: string,
): Promise<LoadedDataset> {
  const client = openDataClient();
  try {
    return orThrow(await client.api.open(files, name, () => {}));
  } finally {
    client.terminate();
  }
}
