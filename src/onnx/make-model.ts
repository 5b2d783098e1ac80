import {
  DataType,
  type Model,
  type Node,
  type Shape,
  type Tensor,
  type ValueInfo,
  valueName,
} from './model.ts';

/** Declares an input or output. */
export function tensorInfo(name: string, shape: Shape, dataType: number = DataType.float): ValueInfo {
  return { name: valueName(name), type: { kind: 'tensor', dataType, shape }, docString: '', unknown: [] };
}

/** A model made from nothing, in opset 13, which every runtime knows that the lab meets. */
export function makeModel(graph: {
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly initializers?: readonly Tensor[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}): Model {
  return {
    irVersion: 7,
    opsetImports: [{ domain: '', version: 13 }],
    producerName: '',
    producerVersion: '',
    domain: '',
    modelVersion: 0n,
    docString: '',
    graph: { initializers: [], ...graph, valueInfos: [], docString: '', unknown: [] },
    metadata: [],
    functions: [],
    unknown: [],
  };
}
