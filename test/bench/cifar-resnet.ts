import { seededRandom } from '../../src/base/random.ts';
import { makeInt, makeInts, makeNode } from '../../src/onnx/attributes.ts';
import { makeModel, tensorInfo } from '../../src/onnx/make-model.ts';
import type { Node, Tensor } from '../../src/onnx/model.ts';
import { modelToBytes } from '../../src/onnx/serialize.ts';
import { elementCount, floatTensor } from '../../src/onnx/tensor.ts';

/**
 * A ResNet-20 for 32 x 32 images in ten classes, of noise: 41 million multiplications, 1.1 MB.
 * @source He et al., Deep Residual Learning for Image Recognition, 2015, section 4.2
 */
export function cifarResNet(): Uint8Array<ArrayBuffer> {
  const random = seededRandom(20);
  const nodes: Node[] = [];
  const initializers: Tensor[] = [];
  const weights = (name: string, dims: readonly number[]): string => {
    const fanIn = elementCount(dims.slice(1));
    const spread = Math.sqrt(6 / fanIn);
    const numbers = Float32Array.from({ length: elementCount(dims) }, () => (2 * random() - 1) * spread);
    initializers.push(floatTensor(name, dims, numbers));
    return name;
  };
  const add = (opType: string, inputs: readonly string[], attributes: Node['attributes'] = []): string => {
    const output = `${opType}_${nodes.length}`;
    nodes.push(makeNode(opType, inputs, [output], attributes));
    return output;
  };
  const conv = (from: string, [input, output, size, stride]: readonly [number, number, number, number]) =>
    add(
      'Conv',
      [from, weights(`w${initializers.length}`, [output, input, size, size])],
      [
        makeInts('kernel_shape', [size, size]),
        makeInts('pads', new Array<number>(4).fill(size >> 1)),
        makeInts('strides', [stride, stride]),
      ],
    );
  let value = add('Relu', [conv('image', [3, 16, 3, 1])]);
  let channels = 16;
  for (const width of [16, 16, 16, 32, 32, 32, 64, 64, 64]) {
    const stride = width / channels;
    const inner = add('Relu', [conv(value, [channels, width, 3, stride])]);
    const shortcut = stride === 1 ? value : conv(value, [channels, width, 1, stride]);
    value = add('Relu', [add('Add', [conv(inner, [width, width, 3, 1]), shortcut])]);
    channels = width;
  }
  const pooled = add('Flatten', [add('GlobalAveragePool', [value])]);
  const logits = add('Gemm', [pooled, weights('classifier', [10, 64])], [makeInt('transB', 1)]);
  return modelToBytes(
    makeModel({
      name: 'cifar-resnet-20',
      nodes,
      initializers,
      inputs: [tensorInfo('image', [1, 3, 32, 32])],
      outputs: [tensorInfo(logits, [1, 10])],
    }),
  );
}
