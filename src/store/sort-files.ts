/** A file with its path inside the folder or drop it came from. */
export interface PickedFile {
  readonly path: string;
  readonly file: File;
}

/** What a handful of dropped or picked files are for. */
export interface SortedFiles {
  readonly model: PickedFile | null;
  /** Further models: only a plan takes several. */
  readonly otherModels: readonly PickedFile[];
  /** Weights that the model keeps in other files. */
  readonly external: readonly PickedFile[];
  /** Zips may turn out to hold studies instead. */
  readonly images: readonly PickedFile[];
  /** Studies, plans and recipes; their content tells which. */
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
  const otherModels = visible.filter((file) => file !== model && /\.onnx$/i.test(file.path));
  const rest = visible.filter((file) => file !== model && !otherModels.includes(file));
  const json = rest.filter(({ path }) => /\.json(\.gz)?$/i.test(path));
  const others = rest.filter((file) => !json.includes(file));
  const isData = (file: PickedFile) => model === null || imageOrLabels.test(file.path);
  return {
    model,
    otherModels,
    external: others.filter((file) => !isData(file)),
    images: others.filter(isData),
    json,
  };
}

/** Files of external weights under the locations by which the model beside them names them. */
export function besideModel(
  { path: modelPath }: PickedFile,
  external: readonly PickedFile[],
): readonly { readonly location: string; readonly file: File }[] {
  const folder = modelPath.slice(0, modelPath.lastIndexOf('/') + 1);
  return external.map(({ path, file }) => ({
    location: path.startsWith(folder) ? path.slice(folder.length) : path,
    file,
  }));
}
