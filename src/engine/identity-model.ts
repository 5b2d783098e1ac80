import { makeNode } from '../onnx/attributes.ts';
import { makeModel, tensorInfo } from '../onnx/make-model.ts';
import { modelToBytes } from '../onnx/serialize.ts';

/** A model of one Identity node on one float: the least that makes the runtime start. */
export function identityModelBytes(): Uint8Array {
  return modelToBytes(
    makeModel({
      name: 'identity',
      nodes: [makeNode('Identity', ['x'], ['y'])],
      inputs: [tensorInfo('x', [1])],
      outputs: [tensorInfo('y', [1])],
    }),
  );
}
