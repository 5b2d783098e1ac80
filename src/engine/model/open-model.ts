import { InputError } from '../../base/result.ts';
import { buildGraphView } from '../../onnx/build-graph-view.ts';
import { checkRunnable } from '../../onnx/check-runnable.ts';
import { type CountedSize, dimsAtSize, type InputDims } from '../../onnx/counted-size.ts';
import { attachExternalData, externalLocations } from '../../onnx/external-data.ts';
import type { GraphView } from '../../onnx/graph-view.ts';
import { isHollow, refillHollow } from '../../onnx/hollow.ts';
import { modelFingerprint } from '../../onnx/model-fingerprint.ts';
import type { Model } from '../../onnx/model.ts';
import { parseModel } from '../../onnx/parse.ts';
import { type AnalysedModel, analyseModel } from '../../transforms/analyse-model.ts';
import { blobSource } from '../blob-source.ts';

/** What variants are built of. */
export interface SourceModel {
  readonly model: Model;
  /** Of the file, without its ending. */
  readonly baseName: string;
  /** The file itself, if it holds the whole model: what the identity recipe gives. */
  readonly original: Blob | null;
  /** What sizes that the model leaves open are counted as. */
  readonly size: CountedSize;
}

/** The open model with what only its view tells. */
export interface OpenModel extends SourceModel {
  readonly fileName: string;
  readonly fileBytes: number;
  /** About running it. */
  readonly notes: readonly string[];
}

/** A file that lies next to a model's and holds weights. */
interface ExternalFile {
  readonly location: string;
  readonly file: Blob;
}

/**
 * Reads a model. One without its weights can still be looked at.
 * @throws InputError `onnx-*` if the file is no model, or one that nothing can run
 */
export function openModel(
  file: Blob,
  fileName: string,
  externalFiles: readonly ExternalFile[],
  size: CountedSize,
): OpenModel {
  const parsed = parseModel(blobSource(file), fileName);
  const model = completed(parsed, externalFiles);
  const { errors, warnings } = checkRunnable(model);
  const fatal = errors.find(({ code }) => code !== 'onnx-external-missing');
  if (fatal) throw new InputError(fatal);
  const isWhole = !isHollow(parsed) && externalLocations(model).length === 0;
  return {
    model,
    baseName: fileName.replace(/\.onnx$/i, '') || 'model',
    original: isWhole ? file : null,
    size,
    fileName,
    fileBytes: file.size,
    notes: [...warnings, ...errors.map(({ message, hint }) => [message, hint].join(' '))],
  };
}

/** The model with its weights: from the files given along, and as noise where a gallery model was emptied. */
function completed(model: Model, externalFiles: readonly ExternalFile[]): Model {
  const attached = attachExternalData(
    model,
    new Map(externalFiles.map((given) => [given.location, blobSource(given.file)])),
  );
  return isHollow(attached) ? refillHollow(attached) : attached;
}

/** The graph as it is drawn, with notes about running it. */
export function viewOf({ model, fileName, fileBytes, size, notes }: OpenModel): GraphView {
  const meta = { modelId: modelFingerprint(model), fileName, fileBytes };
  const view = buildGraphView(model, meta, dimsAtSize(size));
  return { ...view, warnings: [...view.warnings, ...notes] };
}

/** The graph of the model with its shapes and costs, at the size that it is counted at. */
export function analysed({ model, size }: SourceModel): AnalysedModel {
  return analyseModel(model, size);
}

/** What the inputs of a part of a model are counted with: as in the whole. */
export function dimsIn(open: SourceModel): InputDims {
  const { counted } = analysed(open);
  return (input) => counted.get(input.name)?.shape ?? dimsAtSize(open.size)(input);
}
