import { makeInt, makeInts, makeNode } from '../../../../src/onnx/attributes.ts';
import type { Model, Tensor } from '../../../../src/onnx/model.ts';
import { floatTensor } from '../../../../src/onnx/tensor.ts';
import type { Ranges } from '../../../../src/transforms/quantize/quantization.ts';
import { valuesNeeded } from '../../../../src/transforms/quantize/quantize-model.ts';
import type { CalibratedOperator } from '../../../../src/transforms/quantize/quantize-operator.ts';
import { feed, modelOf, runModel, tensorInfo } from '../../../fixtures/run-onnx.ts';

const image = [1, 4, 6, 6];
export const input = feed(image, (at) => Math.sin(at * 0.7) * 2);

function weight(name: string, dims: readonly number[]): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  return floatTensor(
    name,
    dims,
    Float32Array.from({ length: count }, (_, at) => Math.cos(at * at + dims.length) / 3),
  );
}

/** Two convolutions, the first with a batch normalization and without a name, and a classifier. */
export function network(): Model {
  const pads = makeInts('pads', [1, 1, 1, 1]);
  return modelOf({
    nodes: [
      makeNode('Conv', ['x', 'w1'], ['a'], [pads]),
      makeNode('BatchNormalization', ['a', 'scale', 'shift', 'mean', 'variance'], ['b'], [], {
        name: 'norm',
      }),
      makeNode('Relu', ['b'], ['c'], [], { name: 'relu1' }),
      makeNode('Conv', ['c', 'w2', 'bias2'], ['d'], [pads], { name: 'stage/conv2' }),
      makeNode('Add', ['d', 'c'], ['e'], [], { name: 'stage/add' }),
      makeNode('GlobalAveragePool', ['e'], ['f'], [], { name: 'pool' }),
      makeNode('Flatten', ['f'], ['g'], [], { name: 'flat' }),
      makeNode('Gemm', ['g', 'w3', 'bias3'], ['y'], [makeInt('transB', 1)], { name: 'head' }),
    ],
    inputs: [tensorInfo('x', image)],
    outputs: [tensorInfo('y', [1, 5])],
    initializers: [
      weight('w1', [16, 4, 3, 3]),
      floatTensor('scale', [16], new Float32Array(16).fill(1.5)),
      floatTensor(
        'shift',
        [16],
        Float32Array.from({ length: 16 }, (_, at) => Math.sin(at)),
      ),
      floatTensor('mean', [16], new Float32Array(16).fill(0.1)),
      floatTensor('variance', [16], new Float32Array(16).fill(0.8)),
      weight('w2', [16, 16, 3, 3]),
      weight('bias2', [16]),
      weight('w3', [5, 16]),
      weight('bias3', [5]),
    ],
    opset: 13,
  });
}

/** Ranges of the values that the operator needs, on the one image of these tests. */
export async function calibrated(model: Model, operator: CalibratedOperator): Promise<Ranges> {
  const values = valuesNeeded(model, operator);
  const tapped = values.filter((name) => name !== 'x' && name !== 'y').map((name) => tensorInfo(name, null));
  const outputs = await runModel(
    { ...model, graph: { ...model.graph, outputs: [...model.graph.outputs, ...tapped] } },
    { x: input },
  );
  return new Map(
    values.map((name) => {
      const data = (name === 'x' ? input.data : outputs.get(name)?.data) as Float32Array;
      return [name, { low: Math.min(...data), high: Math.max(...data) }];
    }),
  );
}

export async function scoresOf(model: Model): Promise<Float32Array> {
  return (await runModel(model, { x: input })).get('y')?.data as Float32Array;
}
