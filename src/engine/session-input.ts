import { memorySource, type ByteSource } from '../onnx/byte-source.ts';
import type { Model, Tensor } from '../onnx/model.ts';
import { parseModel } from '../onnx/parse.ts';
import { modelToBytes } from '../onnx/serialize.ts';
import type { ExternalData } from './ort.ts';

/** What a session is created from. */
export interface SessionInput {
  readonly modelBytes: Uint8Array;
  readonly externalData?: ExternalData;
}

/** Below this, the heap saved is not worth the trouble. */
const externaliseFromBytes = 16e6;
const smallTensorBytes = 4096;

/**
 * Reads a model file for the runtime. Of a large file the weights are handed over as external data, whose "file"
 * is the model file itself: the runtime then copies each tensor once, where otherwise it copies the whole file
 * and then each tensor (ResNet-152: 298 MB of heap instead of 595).
 * @param edit what is to be changed before, if anything; weights stay where they are
 */
export async function sessionInput(
  blob: Blob,
  name: string,
  edit: ((model: Model) => Model) | null = null,
): Promise<SessionInput> {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  const isSmall = blob.size < externaliseFromBytes;
  if (isSmall && edit === null) return { modelBytes: bytes };
  const source = memorySource(bytes);
  const parsed = parseModel(source, name);
  const model = edit === null ? parsed : edit(parsed);
  if (isSmall) return { modelBytes: modelToBytes(model) };
  return {
    modelBytes: modelToBytes(withExternalWeights(model, source, weightsLocation)),
    externalData: [{ path: weightsLocation, data: bytes }],
  };
}

const weightsLocation = 'weights';

/** The model with its large raw initializers pointing into `source` as an external file of that name. */
export function withExternalWeights(model: Model, source: ByteSource, location: string): Model {
  const initializers = model.graph.initializers.map((tensor): Tensor => {
    if (tensor.data.kind !== 'raw' || tensor.data.range.source !== source) return tensor;
    const { offset, length } = tensor.data.range;
    if (length < smallTensorBytes) return tensor;
    return { ...tensor, data: { kind: 'external', location, offset, length, source: null } };
  });
  return { ...model, graph: { ...model.graph, initializers } };
}
