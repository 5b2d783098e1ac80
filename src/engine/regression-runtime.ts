import { modelToBytes } from '../onnx/serialize.ts';
import { type RegressionRuntime, regressionModel } from '../transforms/exits/regression-graph.ts';
import { startRuntime } from './ort.ts';

/**
 * Softmax regression in the WASM runtime, with its threads and vector instructions. Once in a worker's life.
 * @throws InputError as `startRuntime`
 */
export async function startRegression(threads: number): Promise<RegressionRuntime> {
  const runtime = await startRuntime('wasm', threads);
  // The runtime computes every output of a model, asked for or not.
  const [fitting, learning] = await Promise.all([
    runtime.createSession(modelToBytes(regressionModel(false))),
    runtime.createSession(modelToBytes(regressionModel(true))),
  ]);
  return async ({ images, width, classes, rows, targets, weights, bias }, withGradient) => {
    const values = await (withGradient ? learning : fitting).run({
      rows: new runtime.ort.Tensor('float32', rows, [images, width]),
      targets: new runtime.ort.Tensor('int32', targets, [images]),
      weights: new runtime.ort.Tensor('float32', weights, [classes, width]),
      bias: new runtime.ort.Tensor('float32', bias, [classes]),
    });
    const floats = (name: string) => values[name]?.data as Float32Array;
    return {
      likelihood: floats('likelihood'),
      right: floats('right'),
      gradient: withGradient ? { weights: floats('weights_gradient'), bias: floats('bias_gradient') } : null,
    };
  };
}
