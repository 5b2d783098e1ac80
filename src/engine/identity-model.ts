import { makeNode } from '../onnx/attributes.ts';
import { makeModel, tensorInfo } from '../onnx/make-model.ts';
import { modelToBytes } from '../onnx/serialize.ts';

/** A model of one Identity node on some floats: on one of them the least that makes the runtime start. */
export function identityModelBytes(floats = 1): Uint8Array {
  return modelToBytes(
    makeModel({
      name: 'identity',
      nodes: [makeNode('Identity', ['x'], ['y'])],
      inputs: [tensorInfo('x', [floats])],
      outputs: [tensorInfo('y', [floats])],
    }),
  );
}
