import { DataType, valueName, type Model, type ValueInfo } from '../onnx/model.ts';
import { modelToBytes } from '../onnx/serialize.ts';

/** A model of one Identity node on one float: the least that makes the runtime start. */
export function identityModelBytes(): Uint8Array {
  const value = (name: string): ValueInfo => ({
    name: valueName(name),
    type: { kind: 'tensor', dataType: DataType.float, shape: [1] },
    docString: '',
    unknown: [],
  });
  const model: Model = {
    irVersion: 7,
    opsetImports: [{ domain: '', version: 13 }],
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: {
      name: 'identity',
      nodes: [
        {
          name: '',
          opType: 'Identity',
          domain: '',
          inputs: [valueName('x')],
          outputs: [valueName('y')],
          attributes: [],
          docString: '',
          unknown: [],
        },
      ],
      initializers: [],
      inputs: [value('x')],
      outputs: [value('y')],
      valueInfos: [],
      docString: '',
      unknown: [],
    },
    metadata: [],
    functions: [],
    unknown: [],
  };
  return modelToBytes(model);
}
