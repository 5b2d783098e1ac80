/** A file with its path inside the folder or drop it came from. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** What a handful of dropped or picked files are for. */
export interface SortedFiles {
  readonly model: PickedFile | null;
  /** Weights that the model keeps in other files. */
  readonly external: readonly PickedFile[];
  readonly images: readonly PickedFile[];
  /** Studies and recipes; their content tells which. */
  readonly json: readonly PickedFile[];
}

const imageOrLabels = /\.(zip|png|jpe?g|webp|gif|bmp|avif|csv|tsv|gz|npz)$|ubyte|-idx[13]-/i;

/**
 * Sorts files by what they are for, so that everything can be dropped at once. Beside a model, what is
 * neither an image, an archive, labels nor JSON is taken for its external weights; without one, for data.
 */
export function sortFiles(files: readonly PickedFile[]): SortedFiles {
  const visible = files.filter(({ path }) => !/(^|\/)(\.|__MACOSX)/.test(path));
  const model = visible.find(({ path }) => /\.(onnx|ort|pb)$/i.test(path)) ?? null;
  const rest = visible.filter((file) => file !== model && !/\.onnx$/i.test(file.path));
  const json = rest.filter(({ path }) => /\.json$/i.test(path));
  const others = rest.filter((file) => !json.includes(file));
  const isData = (file: PickedFile) => model === null || imageOrLabels.test(file.path);
  return {
    model,
    external: others.filter((file) => !isData(file)),
    images: others.filter(isData),
    json,
  };
}
